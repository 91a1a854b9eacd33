// SPDX-License-Identifier: Apache-2.0
// Operators made from index values: one-hot rows, triangles, identities, ranges.
// Takes sizes and positions as Index expressions (symbolic where they are); gives iota and reindex
// nodes, never tables, so that a symbolic size costs nothing when compiling.
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

Value trilu(Builder& b, Value x, Index k, bool upper) {
  OpScope scope(b, "trilu");
  size_t rank = x.shape().size();
  if (rank < 2) fail("trilu", "x must have at least 2 dimensions: " + text(x.type()));
  IndexMap map;
  for (size_t d = 0; d < rank; ++d) map.coords.push_back(result_index(d));
  // Kept where 0 <= column - row - k (upper) or 0 <= row + k - column (lower); the extent only has
  // to be large enough.
  Index over = result_index(rank - 1) - result_index(rank - 2) - k;
  Index kept = upper ? over : Index(0) - over;
  Index magnitude = max(k, Index(0) - k);
  map.conditions.push_back({kept, x.shape()[rank - 1] + x.shape()[rank - 2] + magnitude});
  return b.reindex(x, x.shape(), map, Scalar::of_int(x.dtype(), 0));
}

Value eye_like(Builder& b, DType dtype, Index rows, Index columns, int64_t k) {
  OpScope scope(b, "eye_like");
  IndexMap map;
  map.conditions.push_back({result_index(1) - result_index(0) - k, 1});
  return b.reindex(b.constant(Tensor::scalar(Scalar::of_int(dtype, 1))), {rows, columns}, map,
                   Scalar::of_int(dtype, 0));
}

Value range(Builder& b, DType dtype, Index start, Index count, Index step) {
  OpScope scope(b, "range");
  if (count.is_const() && count.value() < 0) fail("range", "count " + count.str());
  DType counted = is_storage_float(dtype) ? DType::f32 : dtype;
  Value y = b.iota(counted, {count}, 0);
  if (!step.is_const(1)) y = mul(b, y, count_of(b, counted, step));
  if (!start.is_const(0)) y = add(b, y, count_of(b, counted, start));
  return b.cast(y, dtype);
}

}  // namespace mintor::ops
