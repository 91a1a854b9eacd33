// SPDX-License-Identifier: Apache-2.0
// tile: y[i] = x[i mod size] in every repeated dimension, one reindex.
// Takes repeats as Index, one per dimension.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value tile(Builder& b, Value x, std::span<const Index> repeats) {
  OpScope scope(b, "tile");
  if (repeats.size() != x.shape().size())
    fail("tile", std::to_string(repeats.size()) + " repeats for " + text(x.type()));
  IndexMap map = identity_map(repeats.size());
  Shape shape = x.shape();
  for (size_t d = 0; d < repeats.size(); ++d) {
    if (repeats[d].is_const(1)) continue;
    if (repeats[d].is_const() && repeats[d].value() < 0)
      fail("tile", "repeat " + repeats[d].str() + " of dimension " + std::to_string(d));
    shape[d] = shape[d] * repeats[d];
    const Index& size = x.shape()[d];
    // Of no element, none: nothing reads the map.
    map.coords[d] = size.is_const() && size.value() <= 1 ? Index(0) : mod(result_index(d), size);
  }
  return shape == x.shape() ? x : b.reindex(x, shape, map, zero_of(x));
}

}  // namespace mintor::ops
