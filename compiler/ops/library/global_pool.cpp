// SPDX-License-Identifier: Apache-2.0
// Global pools: a reduction over the spatial dimensions, which stay as 1.
// Takes [N, C, D..] with any number of spatial dimensions; sizes may be symbolic.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

std::vector<int64_t> spatial_axes(std::string_view op, Value x) {
  if (x.shape().size() < 3)
    fail(op, "x must have at least 3 dimensions (batch, channel, space): " + text(x.type()));
  std::vector<int64_t> axes;
  for (size_t d = 2; d < x.shape().size(); ++d) axes.push_back(static_cast<int64_t>(d));
  return axes;
}

}  // namespace

Value global_max_pool(Builder& b, Value x) {
  OpScope scope(b, "global_max_pool");
  return reduce(b, Reduction::max, x, spatial_axes("global_max_pool", x), true);
}

Value global_avg_pool(Builder& b, Value x) {
  OpScope scope(b, "global_average_pool");
  return reduce(b, Reduction::mean, x, spatial_axes("global_average_pool", x), true);
}

Value global_lp_pool(Builder& b, Value x, int64_t p) {
  OpScope scope(b, "global_lp_pool");
  if (p < 1) fail("global_lp_pool", "p = " + std::to_string(p) + " must be at least 1");
  Value exponent = scalar(b, x.dtype(), static_cast<double>(p));
  Value powers = apply(b, ScalarOp::pow, {apply(b, ScalarOp::abs, {x}), exponent});
  Value sum = reduce(b, Reduction::sum, powers, spatial_axes("global_lp_pool", x), true);
  return apply(b, ScalarOp::pow, {sum, div(b, scalar(b, x.dtype(), 1), exponent)});
}

}  // namespace mintor::ops
