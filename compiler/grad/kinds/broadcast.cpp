// SPDX-License-Identifier: Apache-2.0
// broadcast: the sum over the dimensions that it added.
//   y = broadcast (x) dims [1]   ->   gx = reduce add (g) dims [0]
#include "compiler/grad/rule.h"

namespace mintor {

Gradients backward_broadcast(const Backward& at) {
  const auto added =
      dims_without(at.node.results[0].shape.size(), at.node.as<BroadcastAttr>().dims);
  if (added.empty()) return {at.grads[0]};
  return {at.b.reduce(Combiner::add, at.grad(), added)};
}

}  // namespace mintor
