// SPDX-License-Identifier: Apache-2.0
// scatter_nd: index tuples, one load per component; a reindex_reduce.
// An index out of range writes nothing; negative ones count from the end.
#include "compiler/ops/library/index_tuple.h"

namespace mintor::ops {

Value scatter_nd(Builder& b, Value x, Value index, Value updates, Combiner combiner) {
  OpScope scope(b, "scatter_nd");
  need_index("scatter_nd", index);
  int64_t components = tuple_size("scatter_nd", index);
  size_t rank = x.shape().size(), lead = index.shape().size() - 1;
  Shape wanted(index.shape().begin(), index.shape().end() - 1);
  if (components > static_cast<int64_t>(rank))
    fail("scatter_nd", "indices " + text(index.type()) + " do not fit " + text(x.type()));
  wanted.insert(wanted.end(), x.shape().begin() + components, x.shape().end());
  const std::string problem =
      "updates " + text(updates.type()) + " do not fit " + text(wanted) + " of " + text(x.type());
  if (wanted.size() != updates.shape().size() || updates.dtype() != x.dtype())
    fail("scatter_nd", problem);
  for (size_t d = 0; d < wanted.size(); ++d)
    if (!same_size(b, wanted[d], updates.shape()[d]))
      fail_unequal("scatter_nd", problem, wanted[d], updates.shape()[d]);
  bool combines = combiner != Combiner::last;
  Value z = combines ? widen(b, x) : x, y = combines ? widen(b, updates) : updates;
  IndexMap map;
  load_tuple(map, 2, components, result_indices(lead));
  for (int64_t k = 0; k < components; ++k)
    map.coords.push_back(wrapped(loaded_index(k), x.shape()[k]));
  for (size_t d = lead; d < wanted.size(); ++d) map.coords.push_back(result_index(d));
  return narrow(b, b.reindex_reduce(combiner, z, y, map, std::span(&index, 1)), x.dtype());
}

}  // namespace mintor::ops
