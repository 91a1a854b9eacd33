// SPDX-License-Identifier: Apache-2.0
// What the normalisations share (norm.h).
// Keeps true: the variance is the mean of squared deviations, never a difference of means.
#include "compiler/ops/library/norm.h"

namespace mintor::ops {

Value mean_over(Builder& b, Value x, std::span<const int32_t> dims) {
  Value sum = b.reduce(Combiner::add, x, {dims.begin(), dims.end()});
  return div(b, sum, count_of(b, x.dtype(), product(x.shape(), dims)));
}

Standard standardise(Builder& b, Value x, std::span<const int32_t> dims, double eps) {
  Value mean = mean_over(b, x, dims);
  Value d = sub(b, x, spread(b, mean, x.shape(), dims));
  Value variance = mean_over(b, mul(b, d, d), dims);
  Value deviation = apply(b, ScalarOp::sqrt, {add(b, variance, scalar(b, x.dtype(), eps))});
  Value inv = apply(b, ScalarOp::reciprocal, {deviation});
  return {mul(b, d, spread(b, inv, x.shape(), dims)), mean, variance, inv};
}

Value scale_channels(std::string_view op, Builder& b, Value y, Value scale, Value bias) {
  for (Value v : {scale, bias}) {
    if (!v) continue;
    std::string problem = "scale or bias " + text(v.type()) + " does not fit " +
                          y.shape()[1].str() + " channels of " + text(y.type());
    if (v.shape().size() != 1) fail(op, problem);
    if (!same_size(b, v.shape()[0], y.shape()[1]))
      fail_unequal(op, problem, v.shape()[0], y.shape()[1]);
  }
  if (scale) y = mul(b, y, spread_channels(b, widen(b, scale), y.shape()));
  if (bias) y = add(b, y, spread_channels(b, widen(b, bias), y.shape()));
  return y;
}

std::vector<int32_t> dims_from(size_t first, size_t rank) {
  std::vector<int32_t> dims;
  for (size_t d = first; d < rank; ++d) dims.push_back(static_cast<int32_t>(d));
  return dims;
}

}  // namespace mintor::ops
