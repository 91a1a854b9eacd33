// SPDX-License-Identifier: Apache-2.0
// Operators that move elements: shapes, slices, joining, gathering. Sizes and places that Python
// gives are attributes; they are checked and made positive there (mintor/indexing.py).
#include <algorithm>

#include "frontends/python/trace/operators/common.h"

namespace mintor::trace {
namespace {

Index product(const Shape& shape) {
  Index count = 1;
  for (const Index& dim : shape) count = count * dim;
  return count;
}

int64_t axis_of(const char* op, int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) {
    throw CompileError(op, "axis " + std::to_string(axis) + " of an array of " +
                               std::to_string(rank) + " dimensions");
  }
  return axis < 0 ? axis + rank : axis;
}

Values reshape(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  Builder& b = g.builder();
  Shape sizes = attributes.indices();
  const Shape asked = sizes;
  const Index count = product(x[0].shape());
  const auto open =
      std::ranges::find_if(sizes, [](const Index& size) { return size.is_const(-1); });
  if (open != sizes.end()) {
    *open = 1;
    const Index known = product(sizes);
    if (!known.is_const(0)) *open = b.graph().ranges().simplify(floordiv(count, known));
  }
  const Index total = product(sizes);
  const bool whole = std::ranges::none_of(
      sizes, [](const Index& size) { return size.is_const() && size.value() < 0; });
  const Index difference = b.graph().ranges().simplify(total - count);
  if (!whole || (difference.is_const() && !difference.is_const(0))) {
    throw CompileError("reshape",
                       count.str() + " elements do not make the shape " + to_string(asked));
  }
  if (!difference.is_const(0)) throw NotGeneral{};
  if (count.is_const(0)) return {b.full(x[0].dtype(), sizes, 0)};
  return {b.reshape(x[0], sizes)};
}

Values permute(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const auto rank = static_cast<int64_t>(x[0].shape().size());
  std::vector<int64_t> axes = attributes.integers();
  std::vector<int32_t> order;
  std::vector<bool> seen(static_cast<size_t>(rank));
  for (const int64_t axis : axes) {
    const int64_t at = axis_of("permute", axis, rank);
    if (seen[static_cast<size_t>(at)]) {
      throw CompileError("permute", "axis " + std::to_string(axis) + " is named twice");
    }
    seen[static_cast<size_t>(at)] = true;
    order.push_back(static_cast<int32_t>(at));
  }
  if (static_cast<int64_t>(order.size()) != rank) {
    throw CompileError("permute", std::to_string(order.size()) + " axes for an array of " +
                                      std::to_string(rank) + " dimensions");
  }
  return {g.builder().transpose(x[0], order)};
}

Values broadcast_to(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {g.builder().broadcast_to(x[0], attributes.indices())};
}

Values expand_dims(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {ops::unsqueeze(g.builder(), x[0], attributes.integers())};
}

Values squeeze(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const std::vector<int64_t> axes = attributes.integers();
  if (axes.empty()) return {x[0]};
  return {ops::squeeze(g.builder(), x[0], axes)};
}

// starts, steps, counts: one each per dimension; then the dimensions that an integer index drops.
Values slice(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  Builder& b = g.builder();
  const std::vector<Index> starts = attributes.indices();
  const std::vector<int64_t> steps = attributes.integers();
  const std::vector<Index> counts = attributes.indices();
  const std::vector<int64_t> dropped = attributes.integers();
  const Value part = ops::slice(b, x[0], starts, counts, steps);
  return {dropped.empty() ? part : ops::squeeze(b, part, dropped)};
}

Values concat(SegmentGraph& g, Operands xs, AttributeReader& attributes) {
  const Values parts = all_promoted(g.builder(), "concat", xs);
  const auto rank = static_cast<int64_t>(xs[0].shape().size());
  if (rank == 0) throw CompileError("concat", "arrays without dimensions cannot be joined");
  const int64_t axis = axis_of("concat", attributes.integer(), rank);
  return {g.builder().concat(parts, static_cast<int>(axis))};
}

Values stack(SegmentGraph& g, Operands xs, AttributeReader& attributes) {
  Builder& b = g.builder();
  Values parts = all_promoted(b, "stack", xs);
  const auto rank = static_cast<int64_t>(xs[0].shape().size());
  const int64_t axis = axis_of("stack", attributes.integer(), rank + 1);
  for (Value& part : parts) part = ops::unsqueeze(b, part, std::array<int64_t, 1>{axis});
  return {b.concat(parts, static_cast<int>(axis))};
}

Values take(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {ops::take(g.builder(), x[0], x[1], attributes.integer())};
}

Values take_along_axis(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {ops::gather_elements(g.builder(), x[0], x[1], attributes.integer())};
}

Values gather_nd(SegmentGraph& g, Operands x, AttributeReader&) {
  return {ops::gather_nd(g.builder(), x[0], x[1], 0)};
}

Combiner combiner_of(AttributeReader& attributes) {
  const std::string name = attributes.text();
  const std::optional<Combiner> combiner = parse_combiner(name);
  if (!combiner) throw CompileError("scatter", "there is no combination '" + name + "'");
  return *combiner;
}

Values scatter_nd(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  Builder& b = g.builder();
  const Value updates = ops::cast(b, x[2], x[0].dtype());
  return {ops::scatter_nd(b, x[0], x[1], updates, combiner_of(attributes))};
}

Values put_along_axis(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  Builder& b = g.builder();
  const int64_t axis = attributes.integer();
  const Value updates = b.broadcast_to(ops::cast(b, x[2], x[0].dtype()), x[1].shape());
  return {ops::scatter_elements(b, x[0], x[1], updates, axis, combiner_of(attributes))};
}

// x with `value` where the slice says; attributes as of `slice`.
Values assign_slice(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  Builder& b = g.builder();
  const std::vector<Index> starts = attributes.indices();
  const std::vector<int64_t> steps = attributes.integers();
  const std::vector<Index> counts = attributes.indices();
  const std::vector<int64_t> dropped = attributes.integers();
  Shape kept;
  for (size_t d = 0; d < counts.size(); ++d) {
    if (std::ranges::find(dropped, static_cast<int64_t>(d)) == dropped.end()) {
      kept.push_back(counts[d]);
    }
  }
  Value value = b.broadcast_to(ops::cast(b, x[1], x[0].dtype()), kept);
  value = b.reshape(value, counts);
  IndexMap map;
  for (size_t d = 0; d < counts.size(); ++d) {
    map.coords.push_back(Index::var("i" + std::to_string(d)) * steps[d] + starts[d]);
  }
  return {b.reindex_reduce(Combiner::last, x[0], value, map)};
}

Values flip(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const auto rank = static_cast<int64_t>(x[0].shape().size());
  std::vector<int64_t> axes = attributes.integers();
  for (int64_t& axis : axes) axis = axis_of("flip", axis, rank);
  return {axes.empty() ? x[0] : ops::flip(g.builder(), x[0], axes)};
}

Values tile(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const std::vector<Index> repeats = attributes.indices();
  Shape shape = x[0].shape();
  for (size_t d = 0; d < shape.size() && d < repeats.size(); ++d) shape[d] = shape[d] * repeats[d];
  if (product(shape).is_const(0)) return {g.builder().full(x[0].dtype(), shape, 0)};
  return {ops::tile(g.builder(), x[0], repeats)};
}

Values pad(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  Builder& b = g.builder();
  const std::vector<Index> before = attributes.indices(), after = attributes.indices();
  const std::string mode = attributes.text();
  const double fill = attributes.number();
  const auto pad_mode = mode == "constant"  ? ops::PadMode::constant
                        : mode == "reflect" ? ops::PadMode::reflect
                        : mode == "edge"    ? ops::PadMode::edge
                        : mode == "wrap"
                            ? ops::PadMode::wrap
                            : throw CompileError("pad", "there is no mode '" + mode + "'");
  return {ops::pad(b, x[0], before, after, pad_mode, ops::scalar(b, x[0].dtype(), fill))};
}

Values triangle(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const bool upper = attributes.flag();
  return {ops::trilu(g.builder(), x[0], attributes.index(), upper)};
}

Values one_hot(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  Builder& b = g.builder();
  const Index depth = attributes.index();
  const DType dtype = dtype_attribute(attributes);
  return {ops::one_hot(b, x[0], depth, ops::scalar(b, dtype, 0), ops::scalar(b, dtype, 1), -1)};
}

Values full(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {g.builder().broadcast_to(x[0], attributes.indices())};
}

Values arange(SegmentGraph& g, Operands, AttributeReader& attributes) {
  Builder& b = g.builder();
  const DType dtype = dtype_attribute(attributes);
  const Index start = attributes.index(), count = attributes.index(), step = attributes.index();
  return {ops::cast(b, ops::range(b, DType::i64, start, count, step), dtype)};
}

Values sort(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const int64_t axis =
      axis_of("sort", attributes.integer(), static_cast<int64_t>(x[0].shape().size()));
  Builder& b = g.builder();
  const Value places = b.iota(DType::i64, x[0].shape(), static_cast<int>(axis));
  return b.sort(std::array{x[0], places}, static_cast<int>(axis), attributes.flag());
}

constexpr TracedOperator kOperators[] = {
    {"reshape", 1, reshape},
    {"permute", 1, permute},
    {"broadcast_to", 1, broadcast_to},
    {"expand_dims", 1, expand_dims},
    {"squeeze", 1, squeeze},
    {"slice", 1, slice},
    {"assign_slice", 2, assign_slice},
    {"concat", -1, concat},
    {"stack", -1, stack},
    {"take", 2, take, 2},
    {"take_along_axis", 2, take_along_axis, 2},
    {"put_along_axis", 3, put_along_axis, 3},
    {"gather_nd", 2, gather_nd, 2},
    {"scatter_nd", 3, scatter_nd, 3},
    {"flip", 1, flip},
    {"tile", 1, tile},
    {"pad", 1, pad},
    {"triangle", 1, triangle},
    {"one_hot", 1, one_hot},
    {"full", 1, full},
    {"arange", 0, arange},
    {"sort", 1, sort},
};

}  // namespace

}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_moving = {trace::kOperators};
}
