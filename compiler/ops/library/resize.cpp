// SPDX-License-Identifier: Apache-2.0
// resize: each resized dimension on its own. The source positions are computed here, in f64, as
// tables: nearest is one take by a table of indices (an affine floordiv where the factor is a whole
// number), linear and cubic are sums of takes times tables of weights. Resized dimensions must
// therefore be constant.
#include <algorithm>
#include <cmath>

#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

struct Taps {                               // one row per output position
  std::vector<std::vector<int64_t>> index;  // [tap][output]
  std::vector<std::vector<float>> weight;
};

double source_position(const ResizeAttr& attr, int64_t o, int64_t in, int64_t out, double scale) {
  double x = static_cast<double>(o);
  const std::string& c = attr.coordinates;
  if (c == "asymmetric") return x / scale;
  // The reference takes the size before it is rounded down; with given sizes it is the same.
  double real_out = scale * static_cast<double>(in);
  if (c == "align_corners")
    return real_out == 1 ? 0 : x * static_cast<double>(in - 1) / (real_out - 1);
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

}  // namespace

Value resize(Builder& b, Value x, std::span<const int64_t> sizes, std::span<const double> scales,
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
    const Index& in = x.shape()[d];
    bool same = in.is_const() ? sizes[d] == in.value() && scales[d] == 1 : scales[d] == 1;
    if (same) continue;
    if (!in.is_const() || in.value() < 1 || sizes[d] < 1 || !(scales[d] > 0))
      fail("resize",
           "dimension " + std::to_string(d) + " of " + text(x.type()) + " to " +
               std::to_string(sizes[d]),
           "give the input a fixed size with --shape");
    y = resize_dim(b, y, static_cast<int32_t>(d), sizes[d], scales[d], attr);
  }
  return narrow(b, y, x.dtype());
}

}  // namespace mintor::ops
