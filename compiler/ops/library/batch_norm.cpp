// SPDX-License-Identifier: Apache-2.0
// batch_norm, inference form: y = x * a + c per channel. a and c depend on parameters alone, so
// that they are computed once, or folded into a convolution before. Training form: every channel
// by its own mean and variance, which are given too.
#include "compiler/ops/library/norm.h"

namespace mintor::ops {

Value batch_norm(Builder& b, Value x, Value scale, Value bias, Value mean, Value variance,
                 double eps) {
  OpScope scope(b, "batch_norm");
  need_float("batch_norm", x);
  if (x.shape().size() < 2)
    fail("batch_norm", "x must have a channel dimension: " + text(x.type()));
  for (Value v : {scale, bias, mean, variance}) {
    std::string problem = "statistics " + text(v.type()) + " do not fit " + x.shape()[1].str() +
                          " channels of " + text(x.type());
    if (v.shape().size() != 1) fail("batch_norm", problem);
    if (!same_size(b, v.shape()[0], x.shape()[1]))
      fail_unequal("batch_norm", problem, v.shape()[0], x.shape()[1]);
  }
  Value wide = widen(b, x), s = widen(b, scale);
  Value deviation =
      apply(b, ScalarOp::sqrt, {add(b, widen(b, variance), scalar(b, wide.dtype(), eps))});
  Value a = div(b, s, deviation);
  Value c = sub(b, widen(b, bias), mul(b, widen(b, mean), a));
  return narrow(b, scale_channels("batch_norm", b, wide, a, c), x.dtype());
}

BatchNorm batch_norm_training(Builder& b, Value x, Value scale, Value bias, double eps) {
  OpScope scope(b, "batch_norm");
  need_float("batch_norm", x);
  size_t rank = x.shape().size();
  if (rank < 2) fail("batch_norm", "x must have a channel dimension: " + text(x.type()));
  std::vector<int32_t> dims = dims_from(1, rank);
  dims[0] = 0;  // all but the channels
  Standard s = standardise(b, widen(b, x), dims, eps);
  Value y = scale_channels("batch_norm", b, s.y, scale, bias);
  return {narrow(b, y, x.dtype()), s.mean, s.variance};
}

}  // namespace mintor::ops
