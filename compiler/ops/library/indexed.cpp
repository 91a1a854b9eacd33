// SPDX-License-Identifier: Apache-2.0
// Operators whose map loads integers: gathers are reindexes, scatters are reindex_reduces. Negative
// indices count from the end; an index out of range reads 0 and writes nothing.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

void check_index(std::string_view op, Value index) {
  if (!is_int(index.dtype()))
    fail(op, "indices must have an integer dtype, not " + text(index.type()));
}

Scalar zero_of(Value x) { return Scalar::of_int(x.dtype(), 0); }

std::vector<Index> result_indices(size_t rank) {
  std::vector<Index> out;
  for (size_t d = 0; d < rank; ++d) out.push_back(result_index(d));
  return out;
}

// One load per component of the last dimension of `index` (operand `operand`), addressed by the
// leading dimensions.
void load_tuple(IndexMap& map, Value index, int32_t operand, int64_t components,
                std::span<const Index> leading) {
  for (int64_t k = 0; k < components; ++k) {
    std::vector<Index> coords(leading.begin(), leading.end());
    coords.push_back(k);
    map.loads.push_back({operand, std::move(coords)});
  }
  (void)index;
}

int64_t tuple_size(std::string_view op, Value index) {
  if (index.shape().empty() || !index.shape().back().is_const())
    fail(op, "the last dimension of the indices must be constant: " + text(index.type()));
  return index.shape().back().value();
}

}  // namespace

Value take(Builder& b, Value x, Value index, int64_t axis) {
  OpScope scope(b, "gather");
  check_index("gather", index);
  return b.gather(x, index, axis_of("gather", axis, x.shape().size()));
}

Value gather_elements(Builder& b, Value x, Value index, int64_t axis) {
  OpScope scope(b, "gather_elements");
  check_index("gather_elements", index);
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

Value gather_nd(Builder& b, Value x, Value index, int64_t batch_dims) {
  OpScope scope(b, "gather_nd");
  check_index("gather_nd", index);
  int64_t components = tuple_size("gather_nd", index);
  int64_t rank = static_cast<int64_t>(x.shape().size()),
          lead = static_cast<int64_t>(index.shape().size()) - 1;
  if (batch_dims < 0 || batch_dims > lead || batch_dims + components > rank)
    fail("gather_nd", "indices " + text(index.type()) + " with " + std::to_string(batch_dims) +
                          " batch dimensions do not fit " + text(x.type()));
  for (int64_t d = 0; d < batch_dims; ++d) {
    if (!same_size(b, x.shape()[d], index.shape()[d]))
      fail("gather_nd",
           "batch dimensions of " + text(x.type()) + " and " + text(index.type()) + " differ");
  }
  Shape shape(index.shape().begin(), index.shape().end() - 1);
  IndexMap map;
  std::vector<Index> leading = result_indices(lead);
  load_tuple(map, index, 1, components, leading);
  for (int64_t d = 0; d < batch_dims; ++d) map.coords.push_back(result_index(d));
  for (int64_t k = 0; k < components; ++k)
    map.coords.push_back(wrapped(loaded_index(k), x.shape()[batch_dims + k]));
  for (int64_t d = batch_dims + components; d < rank; ++d) {
    map.coords.push_back(result_index(shape.size()));
    shape.push_back(x.shape()[d]);
  }
  return b.reindex(x, shape, map, zero_of(x), std::span(&index, 1));
}

Value scatter_elements(Builder& b, Value x, Value index, Value updates, int64_t axis,
                       Combiner combiner) {
  OpScope scope(b, "scatter_elements");
  check_index("scatter_elements", index);
  size_t rank = x.shape().size(), dim = axis_of("scatter_elements", axis, rank);
  if (index.shape() != updates.shape() || index.shape().size() != rank ||
      updates.dtype() != x.dtype())
    fail("scatter_elements", "indices " + text(index.type()) + " and updates " +
                                 text(updates.type()) + " do not fit " + text(x.type()));
  bool combines = combiner != Combiner::last;
  Value z = combines ? widen(b, x) : x, y = combines ? widen(b, updates) : updates;
  IndexMap map;
  map.coords = result_indices(rank);
  map.loads.push_back({2, map.coords});
  map.coords[dim] = wrapped(loaded_index(0), x.shape()[dim]);
  return narrow(b, b.reindex_reduce(combiner, z, y, map, std::span(&index, 1)), x.dtype());
}

Value scatter_nd(Builder& b, Value x, Value index, Value updates, Combiner combiner) {
  OpScope scope(b, "scatter_nd");
  check_index("scatter_nd", index);
  int64_t components = tuple_size("scatter_nd", index);
  size_t rank = x.shape().size(), lead = index.shape().size() - 1;
  Shape wanted(index.shape().begin(), index.shape().end() - 1);
  if (components > static_cast<int64_t>(rank))
    fail("scatter_nd", "indices " + text(index.type()) + " do not fit " + text(x.type()));
  wanted.insert(wanted.end(), x.shape().begin() + components, x.shape().end());
  bool fits = wanted.size() == updates.shape().size() && updates.dtype() == x.dtype();
  for (size_t d = 0; fits && d < wanted.size(); ++d)
    fits = same_size(b, wanted[d], updates.shape()[d]);
  if (!fits)
    fail("scatter_nd", "updates " + text(updates.type()) + " do not fit " + text(wanted) + " of " +
                           text(x.type()));
  bool combines = combiner != Combiner::last;
  Value z = combines ? widen(b, x) : x, y = combines ? widen(b, updates) : updates;
  IndexMap map;
  load_tuple(map, index, 2, components, result_indices(lead));
  for (int64_t k = 0; k < components; ++k)
    map.coords.push_back(wrapped(loaded_index(k), x.shape()[k]));
  for (size_t d = lead; d < wanted.size(); ++d) map.coords.push_back(result_index(d));
  return narrow(b, b.reindex_reduce(combiner, z, y, map, std::span(&index, 1)), x.dtype());
}

Value reverse_sequence(Builder& b, Value x, Value lengths, int64_t batch_axis, int64_t time_axis) {
  OpScope scope(b, "reverse_sequence");
  check_index("reverse_sequence", lengths);
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
