// SPDX-License-Identifier: Apache-2.0
// What is made of sorts and of counts (ops/order.h).
//   order = sort (key of x, iota)[1]
//   starts where a sorted key differs from the one before: the first of each kind of `unique`
// Keeps true: the order is total and stable; elements that a result has no place for are skipped.
#include "compiler/ops/order.h"

#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

Value total(Builder& b, Value mask, std::vector<int64_t> axes) {
  return reduce(b, Reduction::sum, b.cast(mask, DType::i64), axes, false);
}

// y at z[.., places[i], ..] along a dimension; `places` of y's shape.
Value placed(Builder& b, Value y, Value places, size_t dim, const Index& count) {
  Shape shape = y.shape();
  shape[dim] = count;
  const Value zero = b.constant(Tensor::scalar(zero_of(y)));
  IndexMap map = identity_map(shape.size());
  map.loads.push_back({2, map.coords});
  map.coords[dim] = loaded_index(0);
  return b.reindex_reduce(Combiner::last, b.broadcast(zero, shape, {}), y, map, {&places, 1});
}

// x[.., i - 1, ..] along a dimension; zeros before the first.
Value previous(Builder& b, Value x, size_t dim) {
  IndexMap map = identity_map(x.shape().size());
  map.coords[dim] = map.coords[dim] - 1;
  return b.reindex(x, x.shape(), map, zero_of(x));
}

// The numbers of rows of keys[n, m], the first column deciding most: by one column after the
// other, the last one first, each sort leaving in order what it finds equal.
Value order_of_rows(Builder& b, Value keys) {
  const Shape& shape = keys.shape();
  const Value start = b.iota(DType::i64, {shape[0]}, 0);
  const auto by = [](Builder& in, Value key, Value order) {
    const Value operands[] = {in.gather(key, order, 0), order};
    return in.sort(operands, 0, false)[1];
  };
  if (shape[1].is_const(1)) return by(b, b.reshape(keys, {shape[0]}), start);
  auto graph = std::make_shared<Graph>("column");
  graph->copy_sizes(b.graph());
  Builder in(*graph);
  const Value t = in.input("t", DType::i64, {});
  const Value order = in.input("order", DType::i64, {shape[0]});
  const Value all = in.input("keys", keys.dtype(), shape);
  const Value last = count_of(in, DType::i64, shape[1] - 1);
  graph->results = {{"r0", by(in, in.gather(all, sub(in, last, t), 1), order)}};
  return b.loop(shape[1], {&start, 1}, {}, {&keys, 1}, graph)[0];
}

}  // namespace

Value places_of(Builder& b, Value mask, const BindSize& bind) {
  OpScope scope(b, "places");
  if (mask.shape().size() != 1 || mask.dtype() != DType::boolean)
    fail("places", "the mask must be bool[n], not " + text(mask.type()));
  const Value ones = b.cast(mask, DType::i64);
  const Index count = bind(reduce(b, Reduction::sum, ones, {}, false));
  const Value before = cum_sum(b, ones, 0, true, false);
  const Value place = where(b, mask, before, b.constant_int(DType::i64, -1));
  return placed(b, b.iota(DType::i64, mask.shape(), 0), place, 0, count);
}

Value order_key(Builder& b, Value x) {
  if (x.dtype() == DType::boolean) return b.cast(x, DType::u8);
  if (!is_float(x.dtype())) return x;
  const Value wide = widen(b, x);
  const bool narrow_bits = wide.dtype() == DType::f32;
  const DType whole = narrow_bits ? DType::i32 : DType::i64;
  const Value bits = b.bitcast(add(b, wide, scalar(b, wide.dtype(), 0)), whole);
  const Value flip = b.constant_int(whole, narrow_bits ? INT32_MAX : INT64_MAX);
  const Value negative = apply(b, ScalarOp::lt, {bits, b.constant_int(whole, 0)});
  return where(b, negative, apply(b, ScalarOp::bit_xor, {bits, flip}), bits);
}

Value order_along(Builder& b, Value x, int64_t axis, bool descending) {
  OpScope scope(b, "order");
  const auto dim = axis_of("order", axis, x.shape().size());
  const Value operands[] = {order_key(b, x), b.iota(DType::i64, x.shape(), dim)};
  return b.sort(operands, dim, descending)[1];
}

Unique unique(Builder& b, Value x, std::optional<int64_t> axis, bool sorted, const BindSize& bind) {
  OpScope scope(b, "unique");
  Index count = 1;
  for (const Index& size : x.shape()) count = count * size;
  Value rows = b.reshape(x, {count, 1});  // [n, m]: the slices
  int32_t dim = 0;
  if (axis) {
    dim = axis_of("unique", *axis, x.shape().size());
    std::vector<int32_t> perm = {dim};
    for (size_t d = 0; d < x.shape().size(); ++d)
      if (static_cast<int32_t>(d) != dim) perm.push_back(static_cast<int32_t>(d));
    const Index own = x.shape()[static_cast<size_t>(dim)];
    const Index rest = product(x.shape(), other_dims(x.shape().size(), std::vector<int32_t>{dim}));
    rows = b.reshape(b.transpose(x, perm), {own, rest});
    count = own;
  }
  const auto f = [&](ScalarOp op, Value p, Value q) { return apply(b, op, {p, q}); };
  const auto number = [&](int64_t v) { return b.constant_int(DType::i64, v); };
  const Value keys = order_key(b, rows), order = order_of_rows(b, keys);
  const Value in_order = b.gather(keys, order, 0), place = b.iota(DType::i64, {count}, 0);
  const std::vector<int64_t> inner = {1};
  const Value differs =
      reduce(b, Reduction::any, f(ScalarOp::ne, in_order, previous(b, in_order, 0)), inner, false);
  const Value starts = f(ScalarOp::or_, differs, f(ScalarOp::eq, place, number(0)));
  const Value kind = sub(b, cum_sum(b, b.cast(starts, DType::i64), 0, false, false), number(1));
  const Index kinds = bind(total(b, starts, {}));
  Unique out;
  const Value firsts = placed(b, order, where(b, starts, kind, number(-1)), 0, kinds);
  const Value kind_of = placed(b, kind, order, 0, count);
  out.first = firsts;
  out.inverse = kind_of;
  if (!sorted) {
    const Value is_first = f(ScalarOp::eq, place, b.gather(firsts, kind_of, 0));
    const Value before = cum_sum(b, b.cast(is_first, DType::i64), 0, true, false);
    out.first = placed(b, place, where(b, is_first, before, number(-1)), 0, kinds);
    out.inverse = b.gather(before, b.gather(firsts, kind_of, 0), 0);
  }
  IndexMap map;
  map.loads.push_back({2, {result_index(0)}});
  map.coords = {loaded_index(0)};
  out.counts = b.reindex_reduce(
      Combiner::add, b.broadcast(b.constant_int(DType::i64, 0), {kinds}, {}),
      b.broadcast(b.constant_int(DType::i64, 1), {count}, {}), map, {&out.inverse, 1});
  out.values = axis ? take(b, x, out.first, dim) : take(b, b.reshape(x, {count}), out.first, 0);
  return out;
}

}  // namespace mintor::ops
