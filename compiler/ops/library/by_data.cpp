// SPDX-License-Identifier: Apache-2.0
// Slices, pads, reshapes, reductions and the like by lists that are data (ops/by_data.h).
// Takes values and lists of a constant length; gives values whose sizes are bound.
// Keeps true: what a reshape needs of bound sizes is a condition of the graph.
#include "compiler/ops/library/by_data.h"

namespace mintor::ops {

namespace {

constexpr int64_t kMostElements = 64;  // of a list that says one or two numbers a dimension
constexpr int64_t kFar = int64_t{1} << 40;  // beyond every size; sums of a few do not overflow

std::vector<Value> sizes_of(const Numbers& m, const Shape& shape) {
  std::vector<Value> out;
  for (const Index& size : shape) out.push_back(m.size(size));
  return out;
}

// 1 where the dimension is one of the axes, 0 elsewhere.
std::vector<Value> marks_of(const Numbers& m, std::span<const Value> axes, size_t rank) {
  std::vector<Value> marks;
  for (size_t d = 0; d < rank; ++d) {
    Value mark = m.b.constant_int(DType::boolean, 0);
    for (const Value& axis : axes) mark = m.either(mark, is_axis(m, axis, d, rank));
    marks.push_back(m.b.cast(mark, DType::i64));
  }
  return marks;
}

// The sizes of dimensions whose mark is 0, in order: one more result for each of `count`.
std::vector<Value> kept_sizes(const Numbers& m, std::span<const Value> sizes,
                              std::span<const Value> marks, size_t count) {
  std::vector<Value> out(count, m.n(0));
  Value place = m.n(0);
  for (size_t d = 0; d < sizes.size(); ++d) {
    const Value kept = m.is(marks[d], m.n(0));
    for (size_t k = 0; k < count && k <= d; ++k)
      out[k] = m.pick(m.both(kept, m.is(place, m.n(static_cast<int64_t>(k)))), sizes[d], out[k]);
    place = m.add(place, m.sub(m.n(1), marks[d]));
  }
  return out;
}

Shape bound(std::span<const Value> sizes, const BindSize& bind) {
  Shape shape;
  for (const Value& size : sizes) shape.push_back(bind(size));
  return shape;
}

}  // namespace

std::vector<Value> elements_of(std::string_view op, Builder& b, Value list) {
  need_index(op, list);
  const bool single = list.shape().empty();
  if (!single && (list.shape().size() != 1 || !list.shape()[0].is_const()))
    fail(op, "a list of numbers must have one dimension of a known size: " + text(list.type()));
  const int64_t count = single ? 1 : list.shape()[0].value();
  if (count > kMostElements)
    fail(op, std::to_string(count) + " numbers for dimensions, at most " +
                 std::to_string(kMostElements) + " are taken: " + text(list.type()));
  const Value flat = b.reshape(b.cast(list, DType::i64), {count});
  std::vector<Value> out;
  for (int64_t k = 0; k < count; ++k) out.push_back(b.reshape(b.slice(flat, {k}, {1}, {1}), {}));
  return out;
}

Value is_axis(const Numbers& m, Value axis, size_t d, size_t rank) {
  const auto at = static_cast<int64_t>(d), r = static_cast<int64_t>(rank);
  return m.either(m.is(axis, m.n(at)), m.is(axis, m.n(at - r)));
}

std::vector<Value> by_dimension(std::string_view op, Builder& b, size_t rank,
                                std::span<const Value> list, Value axes,
                                const std::vector<Value>& otherwise) {
  const Numbers m{b};
  std::vector<Value> out = otherwise;
  const std::vector<Value> places = axes ? elements_of(op, b, axes) : std::vector<Value>{};
  if (axes ? places.size() != list.size() : list.size() > rank)
    fail(op, std::to_string(list.size()) + " numbers for " +
                 std::to_string(axes ? places.size() : rank) + " axes");
  for (size_t j = 0; j < list.size(); ++j) {
    if (!axes) out[j] = list[j];
    for (size_t d = 0; axes && d < rank; ++d)
      out[d] = m.pick(is_axis(m, places[j], d, rank), list[j], out[d]);
  }
  return out;
}

Value slice_by(Builder& b, Value x, Value starts, Value ends, Value axes, Value steps,
               const BindSize& bind) {
  OpScope scope(b, "slice");
  const Numbers m{b};
  const size_t rank = x.shape().size();
  const std::vector<Value> size = sizes_of(m, x.shape()), zeros(rank, m.n(0)), ones(rank, m.n(1));
  const auto entries = [&](Value list, const std::vector<Value>& otherwise) {
    std::vector<Value> values;
    for (const Value& v : elements_of("slice", b, list))
      values.push_back(m.clamp(v, m.n(-kFar), m.n(kFar)));
    return by_dimension("slice", b, rank, values, axes, otherwise);
  };
  const std::vector<Value> first = entries(starts, zeros), last = entries(ends, size),
                           by = steps ? entries(steps, ones) : ones;
  const size_t named = axes ? rank : elements_of("slice", b, starts).size();
  for (size_t d = 0; d < named; ++d) {
    const Value zero = m.n(0), one = m.n(1), back = m.less(by[d], zero);
    const auto from_end = [&](Value v) { return m.pick(m.less(v, zero), m.add(v, size[d]), v); };
    const Value end = m.sub(size[d], one);
    const Value from = m.pick(back, m.clamp(from_end(first[d]), zero, end),
                              m.clamp(from_end(first[d]), zero, size[d]));
    const Value to = m.pick(back, m.clamp(from_end(last[d]), m.n(-1), end),
                            m.clamp(from_end(last[d]), zero, size[d]));
    const Value length = m.pick(back, m.sub(from, to), m.sub(to, from)),
                stride = m.max(m.pick(back, m.sub(zero, by[d]), by[d]), one);
    const Index count = bind(m.max(m.div(m.sub(m.add(length, stride), one), stride), zero));
    const auto all = [&](Value v) { return b.broadcast(v, {count}, {}); };
    const Value places = m.add(all(from), m.mul(all(by[d]), b.iota(DType::i64, {count}, 0)));
    x = b.gather(x, places, static_cast<int>(d));
  }
  return x;
}

std::vector<Index> pads_by(Builder& b, size_t rank, Value pads, Value axes, const BindSize& bind) {
  OpScope scope(b, "pad");
  const Numbers m{b};
  const std::vector<Value> all = elements_of("pad", b, pads), none(rank, m.n(0));
  if (all.size() % 2 != 0) fail("pad", std::to_string(all.size()) + " pads");
  std::vector<Index> out;
  for (const auto& half :
       {std::span(all).first(all.size() / 2), std::span(all).subspan(all.size() / 2)}) {
    for (const Value& pad : by_dimension("pad", b, rank, half, axes, none)) {
      // What is negative crops.
      const Index more = bind(m.max(pad, m.n(0))), less = bind(m.max(m.sub(m.n(0), pad), m.n(0)));
      out.push_back(more - less);
    }
  }
  return out;
}

Shape shape_by(Builder& b, const Shape& from, Value shape, bool zero_is_zero,
               const BindSize& bind) {
  OpScope scope(b, "reshape");
  const Numbers m{b};
  const std::vector<Value> sizes = sizes_of(m, from);
  std::vector<Value> wanted = elements_of("reshape", b, shape);
  Value total = m.n(1), given = m.n(1);
  for (const Value& size : sizes) total = m.mul(total, size);
  for (size_t d = 0; d < wanted.size(); ++d) {
    if (!zero_is_zero && d < sizes.size())
      wanted[d] = m.pick(m.is(wanted[d], m.n(0)), sizes[d], wanted[d]);
    given = m.mul(given, m.pick(m.less(wanted[d], m.n(0)), m.n(1), wanted[d]));
  }
  for (Value& size : wanted) size = m.pick(m.less(size, m.n(0)), m.div(total, given), size);
  return bound(wanted, bind);
}

Value squeeze_by(Builder& b, Value x, Value axes, const BindSize& bind) {
  OpScope scope(b, "squeeze");
  const Numbers m{b};
  const std::vector<Value> list = elements_of("squeeze", b, axes);
  const size_t rank = x.shape().size();
  if (list.size() > rank)
    fail("squeeze", std::to_string(list.size()) + " axes of " + text(x.type()));
  const Shape kept = bound(
      kept_sizes(m, sizes_of(m, x.shape()), marks_of(m, list, rank), rank - list.size()), bind);
  b.graph().add_condition(
      {b.graph().ranges().simplify(product(kept, axes_of("", {}, kept.size(), true))),
       product(x.shape(), axes_of("", {}, rank, true)), Condition::Form::equal, ""});
  return b.reshape(x, kept);
}

Value unsqueeze_by(Builder& b, Value x, Value axes, const BindSize& bind) {
  OpScope scope(b, "unsqueeze");
  const Numbers m{b};
  const std::vector<Value> list = elements_of("unsqueeze", b, axes), size = sizes_of(m, x.shape());
  const size_t rank = x.shape().size() + list.size();
  const std::vector<Value> marks = marks_of(m, list, rank);
  std::vector<Value> out;
  Value place = m.n(0);  // in x
  for (size_t d = 0; d < rank; ++d) {
    Value own = m.n(1);
    for (size_t k = 0; k < size.size(); ++k)
      own = m.pick(m.is(place, m.n(static_cast<int64_t>(k))), size[k], own);
    out.push_back(m.pick(m.is(marks[d], m.n(1)), m.n(1), own));
    place = m.add(place, m.sub(m.n(1), marks[d]));
  }
  const Shape shape = bound(out, bind);
  b.graph().add_condition({product(shape, axes_of("", {}, rank, true)),
                           product(x.shape(), axes_of("", {}, size.size(), true)),
                           Condition::Form::equal, ""});
  return b.reshape(x, shape);
}

// Each dimension d becomes two, of which one has its size and the other is 1: o[d], which stays,
// and j[d], which is reduced.   x[o[d] + j[d]], reduced over j
Value reduce_by(Builder& b, Reduction reduction, Value x, Value axes, bool keep,
                const BindSize& bind) {
  OpScope scope(b, "reduce");
  const Numbers m{b};
  const size_t rank = x.shape().size();
  const std::vector<Value> list = elements_of("reduce", b, axes), size = sizes_of(m, x.shape()),
                           marks = marks_of(m, list, rank);
  if (list.size() > rank)
    fail("reduce", std::to_string(list.size()) + " axes of " + text(x.type()));
  Shape shape, rest;
  for (size_t d = 0; d < rank; ++d) {
    const Value reduced = m.is(marks[d], m.n(1));
    shape.push_back(bind(m.pick(reduced, m.n(1), size[d])));
    rest.push_back(bind(m.pick(reduced, size[d], m.n(1))));
  }
  const Shape kept = shape;
  shape.insert(shape.end(), rest.begin(), rest.end());
  IndexMap map;
  std::vector<int64_t> inner;
  for (size_t d = 0; d < rank; ++d) {
    map.coords.push_back(result_index(d) + result_index(rank + d));
    inner.push_back(static_cast<int64_t>(rank + d));
  }
  Value y = reduce(b, reduction, b.reindex(x, shape, map, zero_of(x)), inner, false);
  if (keep || rank == 0) return y;
  const Shape dropped = bound(kept_sizes(m, size, marks, rank - list.size()), bind);
  b.graph().add_condition({product(dropped, axes_of("", {}, dropped.size(), true)),
                           product(kept, axes_of("", {}, rank, true)), Condition::Form::equal, ""});
  return b.reshape(y, dropped);
}

Value trilu_by(Builder& b, Value x, Value k, bool upper) {
  OpScope scope(b, "trilu");
  const size_t rank = x.shape().size();
  if (rank < 2) fail("trilu", "x must have at least 2 dimensions: " + text(x.type()));
  const Shape plane = {x.shape()[rank - 2], x.shape()[rank - 1]};
  const Value over = sub(b, b.iota(DType::i64, plane, 1), b.iota(DType::i64, plane, 0));
  const Value edge = b.cast(k, DType::i64);
  const Value stays = apply(b, upper ? ScalarOp::ge : ScalarOp::le, {over, edge});
  return where(b, stays, x, b.constant(Tensor::scalar(zero_of(x))));
}

Value along_axis_by(Builder& b, size_t rank, Value axis,
                    const std::function<Value(int64_t)>& along) {
  const Numbers m{b};
  const Value asked = b.cast(axis, DType::i64);
  Value y = along(0);
  for (size_t d = 1; d < rank; ++d)
    y = where(b, is_axis(m, asked, d, rank), along(static_cast<int64_t>(d)), y);
  return y;
}

}  // namespace mintor::ops
