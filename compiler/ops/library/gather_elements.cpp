// SPDX-License-Identifier: Apache-2.0
// gather_elements: one index per result element, along one axis.
// An index out of range reads 0; negative ones count from the end.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value gather_elements(Builder& b, Value x, Value index, int64_t axis) {
  OpScope scope(b, "gather_elements");
  need_index("gather_elements", index);
  size_t rank = x.shape().size(), dim = axis_of("gather_elements", axis, rank);
  if (index.shape().size() != rank)
    fail("gather_elements",
         "indices " + text(index.type()) + " and data " + text(x.type()) + " differ in rank");
  IndexMap map;
  map.coords = result_indices(rank);
  map.loads.push_back({1, map.coords});
  map.coords[dim] = wrapped(loaded_index(0), x.shape()[dim]);
  return b.reindex(x, index.shape(), map, zero_of(x), std::span(&index, 1));
}

}  // namespace mintor::ops
