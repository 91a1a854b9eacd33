// SPDX-License-Identifier: Apache-2.0
// concat: each operand's slice of the gradient.
//   y = concat (x0, x1)   ->   gx1 = g[size of x0 ..]
#include "compiler/grad/rule.h"

namespace mintor {

Gradients backward_concat(const Backward& at) {
  const auto dim = static_cast<size_t>(at.node.as<ConcatAttr>().dim);
  const size_t rank = at.node.results[0].shape.size();
  std::vector<Index> start(rank, 0);
  const std::vector<int64_t> step(rank, 1);
  Gradients grads(at.node.operands.size());
  for (size_t i = 0; i < grads.size(); ++i) {
    const Shape& shape = at.operand(i).shape();
    if (at.wanted[i]) grads[i] = at.b.slice(at.grads[0], start, shape, step);
    start[dim] = start[dim] + shape[dim];
  }
  return grads;
}

}  // namespace mintor
