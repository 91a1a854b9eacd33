// SPDX-License-Identifier: Apache-2.0
// sort: each gradient goes back through the permutation, which is what the sort does to positions.
//   ys = sort (keys, ...)   ->   p = sort (keys, iota)[1]; gx = reindex_reduce add (0, g) at p
#include "compiler/grad/rule.h"

namespace mintor {

Gradients backward_sort(const Backward& at) {
  const SortAttr& attr = at.node.as<SortAttr>();
  const Shape& shape = at.operand().shape();
  const Value keyed[] = {at.operand(), at.b.iota(DType::i64, shape, attr.dim)};
  const Value from = at.b.sort(keyed, attr.dim, attr.descending)[1];
  IndexMap map;
  for (size_t d = 0; d < shape.size(); ++d)
    map.coords.push_back(Index::var("i" + std::to_string(d)));
  map.loads.push_back({2, map.coords});
  map.coords[static_cast<size_t>(attr.dim)] = Index::var("l0");
  Gradients grads(at.node.operands.size());
  for (size_t i = 0; i < grads.size(); ++i) {
    if (!at.wanted[i] || !at.grads[i]) continue;
    const Value g = widened(at.b, at.grads[i]);
    grads[i] =
        at.b.reindex_reduce(Combiner::add, zeros(at.b, g.dtype(), shape), g, map, {&from, 1});
  }
  return grads;
}

}  // namespace mintor
