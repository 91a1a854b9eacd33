// SPDX-License-Identifier: Apache-2.0
// sample and grid_sample: for each corner of the cell around a position, a gather times a product
// of weights, one factor a dimension.
// Takes positions in elements; gives [N, C, K..]. Keeps true: arithmetic on positions is f32; a
// read outside of x is 0, or is moved inside by the mode.
#include "compiler/ops/sampling.h"

#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

struct Real {
  Builder& b;
  DType dtype;
  Value n(double v) const { return scalar(b, dtype, v); }
  Value size(const Index& e) const { return count_of(b, dtype, e); }
  Value f(ScalarOp op, Value x) const { return apply(b, op, {x}); }
  Value f(ScalarOp op, Value x, Value y) const { return apply(b, op, {x, y}); }
  Value pick(Value condition, Value x, Value y) const { return where(b, condition, x, y); }
};

// x mirrored at lo and hi until it lies between them.
Value reflected(const Real& r, Value x, Value lo, Value hi) {
  const Value range = r.f(ScalarOp::sub, hi, lo);
  const auto back = [&](Value beyond, Value from, Value to, bool down) {
    const Value times = r.f(ScalarOp::trunc, r.f(ScalarOp::div, beyond, range));
    const Value rest = r.f(ScalarOp::sub, beyond, r.f(ScalarOp::mul, times, range));
    const Value even = r.f(ScalarOp::eq, r.f(ScalarOp::mod, times, r.n(2)), r.n(0));
    const ScalarOp near = down ? ScalarOp::sub : ScalarOp::add,
                   far = down ? ScalarOp::add : ScalarOp::sub;
    return r.pick(even, r.f(near, from, rest), r.f(far, to, rest));
  };
  const Value below = back(r.f(ScalarOp::sub, lo, x), lo, hi, false),
              above = back(r.f(ScalarOp::sub, x, hi), hi, lo, true);
  return r.pick(r.f(ScalarOp::lt, x, lo), below, r.pick(r.f(ScalarOp::gt, x, hi), above, x));
}

// One dimension of positions: where the taps are (whole numbers) and their weights.
struct Taps {
  std::vector<Value> place, weight;  // a null weight is 1
};

struct Line {
  const Real& r;
  Index size;
  Outside outside;
  bool corners;
  Value lo() const { return r.n(corners ? 0 : -0.5); }
  Value hi() const { return r.f(ScalarOp::sub, r.size(size), r.n(corners ? 1 : 0.5)); }
  Value last() const { return r.f(ScalarOp::sub, r.size(size), r.n(1)); }

  Value inside(Value x) const {
    if (outside == Outside::zeros) return x;
    if (outside == Outside::reflection) return reflected(r, x, lo(), hi());
    return r.f(ScalarOp::min, r.f(ScalarOp::max, x, r.n(0)), last());
  }
  Taps taps(Value x, Interpolation mode) const {
    if (mode == Interpolation::nearest) return {{inside(r.f(ScalarOp::round, x))}, {Value{}}};
    x = inside(x);
    const Value base = r.f(ScalarOp::floor, x), t = r.f(ScalarOp::sub, x, base);
    const auto at = [&](double k) { return inside(r.f(ScalarOp::add, base, r.n(k))); };
    const Value rest = r.f(ScalarOp::sub, r.n(1), t);
    if (mode == Interpolation::linear) return {{at(0), at(1)}, {rest, t}};
    constexpr double a = -0.75;
    const auto mul = [&](Value p, Value q) { return r.f(ScalarOp::mul, p, q); };
    const auto add = [&](Value p, double q) { return r.f(ScalarOp::add, p, r.n(q)); };
    const auto near = [&](Value d) {
      return add(mul(mul(add(mul(r.n(a + 2), d), -(a + 3)), d), d), 1);
    };
    const auto far = [&](Value d) {
      return add(mul(add(mul(add(mul(r.n(a), d), -5 * a), d), 8 * a), d), -4 * a);
    };
    return {{at(-1), at(0), at(1), at(2)},
            {far(add(t, 1)), near(t), near(rest), far(add(rest, 1))}};
  }
};

// x[n, c, places...] for places of the shape [N, K..], spread over C; 0 where one lies outside.
Value gathered(Builder& b, Value x, std::span<const Value> places, const Shape& shape) {
  IndexMap map;
  map.coords = {result_index(0), result_index(1)};
  std::vector<Value> loaded;
  for (const Value& place : places) {
    std::vector<Index> at = {result_index(0)};
    for (size_t d = 1; d < place.shape().size(); ++d) at.push_back(result_index(d + 1));
    map.coords.push_back(loaded_index(loaded.size()));
    loaded.push_back(b.cast(place, DType::i64));
    map.loads.push_back({static_cast<int32_t>(loaded.size()), std::move(at)});
  }
  return b.reindex(x, shape, map, zero_of(x), loaded);
}

}  // namespace

Value sample(Builder& b, Value x, Value positions, Interpolation mode, Outside outside,
             bool corners) {
  OpScope scope(b, "sample");
  const size_t spatial = x.shape().size() - 2;
  const Shape& p = positions.shape();
  if (x.shape().size() < 3 || p.size() < 2 || !p.back().is_const(static_cast<int64_t>(spatial)))
    fail("sample", "positions " + text(positions.type()) + " in " + text(x.type()));
  const Value wide = widen(b, x);
  const Real r{b, wide.dtype()};
  Shape list(p.begin(), p.end() - 1), shape = list;  // [N, K..]; with C
  shape.insert(shape.begin() + 1, x.shape()[1]);
  std::vector<Taps> taps;
  for (size_t d = 0; d < spatial; ++d) {
    std::vector<Index> start(p.size(), 0);
    Shape one = p;
    start.back() = static_cast<int64_t>(d);
    one.back() = 1;
    const Value own =
        b.reshape(b.slice(positions, start, one, std::vector<int64_t>(p.size(), 1)), list);
    taps.push_back(Line{r, x.shape()[d + 2], outside, corners}.taps(b.cast(own, r.dtype), mode));
  }
  std::vector<int32_t> dims = {0};
  for (size_t d = 2; d < shape.size(); ++d) dims.push_back(static_cast<int32_t>(d));
  Value sum;
  std::vector<size_t> at(spatial, 0);
  for (bool more = true; more;) {
    std::vector<Value> places;
    Value weight;
    for (size_t d = 0; d < spatial; ++d) {
      places.push_back(taps[d].place[at[d]]);
      const Value own = taps[d].weight[at[d]];
      if (own) weight = weight ? mul(b, weight, own) : own;
    }
    Value part = gathered(b, wide, places, shape);
    if (weight) part = mul(b, part, b.broadcast(weight, shape, dims));
    sum = sum ? add(b, sum, part) : part;
    more = false;
    for (size_t d = spatial; d-- > 0 && !more;) {
      more = ++at[d] < taps[d].place.size();
      if (!more) at[d] = 0;
    }
  }
  return narrow(b, sum, x.dtype());
}

Value grid_sample(Builder& b, Value x, Value grid, Interpolation mode, Outside outside,
                  bool corners) {
  OpScope scope(b, "grid_sample");
  const size_t spatial = x.shape().size() - 2;
  const Shape& g = grid.shape();
  if (x.shape().size() < 3 || g.size() != x.shape().size() ||
      !g.back().is_const(static_cast<int64_t>(spatial)))
    fail("grid_sample", "a grid " + text(grid.type()) + " in " + text(x.type()));
  const Value wide = widen(b, grid);
  const Real r{b, wide.dtype()};
  std::vector<Value> parts;
  for (size_t d = 0; d < spatial; ++d) {
    std::vector<Index> start(g.size(), 0);
    Shape one = g;
    start.back() = static_cast<int64_t>(spatial - 1 - d);
    one.back() = 1;
    const Value own =
        r.f(ScalarOp::add, b.slice(wide, start, one, std::vector<int64_t>(g.size(), 1)), r.n(1));
    const Value size = r.size(x.shape()[d + 2]);
    const Value at =
        corners
            ? r.f(ScalarOp::mul, r.f(ScalarOp::div, own, r.n(2)), r.f(ScalarOp::sub, size, r.n(1)))
            : r.f(ScalarOp::div, r.f(ScalarOp::sub, r.f(ScalarOp::mul, own, size), r.n(1)), r.n(2));
    parts.push_back(at);
  }
  return sample(b, x, b.concat(parts, static_cast<int>(g.size() - 1)), mode, outside, corners);
}

Value affine_grid(Builder& b, Value theta, const Shape& sizes, bool corners) {
  OpScope scope(b, "affine_grid");
  const auto rank = static_cast<int64_t>(sizes.size());
  const Shape& t = theta.shape();
  if (t.size() != 3 || !t[1].is_const(rank) || !t[2].is_const(rank + 1))
    fail("affine_grid", "theta " + text(theta.type()) + " for a grid " + text(sizes));
  const Value wide = widen(b, theta);
  const Real r{b, wide.dtype()};
  Shape column = sizes;
  column.push_back(1);
  std::vector<Value> parts;  // the last dimension first, then 1
  for (size_t d = sizes.size(); d-- > 0;) {
    const Value i = b.cast(b.iota(DType::i64, column, static_cast<int>(d)), wide.dtype());
    const Value size = r.size(sizes[d]);
    const Value twice = r.f(ScalarOp::mul, i, r.n(2));
    const Value at = corners ? r.f(ScalarOp::div, twice, r.f(ScalarOp::sub, size, r.n(1)))
                             : r.f(ScalarOp::div, r.f(ScalarOp::add, twice, r.n(1)), size);
    parts.push_back(r.f(ScalarOp::sub, at, r.n(1)));
  }
  parts.push_back(b.full(wide.dtype(), column, 1));
  const Value places = b.concat(parts, static_cast<int>(sizes.size()));
  Index count = 1;
  for (const Index& size : sizes) count = count * size;
  const Value product =
      matmul(b, b.reshape(places, {count, rank + 1}), b.transpose(wide, {0, 2, 1}));
  Shape shape = {t[0]};
  shape.insert(shape.end(), sizes.begin(), sizes.end());
  shape.push_back(rank);
  return narrow(b, b.reshape(product, shape), theta.dtype());
}

}  // namespace mintor::ops
