// SPDX-License-Identifier: Apache-2.0
// one_hot: a class number compared with an iota along a new axis.
// Takes integers or floats; negative classes count from the end, others outside are all `off`.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value one_hot(Builder& b, Value index, Index depth, Value off, Value on, int64_t axis) {
  OpScope scope(b, "one_hot");
  if (on.dtype() != off.dtype() || !on.shape().empty() || !off.shape().empty())
    fail("one_hot", "on and off values must be 0-d and of one dtype: " + text(on.type()) + ", " +
                        text(off.type()));
  if (depth.is_const() && depth.value() < 0) fail("one_hot", "depth " + depth.str());
  // Float indices are allowed by ONNX; a class number is an integer either way.
  if (!is_int(index.dtype())) index = b.cast(index, DType::i64);
  size_t rank = index.shape().size() + 1;
  int32_t dim = axis_of("one_hot", axis, rank);
  std::vector<int32_t> dims = {dim};
  std::vector<int32_t> kept = other_dims(rank, dims);
  Shape shape(rank);
  shape[dim] = depth;
  for (size_t i = 0; i < kept.size(); ++i) shape[kept[i]] = index.shape()[i];
  Value wide = b.cast(index, DType::i64);
  Value zero = b.constant_int(DType::i64, 0);
  Value shifted = add(b, wide, count_of(b, DType::i64, depth));
  wide = where(b, apply(b, ScalarOp::lt, {wide, zero}), shifted, wide);
  Value hit =
      apply(b, ScalarOp::eq, {b.broadcast(wide, shape, kept), b.iota(DType::i64, shape, dim)});
  return where(b, hit, on, off);
}

}  // namespace mintor::ops
