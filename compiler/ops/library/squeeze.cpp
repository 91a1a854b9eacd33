// SPDX-License-Identifier: Apache-2.0
// flatten, squeeze, unsqueeze: reshapes that join, drop and add dimensions.
// Takes axes that may be negative; a named dimension that is not 1 is an error.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value flatten(Builder& b, Value x, int64_t axis) {
  OpScope scope(b, "flatten");
  int64_t rank = static_cast<int64_t>(x.shape().size());
  if (axis < -rank || axis > rank)
    fail("flatten", "axis " + std::to_string(axis) + " of a value with " + std::to_string(rank) +
                        " dimensions");
  if (axis < 0) axis += rank;
  Shape shape = {1, 1};
  for (int64_t d = 0; d < rank; ++d)
    shape[d < axis ? 0 : 1] = shape[d < axis ? 0 : 1] * x.shape()[d];
  return b.reshape(x, shape);
}

Value squeeze(Builder& b, Value x, std::span<const int64_t> axes) {
  OpScope scope(b, "squeeze");
  std::vector<int32_t> dims = axes_of("squeeze", axes, x.shape().size(), false);
  Shape shape;
  for (size_t d = 0; d < x.shape().size(); ++d) {
    bool named = std::find(dims.begin(), dims.end(), static_cast<int32_t>(d)) != dims.end();
    bool one = x.shape()[d].is_const(1);
    if (named && !one)
      fail_unequal("squeeze",
                   "dimension " + std::to_string(d) + " of " + text(x.type()) + " is not 1",
                   x.shape()[d], 1);
    if (!(axes.empty() ? one : named)) shape.push_back(x.shape()[d]);
  }
  return b.reshape(x, shape);
}

Value unsqueeze(Builder& b, Value x, std::span<const int64_t> axes) {
  OpScope scope(b, "unsqueeze");
  size_t rank = x.shape().size() + axes.size();
  std::vector<int32_t> dims = axes_of("unsqueeze", axes, rank, false);
  Shape shape(rank);
  std::vector<int32_t> kept = other_dims(rank, dims);
  for (int32_t d : dims) shape[d] = 1;
  for (size_t i = 0; i < kept.size(); ++i) shape[kept[i]] = x.shape()[i];
  return b.reshape(x, shape);
}

}  // namespace mintor::ops
