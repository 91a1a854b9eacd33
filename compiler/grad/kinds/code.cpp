// SPDX-License-Identifier: Apache-2.0
// code: for each operand, the gradient that its author wrote, as a code node of its own.
//   y = code (x, w) source S gradient "@ in0, in1, out0, dout0 -> din1 ..."
//   ->  dw = code (x, w, y, dy) source "@ in0, in1, out0, dout0 -> din1 ..."
#include "compiler/grad/rule.h"
#include "compiler/ir/user_code.h"

namespace mintor {

Gradients backward_code(const Backward& at) {
  Gradients grads(at.node.operands.size());
  const std::vector<std::optional<UserFunction>> functions = user_gradients(at.node);
  std::vector<Value> given = at.node.operands;
  for (size_t r = 0; r < at.node.results.size(); ++r) given.push_back(at.result(r));
  for (const Value& g : float_grads(at)) given.push_back(g);
  for (size_t i = 0; i < grads.size(); ++i) {
    const Type& type = at.operand(i).type();
    if (!at.wanted[i] || !is_float(type.dtype)) continue;
    if (!functions[i])
      at.fail("the user's code has no gradient of its operand " + std::to_string(i),
              "give gradient=[...] with a source for that operand, or stop the gradient there");
    grads[i] = at.b.code(given, {type}, print(*functions[i]), "")[0];
  }
  return grads;
}

}  // namespace mintor
