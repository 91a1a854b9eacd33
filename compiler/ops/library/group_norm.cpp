// SPDX-License-Identifier: Apache-2.0
// group_norm: the channels of a group share mean and variance.
// Takes scale and bias per channel, or per group as ONNX opset 18 had it.
#include "compiler/ops/library/norm.h"

namespace mintor::ops {

Value group_norm(Builder& b, Value x, Value scale, Value bias, int64_t groups, double eps) {
  OpScope scope(b, "group_normalization");
  need_float("group_norm", x);
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

}  // namespace mintor::ops
