// SPDX-License-Identifier: Apache-2.0
// reindex: what was read is added to where it was read from; where the map can be inverted the pass
// scatter_to_gather makes it a reindex.
//   y = reindex (x) [map]   ->   gx = reindex_reduce add (0, g) [map]
#include "compiler/grad/rule.h"

namespace mintor {

Gradients backward_reindex(const Backward& at) {
  const Value g = at.grad();
  const auto index_operands = std::span(at.node.operands).subspan(1);
  Gradients grads(at.node.operands.size());
  grads[0] = at.b.reindex_reduce(Combiner::add, zeros(at.b, g.dtype(), at.operand().shape()), g,
                                 shifted(at.node.as<ReindexAttr>().map, 1), index_operands);
  return grads;
}

}  // namespace mintor
