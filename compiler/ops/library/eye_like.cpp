// SPDX-License-Identifier: Apache-2.0
// eye_like: ones where column - row is k, a reindex of a single 1 with a condition.
// Takes sizes as Index.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value eye_like(Builder& b, DType dtype, Index rows, Index columns, int64_t k) {
  OpScope scope(b, "eye_like");
  IndexMap map;
  map.conditions.push_back({result_index(1) - result_index(0) - k, 1});
  return b.reindex(b.constant(Tensor::scalar(Scalar::of_int(dtype, 1))), {rows, columns}, map,
                   Scalar::of_int(dtype, 0));
}

}  // namespace mintor::ops
