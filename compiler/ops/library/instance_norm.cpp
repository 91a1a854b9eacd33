// SPDX-License-Identifier: Apache-2.0
// instance_norm: every channel of every image by its own mean and variance.
// Takes [N, C, D..] and scale and bias per channel.
#include "compiler/ops/library/norm.h"

namespace mintor::ops {

Value instance_norm(Builder& b, Value x, Value scale, Value bias, double eps) {
  OpScope scope(b, "instance_normalization");
  need_float("instance_norm", x);
  size_t rank = x.shape().size();
  if (rank < 3) fail("instance_norm", "x must have at least 3 dimensions: " + text(x.type()));
  Standard s = standardise(b, widen(b, x), dims_from(2, rank), eps);
  return narrow(b, scale_channels("instance_norm", b, s.y, scale, bias), x.dtype());
}

}  // namespace mintor::ops
