// SPDX-License-Identifier: Apache-2.0
// slice and split: y[i] = x[start + step * i].
// Takes starts and sizes that are clamped already, as Index; steps may be negative.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value slice(Builder& b, Value x, std::span<const Index> start, std::span<const Index> size,
            std::span<const int64_t> step) {
  OpScope scope(b, "slice");
  size_t rank = x.shape().size();
  if (start.size() != rank || size.size() != rank || step.size() != rank)
    fail("slice",
         "starts, sizes and steps must have one entry for each dimension of " + text(x.type()));
  IndexMap map = identity_map(rank);
  Shape shape(size.begin(), size.end());
  for (size_t d = 0; d < rank; ++d) {
    if (step[d] == 0) fail("slice", "step 0 in dimension " + std::to_string(d));
    map.coords[d] = start[d] + Index(step[d]) * result_index(d);
  }
  bool whole = shape == x.shape() && map == identity_map(rank);
  return whole ? x : b.reindex(x, shape, map, zero_of(x));
}

std::vector<Value> split(Builder& b, Value x, int64_t axis, std::span<const Index> sizes) {
  OpScope scope(b, "split");
  size_t dim = axis_of("split", axis, x.shape().size());
  Index total = 0;
  for (const Index& size : sizes) total = total + size;
  if (!same_size(b, total, x.shape()[dim]))
    fail_unequal("split",
                 "the parts sum to " + total.str() + ", dimension " + std::to_string(dim) +
                     " of " + text(x.type()) + " has " + x.shape()[dim].str(),
                 total, x.shape()[dim]);
  std::vector<Value> parts;
  std::vector<Index> start(x.shape().size(), 0);
  std::vector<int64_t> step(x.shape().size(), 1);
  for (const Index& size : sizes) {
    Shape shape = x.shape();
    shape[dim] = size;
    parts.push_back(slice(b, x, start, shape, step));
    start[dim] = start[dim] + size;
  }
  return parts;
}

}  // namespace mintor::ops
