// SPDX-License-Identifier: Apache-2.0
// What the quantisations share (quantize.h).
// Keeps true: a scale or zero point that does not fit the axis is an error.
#include "compiler/ops/library/quantize.h"

namespace mintor::ops {

Value along(std::string_view op, Builder& b, Value v, Value x, int64_t axis) {
  if (v.shape().empty()) return b.broadcast_to(v, x.shape());
  if (v.shape() == x.shape()) return v;
  if (v.shape().size() == 1 && v.shape()[0].is_const(1))
    return b.broadcast_to(b.reshape(v, {}), x.shape());
  int32_t dim = axis_of(op, axis, x.shape().size());
  const std::string problem = "scale or zero point " + text(v.type()) + " does not fit axis " +
                              std::to_string(axis) + " of " + text(x.type());
  if (v.shape().size() != 1) fail(op, problem);
  if (!same_size(b, v.shape()[0], x.shape()[dim]))
    fail_unequal(op, problem, v.shape()[0], x.shape()[dim]);
  return b.broadcast(v, x.shape(), {dim});
}

}  // namespace mintor::ops
