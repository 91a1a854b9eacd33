// SPDX-License-Identifier: Apache-2.0
// resize_by: each dimension on its own, by a product with a matrix of weights that the run makes.
//   y[o] = sum over p of w[o, p] * x[clamp(p)]    p = -e .. size - 1 + e, e taps beyond either end
//   w[o, p] = kernel((p - source(o)) * s)          s: 1, or the scale where that smoothes
// Takes scales as f64[]; nearest is a gather. Keeps true: positions and weights are f64, as in
// `resize`; corners are those of the size before it is rounded down (the standard's reference).
#include "compiler/ops/library/by_data.h"

namespace mintor::ops {

namespace {

// f64 arithmetic; operands broadcast.
struct Real {
  Builder& b;
  Value n(double v) const { return scalar(b, DType::f64, v); }
  Value size(const Index& e) const { return count_of(b, DType::f64, e); }
  Value add(Value x, Value y) const { return ops::add(b, x, y); }
  Value sub(Value x, Value y) const { return ops::sub(b, x, y); }
  Value mul(Value x, Value y) const { return ops::mul(b, x, y); }
  Value div(Value x, Value y) const { return ops::div(b, x, y); }
  Value f(ScalarOp op, Value x) const { return apply(b, op, {x}); }
  Value f(ScalarOp op, Value x, Value y) const { return apply(b, op, {x, y}); }
};

// Where in x each output position lies, f64[out].
Value source_of(const Real& r, const ResizeBy& by, const ResizeAttr& attr, const Index& in,
                size_t d) {
  Builder& b = r.b;
  const Index& out = by.sizes[d];
  const Value o = b.cast(b.iota(DType::i64, {out}, 0), DType::f64), scale = by.scales[d];
  const Value size = r.size(in), width = r.mul(scale, size), span = r.sub(size, r.n(1));
  const Value only = r.f(ScalarOp::eq, width, r.n(1)), last = r.sub(width, r.n(1));
  const std::string& c = attr.coordinates;
  if (c == "asymmetric") return r.div(o, scale);
  if (c == "align_corners") return where(b, only, r.n(0), r.div(r.mul(o, span), last));
  if (c == "tf_crop_and_resize") {
    const Value part = r.mul(r.sub(by.to[d], by.from[d]), span);
    const Value inside = where(b, only, r.div(part, r.n(2)), r.div(r.mul(o, part), last));
    return r.add(inside, r.mul(by.from[d], span));
  }
  const Value middle = r.sub(r.div(r.add(o, r.n(0.5)), scale), r.n(0.5));
  if (c == "half_pixel") return middle;
  if (c == "pytorch_half_pixel") return where(b, only, r.n(-0.5), middle);
  if (c == "half_pixel_symmetric") {
    const Value off = r.sub(r.n(1), r.div(r.size(out), width));
    return r.add(r.mul(r.div(size, r.n(2)), off), middle);
  }
  fail("resize", "coordinate mode '" + c + "' is not known");
}

Value nearest_of(const Real& r, const std::string& mode, Value x) {
  if (mode == "floor") return r.f(ScalarOp::floor, x);
  if (mode == "ceil") return r.f(ScalarOp::ceil, x);
  if (mode == "round_prefer_floor") return r.f(ScalarOp::ceil, r.sub(x, r.n(0.5)));
  if (mode == "round_prefer_ceil") return r.f(ScalarOp::floor, r.add(x, r.n(0.5)));
  fail("resize", "nearest mode '" + mode + "' is not known");
}

// The weight of a tap at this distance.
Value kernel(const Real& r, const ResizeAttr& attr, Value distance) {
  const Value x = r.f(ScalarOp::abs, distance);
  if (attr.mode == ResizeMode::linear) return r.f(ScalarOp::max, r.sub(r.n(1), x), r.n(0));
  const double a = attr.cubic_a;
  const auto poly = [&](double c3, double c2, double c1, double c0) {
    const Value high = r.add(r.mul(r.n(c3), x), r.n(c2));
    return r.add(r.mul(r.add(r.mul(high, x), r.n(c1)), x), r.n(c0));
  };
  const Value near = poly(a + 2, -(a + 3), 0, 1), far = poly(a, -5 * a, 8 * a, -4 * a);
  const Value rest = where(r.b, r.f(ScalarOp::lt, x, r.n(2)), far, r.n(0));
  return where(r.b, r.f(ScalarOp::le, x, r.n(1)), near, rest);
}

Value clamped(const Real& r, Value position, const Index& in) {
  const Value last = r.sub(r.size(in), r.n(1));
  return r.b.cast(r.f(ScalarOp::max, r.f(ScalarOp::min, position, last), r.n(0)), DType::i64);
}

// x, of which dimension d is read by weights.
Value weighted(const Real& r, Value x, const ResizeBy& by, const ResizeAttr& attr, Value source,
               size_t d, const BindSize& bind) {
  Builder& b = r.b;
  const Index in = x.shape()[d], out = by.sizes[d];
  const int reach = attr.mode == ResizeMode::linear ? 1 : 2;
  const Value step = by.antialias ? r.f(ScalarOp::min, by.scales[d], r.n(1)) : r.n(1);
  Index beyond = reach + 1;
  if (attr.exclude_outside) beyond = 0;
  if (by.antialias && !attr.exclude_outside)
    beyond = bind(b.cast(r.f(ScalarOp::ceil, r.add(r.div(r.n(reach), step), r.n(1))), DType::i64));
  const Index taps = in + beyond * 2;
  const Value p = r.sub(b.cast(b.iota(DType::i64, {taps}, 0), DType::f64), r.size(beyond));
  const Value apart = r.sub(p, b.reshape(source, {out, 1}));
  Value w = kernel(r, attr, r.mul(apart, step));
  if (by.antialias || attr.exclude_outside) {
    const int64_t last[] = {1};
    w = r.div(w, reduce(b, Reduction::sum, w, last, true));
  }
  const Value read = b.gather(x, clamped(r, p, in), static_cast<int>(d));
  std::vector<int32_t> perm, back;  // dimension d last
  for (size_t k = 0; k < x.shape().size(); ++k)
    if (k != d) perm.push_back(static_cast<int32_t>(k));
  perm.push_back(static_cast<int32_t>(d));
  back.resize(perm.size());
  for (size_t k = 0; k < perm.size(); ++k)
    back[static_cast<size_t>(perm[k])] = static_cast<int32_t>(k);
  const Value product =
      matmul(b, b.transpose(read, perm), b.transpose(b.cast(w, x.dtype()), {1, 0}));
  return b.transpose(product, back);
}

}  // namespace

Value resize_by(Builder& b, Value x, const ResizeBy& by, const ResizeAttr& attr,
                const BindSize& bind) {
  OpScope scope(b, "resize");
  const bool moves = attr.mode == ResizeMode::nearest;
  if (!moves && !is_float(x.dtype()))
    fail("resize", "linear and cubic need a float dtype, not " + text(x.type()));
  const Real r{b};
  Value y = moves ? x : widen(b, x);
  Value outside;  // of x, where tf_crop_and_resize reads
  for (size_t d = 0; d < x.shape().size(); ++d) {
    if (!by.scales[d]) continue;
    const Index in = x.shape()[d];
    const Value source = source_of(r, by, attr, in, d);
    y = moves
            ? b.gather(y, clamped(r, nearest_of(r, attr.nearest, source), in), static_cast<int>(d))
            : weighted(r, y, by, attr, source, d, bind);
    if (by.from.empty()) continue;
    const Value last = r.sub(r.size(in), r.n(1));
    const Value here = apply(b, ScalarOp::or_,
                             {r.f(ScalarOp::lt, source, r.n(0)), r.f(ScalarOp::gt, source, last)});
    const Value all = b.broadcast(here, by.sizes, {static_cast<int32_t>(d)});
    outside = outside ? apply(b, ScalarOp::or_, {outside, all}) : all;
  }
  if (outside) y = where(b, outside, scalar(b, y.dtype(), by.extrapolation), y);
  return narrow(b, y, x.dtype());
}

}  // namespace mintor::ops
