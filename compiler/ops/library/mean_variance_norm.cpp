// SPDX-License-Identifier: Apache-2.0
// mean_variance_norm: (x - mean) / (deviation + 1e-9) over the given axes, as ONNX states it.
// Takes a float value; no axes: all of them.
#include "compiler/ops/library/norm.h"

namespace mintor::ops {

Value mean_variance_norm(Builder& b, Value x, std::span<const int64_t> axes) {
  OpScope scope(b, "mean_variance_normalization");
  need_float("mean_variance_norm", x);
  std::vector<int32_t> dims = axes_of("mean_variance_norm", axes, x.shape().size(), true);
  Value wide = widen(b, x);
  Value d = sub(b, wide, spread(b, mean_over(b, wide, dims), x.shape(), dims));
  Value deviation = apply(b, ScalarOp::sqrt, {mean_over(b, mul(b, d, d), dims)});
  Value shifted = add(b, deviation, scalar(b, wide.dtype(), 1e-9));
  return narrow(b, div(b, d, spread(b, shifted, x.shape(), dims)), x.dtype());
}

}  // namespace mintor::ops
