// SPDX-License-Identifier: Apache-2.0
// call: with a gradient of its own, a call of that; else the gradient of its body.
// The gradient region takes the operands, the results, and one gradient for each floating-point
// result (zeros where nothing reached it); it gives one value for each floating-point operand, or
// nothing at all: then nothing flows (stop_gradient).
#include "compiler/grad/grad.h"
#include "compiler/grad/rule.h"
#include "compiler/ir/inline.h"
#include "compiler/support/error.h"

namespace mintor {

namespace {

Gradients of_own_gradient(const Backward& at, const std::shared_ptr<const Graph>& region) {
  Gradients grads(at.node.operands.size());
  if (region->results.empty()) return grads;
  std::vector<Value> given = at.node.operands;
  for (size_t r = 0; r < at.node.results.size(); ++r) given.push_back(at.result(r));
  for (const Value& g : float_grads(at)) given.push_back(g);
  const std::vector<Value> made = at.b.call(given, region);
  size_t next = 0;
  for (size_t i = 0; i < grads.size(); ++i) {
    if (!is_float(at.operand(i).dtype())) continue;
    if (next == made.size())
      at.fail("its gradient gives " + std::to_string(made.size()) + " values, too few");
    grads[i] = made[next++];
  }
  return grads;
}

Gradients of_body(const Backward& at, const Graph& body) {
  const std::vector<Value> results = inline_region(at.b, body, at.node.operands);
  std::vector<Value> ys, grad_ys;
  for (size_t r = 0; r < results.size(); ++r) {
    if (!at.grads[r]) continue;
    ys.push_back(results[r]);
    grad_ys.push_back(at.grads[r]);
  }
  // Operands are taken as constants, also where one is made of another; a value that is passed
  // twice has one gradient.
  Gradients grads = gradients(at.b, ys, grad_ys, at.node.operands, at.node.operands);
  for (size_t i = 0; i < grads.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (at.operand(i) == at.operand(j)) grads[i] = {};
  return grads;
}

}  // namespace

Gradients backward_call(const Backward& at) {
  const auto& regions = at.node.as<RegionAttr>().regions;
  return regions.size() > 1 ? of_own_gradient(at, regions[1]) : of_body(at, *regions[0]);
}

}  // namespace mintor
