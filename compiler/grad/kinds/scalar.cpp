// SPDX-License-Identifier: Apache-2.0
// unary, binary, ternary: the formulas of the row in the scalar table.
//   z = mul (x, y)   ->   gx = g * y, gy = g * x
#include "compiler/grad/formula.h"
#include "compiler/grad/rule.h"

namespace mintor {

Gradients backward_scalar(const Backward& at) {
  const ScalarOpRow& row = row_of(at.node.as<ScalarAttr>().op);
  std::map<char, Value> names = {{'g', at.grads[0]}, {'r', at.result()}};
  for (size_t i = 0; i < at.node.operands.size(); ++i) names["xyz"[i]] = at.operand(i);
  const auto formulas = gradient_formulas(row);
  Gradients grads(at.node.operands.size());
  for (size_t i = 0; i < grads.size(); ++i)
    if (at.wanted[i] && formulas[i] != "0") grads[i] = apply_formula(at.b, formulas[i], names);
  return grads;
}

}  // namespace mintor
