// SPDX-License-Identifier: Apache-2.0
// flip: y[i] = x[size - 1 - i] along the given axes, one reindex.
// Takes axes that may be negative.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value flip(Builder& b, Value x, std::span<const int64_t> axes) {
  OpScope scope(b, "flip");
  IndexMap map = identity_map(x.shape().size());
  for (int32_t d : axes_of("flip", axes, x.shape().size(), false))
    map.coords[d] = x.shape()[d] - 1 - result_index(d);
  return b.reindex(x, x.shape(), map, zero_of(x));
}

}  // namespace mintor::ops
