// SPDX-License-Identifier: Apache-2.0
// gather_nd: index tuples, optionally under batch dimensions; one load per component.
// An index out of range reads 0; negative ones count from the end.
#include "compiler/ops/library/index_tuple.h"

namespace mintor::ops {

Value gather_nd(Builder& b, Value x, Value index, int64_t batch_dims) {
  OpScope scope(b, "gather_nd");
  need_index("gather_nd", index);
  int64_t components = tuple_size("gather_nd", index);
  int64_t rank = static_cast<int64_t>(x.shape().size()),
          lead = static_cast<int64_t>(index.shape().size()) - 1;
  if (batch_dims < 0 || batch_dims > lead || batch_dims + components > rank)
    fail("gather_nd", "indices " + text(index.type()) + " with " + std::to_string(batch_dims) +
                          " batch dimensions do not fit " + text(x.type()));
  for (int64_t d = 0; d < batch_dims; ++d) {
    if (!same_size(b, x.shape()[d], index.shape()[d]))
      fail_unequal(
          "gather_nd",
          "batch dimensions of " + text(x.type()) + " and " + text(index.type()) + " differ",
          x.shape()[d], index.shape()[d]);
  }
  Shape shape(index.shape().begin(), index.shape().end() - 1);
  IndexMap map;
  std::vector<Index> leading = result_indices(lead);
  load_tuple(map, 1, components, leading);
  for (int64_t d = 0; d < batch_dims; ++d) map.coords.push_back(result_index(d));
  for (int64_t k = 0; k < components; ++k)
    map.coords.push_back(wrapped(loaded_index(k), x.shape()[batch_dims + k]));
  for (int64_t d = batch_dims + components; d < rank; ++d) {
    map.coords.push_back(result_index(shape.size()));
    shape.push_back(x.shape()[d]);
  }
  return b.reindex(x, shape, map, zero_of(x), std::span(&index, 1));
}

}  // namespace mintor::ops
