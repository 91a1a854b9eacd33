// SPDX-License-Identifier: Apache-2.0
// Ranks by counting, and what is made of them (ops/order.h).
//   before[i] = count of j with x[j] < x[i], or x[j] == x[i] and j < i      y[before[i]] = x[i]
// Keeps true: the order is total and stable; elements that a result has no place for are skipped.
#include "compiler/ops/order.h"

#include "compiler/ops/cumulative.h"
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

// f(x[.., i, ..], x[.., j, ..]) with i at `dim` and j behind everything.
Value pairs(Builder& b, ScalarOp op, Value x, size_t dim) {
  const size_t rank = x.shape().size();
  Shape shape = x.shape();
  shape.push_back(shape[dim]);
  std::vector<int32_t> own, other;
  for (size_t d = 0; d < rank; ++d) own.push_back(static_cast<int32_t>(d));
  IndexMap map;
  for (size_t d = 0; d < rank; ++d) map.coords.push_back(result_index(d == dim ? rank : d));
  return b.apply(op, {b.broadcast(x, shape, own), b.reindex(x, shape, map, zero_of(x))});
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

Value rank_along(Builder& b, Value x, int64_t axis, bool descending) {
  OpScope scope(b, "rank");
  const auto dim = static_cast<size_t>(axis_of("rank", axis, x.shape().size()));
  const Value key = order_key(b, x);
  const Value place = b.iota(DType::i64, key.shape(), static_cast<int>(dim));
  const Value ahead = pairs(b, descending ? ScalarOp::lt : ScalarOp::gt, key, dim);
  const Value tied = apply(b, ScalarOp::and_,
                           {pairs(b, ScalarOp::eq, key, dim), pairs(b, ScalarOp::gt, place, dim)});
  return total(b, apply(b, ScalarOp::or_, {ahead, tied}), {-1});
}

TopK top_k(Builder& b, Value x, const Index& k, int64_t axis, bool largest) {
  OpScope scope(b, "top_k");
  const auto dim = static_cast<size_t>(axis_of("top_k", axis, x.shape().size()));
  if (k.is_const() && x.shape()[dim].is_const() && k.value() > x.shape()[dim].value())
    fail("top_k", "k is " + k.str() + " of " + text(x.type()));
  const Value rank = rank_along(b, x, axis, largest);
  const Value place = b.iota(DType::i64, x.shape(), static_cast<int>(dim));
  return {placed(b, x, rank, dim, k), placed(b, place, rank, dim, k)};
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
  const Value key = order_key(b, rows);
  // [i, m, j]
  const Value equal = pairs(b, ScalarOp::eq, key, 0), above = pairs(b, ScalarOp::gt, key, 0);
  const std::vector<int64_t> inner = {1};
  const Value same = reduce(b, Reduction::all, equal, inner, false);  // [i, j]
  const Value until = cum_prod(b, b.cast(equal, DType::i32), 1, true, false);
  const Value after =
      reduce(b, Reduction::any,
             apply(b, ScalarOp::and_,
                   {above, apply(b, ScalarOp::ne, {until, b.constant_int(DType::i32, 0)})}),
             inner, false);
  const Shape square = {count, count};
  const Value earlier =
      apply(b, ScalarOp::gt, {b.iota(DType::i64, square, 0), b.iota(DType::i64, square, 1)});
  const Value repeats = apply(b, ScalarOp::and_, {same, earlier});
  const Value is_first =
      apply(b, ScalarOp::not_, {reduce(b, Reduction::any, repeats, inner, false)});
  const Value firsts = b.broadcast(is_first, square, {1});  // of j
  const Value before = total(b, apply(b, ScalarOp::and_, {firsts, sorted ? after : earlier}), {1});
  const Index kinds = bind(total(b, is_first, {}));
  const Value place = where(b, is_first, before, b.constant_int(DType::i64, -1));
  Unique out;
  out.first = placed(b, b.iota(DType::i64, {count}, 0), place, 0, kinds);
  const Value own = apply(b, ScalarOp::and_, {same, firsts});
  out.inverse =
      reduce(b, Reduction::sum, mul(b, b.cast(own, DType::i64), b.broadcast(before, square, {1})),
             inner, false);
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
