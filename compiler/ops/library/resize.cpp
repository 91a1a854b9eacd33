// SPDX-License-Identifier: Apache-2.0
// resize: each resized dimension on its own. The source positions are computed here, in f64, as
// tables: nearest is one take by a table of indices (an affine floordiv where the factor is a whole
// number), linear and cubic are sums of takes times tables of weights. Where a size is symbolic the
// tables are made when the model runs, by the same arithmetic in f64 nodes.
#include <algorithm>
#include <cmath>

#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

constexpr int64_t kLargestTable = 1 << 20;  // output positions of one dimension

struct Taps {                               // one row per output position
  std::vector<std::vector<int64_t>> index;  // [tap][output]
  std::vector<std::vector<float>> weight;
};

double source_position(const ResizeAttr& attr, int64_t o, int64_t in, int64_t out, double scale) {
  double x = static_cast<double>(o);
  const std::string& c = attr.coordinates;
  if (c == "asymmetric") return x / scale;
  // Corners lie on corners also where the scale does not divide; the standard's reference takes the
  // size before it is rounded down, no implementation does.
  if (c == "align_corners")
    return out == 1 ? 0 : x * static_cast<double>(in - 1) / static_cast<double>(out - 1);
  if (c == "pytorch_half_pixel") return out == 1 ? 0 : (x + 0.5) / scale - 0.5;
  if (c == "half_pixel_symmetric") {
    double adjustment = static_cast<double>(out) / (scale * static_cast<double>(in));
    double offset = static_cast<double>(in) / 2 * (1 - adjustment);
    return offset + (x + 0.5) / scale - 0.5;
  }
  if (c == "half_pixel") return (x + 0.5) / scale - 0.5;
  fail("resize", "coordinate mode '" + c + "' is not supported",
       "use half_pixel, pytorch_half_pixel, half_pixel_symmetric, align_corners or asymmetric");
}

int64_t nearest_index(const ResizeAttr& attr, double x) {
  if (attr.nearest == "floor") return static_cast<int64_t>(std::floor(x));
  if (attr.nearest == "ceil") return static_cast<int64_t>(std::ceil(x));
  if (attr.nearest == "round_prefer_ceil") return static_cast<int64_t>(std::floor(x + 0.5));
  if (attr.nearest == "round_prefer_floor") return static_cast<int64_t>(std::ceil(x - 0.5));
  fail("resize", "nearest mode '" + attr.nearest + "' is not known");
}

// The weights of the taps around x, from floor(x) - (n / 2 - 1) on.
std::vector<double> tap_weights(const ResizeAttr& attr, double fraction) {
  if (attr.mode == ResizeMode::linear) return {1 - fraction, fraction};
  double a = attr.cubic_a;
  auto near = [a](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  auto far = [a](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {far(fraction + 1), near(fraction), near(1 - fraction), far(2 - fraction)};
}

Taps taps_of(const ResizeAttr& attr, int64_t in, int64_t out, double scale) {
  size_t count = attr.mode == ResizeMode::nearest ? 1 : (attr.mode == ResizeMode::linear ? 2 : 4);
  Taps taps{std::vector(count, std::vector<int64_t>(out)),
            std::vector(count, std::vector<float>(out, 1))};
  for (int64_t o = 0; o < out; ++o) {
    double x = source_position(attr, o, in, out, scale);
    if (attr.mode == ResizeMode::nearest) {
      taps.index[0][o] = std::clamp<int64_t>(nearest_index(attr, x), 0, in - 1);
      continue;
    }
    double base = std::floor(x);
    std::vector<double> weights = tap_weights(attr, x - base);
    int64_t first = static_cast<int64_t>(base) - static_cast<int64_t>(count / 2 - 1);
    double sum = 0;
    for (size_t t = 0; t < count; ++t) {
      int64_t at = first + static_cast<int64_t>(t);
      if (attr.exclude_outside && (at < 0 || at >= in)) weights[t] = 0;
      sum += weights[t];
      taps.index[t][o] = std::clamp<int64_t>(at, 0, in - 1);
    }
    for (size_t t = 0; t < count; ++t)
      taps.weight[t][o] = static_cast<float>(attr.exclude_outside ? weights[t] / sum : weights[t]);
  }
  return taps;
}

// Every output position o reads o / factor.
bool is_repeat(const std::vector<int64_t>& index, int64_t factor) {
  for (size_t o = 0; o < index.size(); ++o) {
    if (index[o] != static_cast<int64_t>(o) / factor) return false;
  }
  return true;
}

Value pick(Builder& b, Value x, const std::vector<int64_t>& index, int32_t dim) {
  int64_t in = x.shape()[dim].value(), out = static_cast<int64_t>(index.size());
  if (out % in != 0 || !is_repeat(index, out / in)) return b.gather(x, b.constant_i64(index), dim);
  IndexMap map;
  for (size_t d = 0; d < x.shape().size(); ++d) map.coords.push_back(result_index(d));
  map.coords[dim] = floordiv(result_index(dim), out / in);
  Shape shape = x.shape();
  shape[dim] = out;
  return b.reindex(x, shape, map, Scalar::of_int(x.dtype(), 0));
}

Value resize_dim(Builder& b, Value x, int32_t dim, int64_t out, double scale,
                 const ResizeAttr& attr) {
  Taps taps = taps_of(attr, x.shape()[dim].value(), out, scale);
  if (attr.mode == ResizeMode::nearest) return pick(b, x, taps.index[0], dim);
  Value sum;
  for (size_t t = 0; t < taps.index.size(); ++t) {
    Value part = pick(b, x, taps.index[t], dim);
    Value table = b.constant(Tensor::copy_of(DType::f32, {out}, taps.weight[t].data()));
    Value weight = b.broadcast(b.cast(table, part.dtype()), part.shape(), {dim});
    Value product = mul(b, part, weight);
    sum = sum ? add(b, sum, product) : product;
  }
  return sum;
}

// The same for symbolic sizes: positions, indices and weights as values over the output positions.
struct Positions {
  Builder& b;
  const ResizeAttr& attr;
  Index in, out;
  double scale;  // 0: out / in

  Value number(double v) const { return ops::scalar(b, DType::f64, v); }
  Value size(const Index& e) const { return count_of(b, DType::f64, e); }

  Value source() const {
    Value o = b.cast(b.iota(DType::i64, {out}, 0), DType::f64);
    Value factor = scale > 0 ? number(scale) : div(b, size(out), size(in));
    const std::string& c = attr.coordinates;
    if (c == "asymmetric") return div(b, o, factor);
    if (c == "align_corners") {
      Value span = sub(b, size(out), number(1));
      Value one = apply(b, ScalarOp::eq, {span, number(0)});
      return where(b, one, number(0), div(b, mul(b, o, sub(b, size(in), number(1))), span));
    }
    Value middle = sub(b, div(b, add(b, o, number(0.5)), factor), number(0.5));
    if (c == "half_pixel") return middle;
    if (c == "pytorch_half_pixel")
      return where(b, apply(b, ScalarOp::eq, {size(out), number(1)}), number(0), middle);
    fail("resize", "coordinate mode '" + c + "' is not supported for the symbolic size " + in.str(),
         "give the input a fixed size with --shape");
  }

  Value nearest(Value x) const {
    const std::string& n = attr.nearest;
    if (n == "ceil") return apply(b, ScalarOp::ceil, {x});
    if (n == "round_prefer_floor") return apply(b, ScalarOp::ceil, {sub(b, x, number(0.5))});
    if (n == "round_prefer_ceil") x = add(b, x, number(0.5));
    if (n == "floor" || n == "round_prefer_ceil") return apply(b, ScalarOp::floor, {x});
    fail("resize", "nearest mode '" + n + "' is not known");
  }

  Value clamped(Value at) const {
    Value last = sub(b, size(in), number(1));
    return b.cast(apply(b, ScalarOp::max,
                        {apply(b, ScalarOp::min, {at, last}), number(0)}),
                  DType::i64);
  }
};

// Whether every output position o reads o / factor, whatever the size: seen on a few sizes.
bool repeats(const ResizeAttr& attr, double scale) {
  if (attr.mode != ResizeMode::nearest || scale != std::floor(scale) || scale > 64) return false;
  int64_t factor = static_cast<int64_t>(scale);
  for (int64_t in = 1; in <= 5; ++in) {
    if (!is_repeat(taps_of(attr, in, in * factor, scale).index[0], factor)) return false;
  }
  return attr.coordinates != "align_corners";
}

Value resize_symbolic(Builder& b, Value x, int32_t dim, const Index& out, double scale,
                      const ResizeAttr& attr) {
  if (attr.mode == ResizeMode::cubic || attr.exclude_outside)
    fail("resize",
         "cubic and exclude_outside need constant sizes: dimension " + std::to_string(dim) +
             " of " + text(x.type()) + " to " + out.str(),
         "give the input a fixed size with --shape");
  const Positions p{b, attr, x.shape()[dim], out, scale};
  if (scale > 0 && repeats(attr, scale)) {
    IndexMap map = identity_map(x.shape().size());
    map.coords[dim] = floordiv(result_index(dim), static_cast<int64_t>(scale));
    Shape shape = x.shape();
    shape[dim] = out;
    return b.reindex(x, shape, map, zero_of(x));
  }
  Value at = p.source();
  if (attr.mode == ResizeMode::nearest) return b.gather(x, p.clamped(p.nearest(at)), dim);
  Value base = apply(b, ScalarOp::floor, {at}), fraction = sub(b, at, base);
  Value low = b.gather(x, p.clamped(base), dim);
  Value high = b.gather(x, p.clamped(add(b, base, p.number(1))), dim);
  auto weighted = [&](Value part, Value weight) {
    Value w = b.cast(b.cast(weight, DType::f32), part.dtype());
    return mul(b, part, b.broadcast(w, part.shape(), {dim}));
  };
  return add(b, weighted(low, sub(b, p.number(1), fraction)), weighted(high, fraction));
}

}  // namespace

Value resize(Builder& b, Value x, const Shape& sizes, std::span<const double> scales,
             const ResizeAttr& attr) {
  OpScope scope(b, "resize");
  size_t rank = x.shape().size();
  if (sizes.size() != rank || scales.size() != rank)
    fail("resize", std::to_string(sizes.size()) + " sizes for " + text(x.type()));
  bool moves = attr.mode == ResizeMode::nearest;
  if (!moves && !is_float(x.dtype()))
    fail("resize", "linear and cubic need a float dtype, not " + text(x.type()));
  Value y = moves ? x : widen(b, x);
  for (size_t d = 0; d < rank; ++d) {
    const Index &in = x.shape()[d], &out = sizes[d];
    int32_t dim = static_cast<int32_t>(d);
    if (in == out && (scales[d] == 1 || scales[d] == 0)) continue;
    if (out.is_const(0)) {  // a small size times a small scale
      Shape shape = y.shape();
      shape[d] = 0;
      y = b.broadcast_to(scalar(b, y.dtype(), 0), shape);
      continue;
    }
    bool fixed = in.is_const() && out.is_const() && scales[d] > 0;
    if (in.is_const(0) || (out.is_const() && out.value() < 0) || scales[d] < 0)
      fail("resize", "dimension " + std::to_string(d) + " of " + text(x.type()) + " to " +
                         out.str() + " elements");
    if (fixed && out.value() > kLargestTable)
      fail("resize", "dimension " + std::to_string(d) + " of " + text(x.type()) + " to " +
                         out.str() + " elements, at most " + std::to_string(kLargestTable));
    y = fixed ? resize_dim(b, y, dim, out.value(), scales[d], attr)
              : resize_symbolic(b, y, dim, out, scales[d], attr);
  }
  return narrow(b, y, x.dtype());
}

}  // namespace mintor::ops
