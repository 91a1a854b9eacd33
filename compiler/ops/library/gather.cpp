// SPDX-License-Identifier: Apache-2.0
// take: NumPy's take, ONNX Gather; a reindex with one load.
// An index out of range reads 0; negative ones count from the end.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value take(Builder& b, Value x, Value index, int64_t axis) {
  OpScope scope(b, "gather");
  need_index("gather", index);
  return b.gather(x, index, axis_of("gather", axis, x.shape().size()));
}

}  // namespace mintor::ops
