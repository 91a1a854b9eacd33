// SPDX-License-Identifier: Apache-2.0
// Normalisation. Mean and variance are two reductions (exact two-pass); the deviation is multiplied
// by one reciprocal per row: d = x - mean, y = d * (1 / sqrt(mean(d * d) + eps)) * scale + bias.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

// The mean over `dims`, spread over x's shape again.
Value mean_over(Builder& b, Value x, std::span<const int32_t> dims) {
  Value sum = b.reduce(Combiner::add, x, {dims.begin(), dims.end()});
  return div(b, sum, count_of(b, x.dtype(), product(x.shape(), dims)));
}

struct Standard {
  Value y, mean, inv_std;  // mean and inv_std without the reduced dimensions
};

Standard standardise(Builder& b, Value x, std::span<const int32_t> dims, double eps) {
  Value mean = mean_over(b, x, dims);
  Value d = sub(b, x, spread(b, mean, x.shape(), dims));
  Value variance = mean_over(b, mul(b, d, d), dims);
  Value deviation = apply(b, ScalarOp::sqrt, {add(b, variance, scalar(b, x.dtype(), eps))});
  Value inv = apply(b, ScalarOp::reciprocal, {deviation});
  return {mul(b, d, spread(b, inv, x.shape(), dims)), mean, inv};
}

void check_float(std::string_view op, Value x) {
  if (!is_float(x.dtype())) fail(op, "x must have a float dtype, not " + text(x.type()));
}

Value wide_or_null(Builder& b, Value v) { return v ? widen(b, v) : v; }

// y * scale + bias along dimension 1, each [C] or null.
Value scale_channels(std::string_view op, Builder& b, Value y, Value scale, Value bias) {
  for (Value v : {scale, bias}) {
    if (v && (v.shape().size() != 1 || !same_size(b, v.shape()[0], y.shape()[1])))
      fail(op, "scale or bias " + text(v.type()) + " does not fit " + y.shape()[1].str() +
                   " channels of " + text(y.type()));
  }
  if (scale) y = mul(b, y, spread_channels(b, wide_or_null(b, scale), y.shape()));
  if (bias) y = add(b, y, spread_channels(b, wide_or_null(b, bias), y.shape()));
  return y;
}

std::vector<int32_t> dims_from(size_t first, size_t rank) {
  std::vector<int32_t> dims;
  for (size_t d = first; d < rank; ++d) dims.push_back(static_cast<int32_t>(d));
  return dims;
}

}  // namespace

Value batch_norm(Builder& b, Value x, Value scale, Value bias, Value mean, Value variance,
                 double eps) {
  OpScope scope(b, "batch_norm");
  check_float("batch_norm", x);
  if (x.shape().size() < 2)
    fail("batch_norm", "x must have a channel dimension: " + text(x.type()));
  for (Value v : {scale, bias, mean, variance}) {
    if (v.shape().size() != 1 || !same_size(b, v.shape()[0], x.shape()[1]))
      fail("batch_norm", "statistics " + text(v.type()) + " do not fit " + x.shape()[1].str() +
                             " channels of " + text(x.type()));
  }
  Value wide = widen(b, x), s = widen(b, scale);
  Value deviation =
      apply(b, ScalarOp::sqrt, {add(b, widen(b, variance), scalar(b, wide.dtype(), eps))});
  Value a = div(b, s, deviation);
  Value c = sub(b, widen(b, bias), mul(b, widen(b, mean), a));
  return narrow(b, scale_channels("batch_norm", b, wide, a, c), x.dtype());
}

Value layer_norm(Builder& b, Value x, Value scale, Value bias, int64_t axis, double eps,
                 Value* mean, Value* inv_std) {
  OpScope scope(b, "layer_normalization");
  check_float("layer_norm", x);
  size_t rank = x.shape().size();
  std::vector<int32_t> dims = dims_from(axis_of("layer_norm", axis, rank), rank);
  Value wide = widen(b, x);
  Standard s = standardise(b, wide, dims, eps);
  Value y = s.y;
  if (scale) y = mul(b, y, b.broadcast_to(widen(b, scale), x.shape()));
  if (bias) y = add(b, y, b.broadcast_to(widen(b, bias), x.shape()));
  if (mean) *mean = keep_dims(b, s.mean, x.shape(), dims);
  if (inv_std) *inv_std = keep_dims(b, s.inv_std, x.shape(), dims);
  return narrow(b, y, x.dtype());
}

Value rms_norm(Builder& b, Value x, Value scale, int64_t axis, double eps) {
  OpScope scope(b, "rms_normalization");
  check_float("rms_norm", x);
  size_t rank = x.shape().size();
  std::vector<int32_t> dims = dims_from(axis_of("rms_norm", axis, rank), rank);
  Value wide = widen(b, x);
  Value square = mean_over(b, mul(b, wide, wide), dims);
  Value root = apply(b, ScalarOp::sqrt, {add(b, square, scalar(b, wide.dtype(), eps))});
  Value y = mul(b, wide, spread(b, apply(b, ScalarOp::reciprocal, {root}), x.shape(), dims));
  if (scale) y = mul(b, y, b.broadcast_to(widen(b, scale), x.shape()));
  return narrow(b, y, x.dtype());
}

Value instance_norm(Builder& b, Value x, Value scale, Value bias, double eps) {
  OpScope scope(b, "instance_normalization");
  check_float("instance_norm", x);
  size_t rank = x.shape().size();
  if (rank < 3) fail("instance_norm", "x must have at least 3 dimensions: " + text(x.type()));
  Standard s = standardise(b, widen(b, x), dims_from(2, rank), eps);
  return narrow(b, scale_channels("instance_norm", b, s.y, scale, bias), x.dtype());
}

Value group_norm(Builder& b, Value x, Value scale, Value bias, int64_t groups, double eps) {
  OpScope scope(b, "group_normalization");
  check_float("group_norm", x);
  size_t rank = x.shape().size();
  if (rank < 2 || groups < 1 || !x.shape()[1].is_const() || x.shape()[1].value() % groups != 0)
    fail("group_norm",
         std::to_string(groups) + " groups do not divide the channels of " + text(x.type()));
  int64_t per_group = x.shape()[1].value() / groups;
  Shape grouped = {x.shape()[0], groups, per_group};
  grouped.insert(grouped.end(), x.shape().begin() + 2, x.shape().end());
  Value y = standardise(b, b.reshape(widen(b, x), grouped), dims_from(2, rank + 1), eps).y;
  bool by_group =
      scale && scale.shape().size() == 1 && scale.shape()[0].is_const(groups) && per_group != 1;
  if (by_group) y = scale_channels("group_norm", b, y, scale, bias);
  y = b.reshape(y, x.shape());
  if (!by_group) y = scale_channels("group_norm", b, y, scale, bias);
  return narrow(b, y, x.dtype());
}

Value lp_norm(Builder& b, Value x, int64_t axis, int64_t p) {
  OpScope scope(b, "lp_normalization");
  check_float("lp_norm", x);
  if (p != 1 && p != 2) fail("lp_norm", "p = " + std::to_string(p) + ", only 1 and 2 are defined");
  Value wide = widen(b, x);
  Value norm =
      reduce(b, p == 1 ? Reduction::l1 : Reduction::l2, wide, std::vector<int64_t>{axis}, true);
  Value zero = scalar(b, wide.dtype(), 0);
  Value y = div(b, wide, norm);
  return narrow(b, where(b, apply(b, ScalarOp::eq, {norm, zero}), zero, y), x.dtype());
}

Value mean_variance_norm(Builder& b, Value x, std::span<const int64_t> axes) {
  OpScope scope(b, "mean_variance_normalization");
  check_float("mean_variance_norm", x);
  std::vector<int32_t> dims = axes_of("mean_variance_norm", axes, x.shape().size(), true);
  Value wide = widen(b, x);
  Value d = sub(b, wide, spread(b, mean_over(b, wide, dims), x.shape(), dims));
  Value deviation = apply(b, ScalarOp::sqrt, {mean_over(b, mul(b, d, d), dims)});
  Value shifted = add(b, deviation, scalar(b, wide.dtype(), 1e-9));
  return narrow(b, div(b, d, spread(b, shifted, x.shape(), dims)), x.dtype());
}

Value local_response_norm(Builder& b, Value x, int64_t size, double alpha, double beta,
                          double bias) {
  OpScope scope(b, "lrn");
  check_float("local_response_norm", x);
  if (size < 1 || x.shape().size() < 3)
    fail("local_response_norm",
         "size " + std::to_string(size) + " over the channels of " + text(x.type()));
  Value wide = widen(b, x), square = mul(b, wide, wide);
  // The window over channels goes into a last dimension: c - (size - 1) / 2 + w, zero outside.
  size_t rank = x.shape().size();
  Shape shape = x.shape();
  shape.push_back(size);
  IndexMap map;
  for (size_t d = 0; d < rank; ++d) map.coords.push_back(result_index(d));
  map.coords[1] = result_index(1) + result_index(rank) - (size - 1) / 2;
  Value windows = b.reindex(square, shape, map, Scalar::of(wide.dtype(), 0));
  Value sum = b.reduce(Combiner::add, windows, {static_cast<int32_t>(rank)});
  Value base = add(b, mul(b, sum, scalar(b, wide.dtype(), alpha / static_cast<double>(size))),
                   scalar(b, wide.dtype(), bias));
  return narrow(b, div(b, wide, apply(b, ScalarOp::pow, {base, scalar(b, wide.dtype(), beta)})),
                x.dtype());
}

}  // namespace mintor::ops
