// SPDX-License-Identifier: Apache-2.0
// layer_norm and rms_norm: rows from `axis` to the end.
// Takes scale and bias that broadcast to the row; gives mean and 1 / deviation to who asks.
#include "compiler/ops/library/norm.h"

namespace mintor::ops {

Value layer_norm(Builder& b, Value x, Value scale, Value bias, int64_t axis, double eps,
                 Value* mean, Value* inv_std) {
  OpScope scope(b, "layer_normalization");
  need_float("layer_norm", x);
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
  need_float("rms_norm", x);
  size_t rank = x.shape().size();
  std::vector<int32_t> dims = dims_from(axis_of("rms_norm", axis, rank), rank);
  Value wide = widen(b, x);
  Value square = mean_over(b, mul(b, wide, wide), dims);
  Value root = apply(b, ScalarOp::sqrt, {add(b, square, scalar(b, wide.dtype(), eps))});
  Value y = mul(b, wide, spread(b, apply(b, ScalarOp::reciprocal, {root}), x.shape(), dims));
  if (scale) y = mul(b, y, b.broadcast_to(widen(b, scale), x.shape()));
  return narrow(b, y, x.dtype());
}

}  // namespace mintor::ops
