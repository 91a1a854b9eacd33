// SPDX-License-Identifier: Apache-2.0
// scatter_elements: one index per update, along one axis; a reindex_reduce.
// An index out of range writes nothing; negative ones count from the end.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value scatter_elements(Builder& b, Value x, Value index, Value updates, int64_t axis,
                       Combiner combiner) {
  OpScope scope(b, "scatter_elements");
  need_index("scatter_elements", index);
  size_t rank = x.shape().size(), dim = axis_of("scatter_elements", axis, rank);
  const std::string problem = "indices " + text(index.type()) + " and updates " +
                              text(updates.type()) + " do not fit " + text(x.type());
  const bool ranks = index.shape().size() == rank && updates.shape().size() == rank;
  if (!ranks || updates.dtype() != x.dtype()) fail("scatter_elements", problem);
  for (size_t d = 0; d < rank; ++d)
    if (!same_size(b, index.shape()[d], updates.shape()[d]))
      fail_unequal("scatter_elements", problem, index.shape()[d], updates.shape()[d]);
  bool combines = combiner != Combiner::last;
  Value z = combines ? widen(b, x) : x, y = combines ? widen(b, updates) : updates;
  IndexMap map;
  map.coords = result_indices(rank);
  map.loads.push_back({2, map.coords});
  map.coords[dim] = wrapped(loaded_index(0), x.shape()[dim]);
  return narrow(b, b.reindex_reduce(combiner, z, y, map, std::span(&index, 1)), x.dtype());
}

}  // namespace mintor::ops
