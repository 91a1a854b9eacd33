// SPDX-License-Identifier: Apache-2.0
// reverse_sequence: each row mirrored up to its own length, which the map loads.
// Takes lengths of the size of the batch axis.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value reverse_sequence(Builder& b, Value x, Value lengths, int64_t batch_axis, int64_t time_axis) {
  OpScope scope(b, "reverse_sequence");
  need_index("reverse_sequence", lengths);
  size_t rank = x.shape().size();
  size_t batch = axis_of("reverse_sequence", batch_axis, rank),
         time = axis_of("reverse_sequence", time_axis, rank);
  if (batch == time || lengths.shape() != Shape{x.shape()[batch]})
    fail("reverse_sequence", "lengths " + text(lengths.type()) + " do not fit axis " +
                                 std::to_string(batch) + " of " + text(x.type()));
  IndexMap map;
  map.coords = result_indices(rank);
  map.loads.push_back({1, {result_index(batch)}});
  // Before its length a row is mirrored: t + inside * (length - 1 - 2 t), with inside 1 where t <
  // length.
  Index t = result_index(time), length = loaded_index(0), inside = max(0, min(1, length - t));
  map.coords[time] = t + inside * (length - 1 - Index(2) * t);
  return b.reindex(x, x.shape(), map, zero_of(x), std::span(&lengths, 1));
}

}  // namespace mintor::ops
