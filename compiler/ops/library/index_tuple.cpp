// SPDX-License-Identifier: Apache-2.0
// Index tuples of gather_nd and scatter_nd (index_tuple.h).
// Keeps true: component k is load k of the map.
#include "compiler/ops/library/index_tuple.h"

namespace mintor::ops {

void load_tuple(IndexMap& map, int32_t operand, int64_t components,
                std::span<const Index> leading) {
  for (int64_t k = 0; k < components; ++k) {
    std::vector<Index> coords(leading.begin(), leading.end());
    coords.push_back(k);
    map.loads.push_back({operand, std::move(coords)});
  }
}

int64_t tuple_size(std::string_view op, Value index) {
  if (index.shape().empty() || !index.shape().back().is_const())
    fail(op, "the last dimension of the indices must be constant: " + text(index.type()));
  return index.shape().back().value();
}

}  // namespace mintor::ops
