// SPDX-License-Identifier: Apache-2.0
// Fourier transforms as products, windows, and the mel scale (ops/signal.h). A length that is known
// and has factors is done in two steps, each of one factor, with far fewer products:
//   x[r*q]  ->  a[q, k1] = sum over r of x * w_r,  times w_rq  ->  sum over q of a * w_q: [k2, k1]
// Keeps true: angles are reduced as integers (j * k mod length) before they become f64, so that
// they are exact to the last place whatever the length.
#include "compiler/ops/signal.h"

#include <cmath>
#include <numbers>

#include "compiler/ir/lanes.h"
#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

struct Real {
  Builder& b;
  Value n(double v) const { return scalar(b, DType::f64, v); }
  Value size(const Index& e) const { return count_of(b, DType::f64, e); }
  Value f(ScalarOp op, Value x) const { return apply(b, op, {x}); }
  Value f(ScalarOp op, Value x, Value y) const { return apply(b, op, {x, y}); }
};

// 2 pi j k / length for j in n, k in bins: f64[n, bins]; and which j lie inside of the length.
struct Angles {
  Value angle, inside;
};
Angles angles_of(Builder& b, const Index& n, const Index& bins, const Index& length) {
  const Real r{b};
  const Shape shape = {n, bins};
  const Value j = b.iota(DType::i64, shape, 0), k = b.iota(DType::i64, shape, 1);
  const Value whole = count_of(b, DType::i64, length);
  const Value turns = b.cast(remainder(b, mul(b, j, k), whole, false), DType::f64);
  return {r.f(ScalarOp::div, mul(b, turns, r.n(2 * std::numbers::pi)), r.size(length)),
          apply(b, ScalarOp::lt, {j, whole})};
}

// The part c of [.., 2].
Value component(Builder& b, Value x, int64_t c) {
  Shape shape = x.shape();
  std::vector<Index> start(shape.size(), 0);
  start.back() = c;
  shape.back() = 1;
  const Value own = b.slice(x, start, shape, std::vector<int64_t>(shape.size(), 1));
  shape.pop_back();
  return b.reshape(own, shape);
}

// x[outer, n, inner] by matrix[n, bins]: [outer, bins, inner].
Value product_of(Builder& b, Value x, Value matrix) {
  return matmul(b, b.transpose(matrix, {1, 0}), x);
}

struct Complex {
  Value re, im;  // im may be null: it is 0
};

// cos and sin, the latter with the sign of the transform, times a factor.
Complex turned(Builder& b, const Angles& a, const DftAttr& attr, Value factor = {}) {
  const Real r{b};
  Value re = r.f(ScalarOp::cos, a.angle), im = r.f(ScalarOp::sin, a.angle);
  if (factor) re = mul(b, re, factor), im = mul(b, im, factor);
  return {re, attr.inverse ? im : r.f(ScalarOp::neg, im)};
}

// Sums of products of two, whichever `product` sums.
template <class Product>
Complex times(Builder& b, const Complex& x, const Complex& y, Product product) {
  if (!x.im) return {product(x.re, y.re), product(x.re, y.im)};
  return {sub(b, product(x.re, y.re), product(x.im, y.im)),
          add(b, product(x.re, y.im), product(x.im, y.re))};
}

int64_t whole_vectors(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

// Products of one transform in two steps, the first of r terms, lanes that are left over included.
int64_t cost_of_two(int64_t n, int64_t r, int64_t bins) {
  const int64_t q = n / r, rows = (bins + r - 1) / r;
  return whole_vectors(r) * (2 * n + 4 * rows * q);
}

// The factor of the first step; 0: one step costs about as much.
int64_t first_factor(const DftAttr& attr, const Index& n, const Index& bins) {
  if (!attr.length.is_const() || !n.is_const(attr.length.value())) return 0;
  int64_t best = 0, least = attr.length.value() * whole_vectors(bins.value());
  for (int64_t r = 2; r * 2 <= attr.length.value(); ++r) {
    if (attr.length.value() % r != 0) continue;
    const int64_t cost = cost_of_two(attr.length.value(), r, bins.value());
    if (cost < least) best = r, least = cost;
  }
  return best;
}

// x[outer, n, inner], n = r*q: place q*j + i goes to bin r*l + k by w_r(j k), w_n(i k), w_q(i l).
Complex in_two_steps(Builder& b, const Complex& x, const DftAttr& attr, int64_t r,
                     const Index& bins) {
  const int64_t n = attr.length.value(), q = n / r, rows = (bins.value() + r - 1) / r;
  const Index outer = x.re.shape()[0], inner = x.re.shape()[2];
  const auto split = [&](Value v) {
    if (!v) return v;
    const Value lines = b.reshape(b.transpose(v, {0, 2, 1}), {outer * inner, r, q});
    return b.transpose(lines, {0, 2, 1});
  };
  const auto on_right = [&](Value p, Value w) { return matmul(b, p, w); };
  const auto on_left = [&](Value p, Value w) { return matmul(b, w, p); };
  const auto each = [&](Value p, Value w) { return mul(b, p, w); };
  const Value scale = attr.inverse ? Real{b}.n(1.0 / static_cast<double>(n)) : Value{};
  Complex y =
      times(b, {split(x.re), split(x.im)}, turned(b, angles_of(b, r, r, r), attr), on_right);
  y = times(b, y, turned(b, angles_of(b, q, r, n), attr, scale), each);
  y = times(b, y, turned(b, angles_of(b, rows, q, q), attr), on_left);
  const auto joined = [&](Value v) {
    const Value lines = b.reshape(v, {outer * inner, rows * r});
    const Value own = b.slice(lines, {0, 0}, {outer * inner, bins}, {1, 1});
    return b.transpose(b.reshape(own, {outer, inner, bins}), {0, 2, 1});
  };
  return {joined(y.re), joined(y.im)};
}

Value together(Builder& b, Value real, Value imaginary) {
  const int64_t last[] = {-1};
  const Value both[] = {unsqueeze(b, real, last), unsqueeze(b, imaginary, last)};
  return b.concat(both, static_cast<int>(real.shape().size()));
}

// From the bins of a real signal: those between the first and the middle count twice.
Value real_inverse(Builder& b, Value x, const DftAttr& attr) {
  const Real r{b};
  const Index n = x.shape()[1];
  const auto [angle, inside] = angles_of(b, n, attr.length, attr.length);
  const Value k = b.iota(DType::i64, angle.shape(), 0);
  const Value length = count_of(b, DType::i64, attr.length);
  const Value twice = mul(b, k, b.constant_int(DType::i64, 2));
  const Value alone = apply(b, ScalarOp::or_,
                            {apply(b, ScalarOp::eq, {k, b.constant_int(DType::i64, 0)}),
                             apply(b, ScalarOp::eq, {twice, length})});
  Value factor = where(b, alone, r.n(1), r.n(2));
  factor = where(b, apply(b, ScalarOp::le, {twice, length}), factor, r.n(0));
  factor = r.f(ScalarOp::div, factor, r.size(attr.length));
  const Value cosines = mul(b, r.f(ScalarOp::cos, angle), factor),
              sines = mul(b, r.f(ScalarOp::sin, angle), factor);
  const Value y =
      sub(b, product_of(b, component(b, x, 0), cosines), product_of(b, component(b, x, 1), sines));
  const int64_t last[] = {-1};
  return unsqueeze(b, y, last);
}

}  // namespace

Value dft(Builder& b, Value x, const DftAttr& attr) {
  OpScope scope(b, "dft");
  need_float("dft", x);
  const Shape& s = x.shape();
  if (s.size() != 4 || !(s[3].is_const(1) || s[3].is_const(2)))
    fail("dft", "x is " + text(x.type()) + ", needs [outer, n, inner, 1 or 2]");
  const Real r{b};
  const Value wide = b.cast(x, DType::f64);  // sums that cancel keep their places
  if (attr.inverse && attr.one_sided) {
    if (!s[3].is_const(2)) fail("dft", "bins must be complex: " + text(x.type()));
    return narrow(b, real_inverse(b, wide, attr), x.dtype());
  }
  const Index bins = attr.one_sided ? floordiv(attr.length, 2) + 1 : attr.length;
  const Complex parts{component(b, wide, 0), s[3].is_const(2) ? component(b, wide, 1) : Value{}};
  if (const int64_t factor = first_factor(attr, s[1], bins)) {
    const Complex y = in_two_steps(b, parts, attr, factor, bins);
    return narrow(b, together(b, y.re, y.im), x.dtype());
  }
  const Angles angles = angles_of(b, s[1], bins, attr.length);
  const Value scale = attr.inverse ? r.f(ScalarOp::div, r.n(1), r.size(attr.length)) : r.n(1);
  const Complex w = turned(b, angles, attr, where(b, angles.inside, scale, r.n(0)));
  const Complex y = times(b, parts, w, [&](Value p, Value m) { return product_of(b, p, m); });
  return narrow(b, together(b, y.re, y.im), x.dtype());
}

Value stft(Builder& b, Value signal, Value window, const Index& step, const Index& length,
           bool one_sided) {
  OpScope scope(b, "stft");
  const Shape& s = signal.shape();
  if (s.size() != 3 || !(s[2].is_const(1) || s[2].is_const(2)))
    fail("stft", "the signal is " + text(signal.type()) + ", needs [batch, n, 1 or 2]");
  const Index frames = floordiv(s[1] - length, step) + 1;
  IndexMap map;
  map.coords = {result_index(0), result_index(1) * step + result_index(2), result_index(3)};
  const Shape shape = {s[0], frames, length, s[2]};
  Value x = b.reindex(signal, shape, map, zero_of(signal));
  if (window) {
    if (window.shape().size() != 1 || !same_size(b, window.shape()[0], length))
      fail("stft", "the window is " + text(window.type()) + ", frames are " + length.str());
    x = mul(b, x, b.reshape(window, {1, 1, length, 1}));
  }
  const Index bins = one_sided ? floordiv(length, 2) + 1 : length;
  const Value y =
      dft(b, b.reshape(x, {s[0] * frames, length, 1, s[2]}), {length, false, one_sided});
  return b.reshape(y, {s[0], frames, bins, 2});
}

Value window(Builder& b, DType dtype, Window kind, const Index& size, bool periodic) {
  OpScope scope(b, "window");
  const Real r{b};
  const Value i = b.cast(b.iota(DType::i64, {size}, 0), DType::f64);
  const Value span = r.size(periodic ? size : size - 1);
  const auto cosine = [&](double turns) {
    return r.f(ScalarOp::cos,
               r.f(ScalarOp::div, mul(b, i, r.n(2 * std::numbers::pi * turns)), span));
  };
  const double first = kind == Window::hann ? 0.5 : kind == Window::hamming ? 25.0 / 46 : 0.42;
  const double second = kind == Window::hamming ? 1 - 25.0 / 46 : 0.5;
  Value y = sub(b, r.n(first), mul(b, cosine(1), r.n(second)));
  if (kind == Window::blackman) y = add(b, y, mul(b, cosine(2), r.n(0.08)));
  return b.cast(y, dtype);
}

Value mel_weights(Builder& b, DType dtype, const Index& bins, const Index& length, Value rate,
                  Value lowest, Value highest) {
  OpScope scope(b, "mel_weights");
  const Real r{b};
  const auto mel = [&](Value hertz) {
    const Value ratio = add(b, r.n(1), r.f(ScalarOp::div, hertz, r.n(700)));
    return r.f(ScalarOp::div, mul(b, r.n(2595), r.f(ScalarOp::log, ratio)), r.n(std::log(10)));
  };
  const Value low = mel(lowest),
              step = r.f(ScalarOp::div, sub(b, mel(highest), low), r.size(bins + 2));
  const Shape shape = {floordiv(length, 2) + 1, bins};
  // The bin of edge i + k of each triangle.
  const Value i = b.cast(b.iota(DType::i64, shape, 1), DType::f64);
  const auto edge = [&](double k) {
    const Value at = add(b, mul(b, add(b, i, r.n(k)), step), low);
    const Value power =
        r.f(ScalarOp::exp, mul(b, r.f(ScalarOp::div, at, r.n(2595)), r.n(std::log(10))));
    const Value hertz = mul(b, r.n(700), sub(b, power, r.n(1)));
    return r.f(ScalarOp::floor, r.f(ScalarOp::div, mul(b, r.size(length + 1), hertz), rate));
  };
  const Value left = edge(0), center = edge(1), right = edge(2);
  const Value j = b.cast(b.iota(DType::i64, shape, 0), DType::f64), zero = r.n(0);
  const Value rise = sub(b, center, left), fall = sub(b, right, center);
  const auto both = [&](Value p, Value q) { return apply(b, ScalarOp::and_, {p, q}); };
  const Value up = both(r.f(ScalarOp::ge, j, left), r.f(ScalarOp::le, j, center));
  const Value peak = where(b, r.f(ScalarOp::eq, j, center), r.n(1), zero);
  Value y = where(b, up, r.f(ScalarOp::div, sub(b, j, left), rise), zero);
  y = where(b, r.f(ScalarOp::eq, rise, zero), peak, y);
  const Value down = both(both(r.f(ScalarOp::ge, j, center), r.f(ScalarOp::lt, j, right)),
                          r.f(ScalarOp::gt, fall, zero));
  y = where(b, down, r.f(ScalarOp::div, sub(b, right, j), fall), y);
  return b.cast(y, dtype);
}

}  // namespace mintor::ops
