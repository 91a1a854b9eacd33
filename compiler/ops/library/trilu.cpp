// SPDX-License-Identifier: Apache-2.0
// trilu: the upper or lower triangle, a reindex with a condition on row and column.
// Takes the diagonal k as Index.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value trilu(Builder& b, Value x, Index k, bool upper) {
  OpScope scope(b, "trilu");
  size_t rank = x.shape().size();
  if (rank < 2) fail("trilu", "x must have at least 2 dimensions: " + text(x.type()));
  IndexMap map;
  for (size_t d = 0; d < rank; ++d) map.coords.push_back(result_index(d));
  // Kept where 0 <= column - row - k (upper) or 0 <= row + k - column (lower); the extent only has
  // to be large enough.
  Index over = result_index(rank - 1) - result_index(rank - 2) - k;
  Index kept = upper ? over : Index(0) - over;
  Index magnitude = max(k, Index(0) - k);
  map.conditions.push_back({kept, x.shape()[rank - 1] + x.shape()[rank - 2] + magnitude});
  return b.reindex(x, x.shape(), map, Scalar::of_int(x.dtype(), 0));
}

}  // namespace mintor::ops
