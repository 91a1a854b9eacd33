// SPDX-License-Identifier: Apache-2.0
// expand: broadcasting both ways, as ONNX Expand; sizes 1 on either side stretch.
// Takes a shape of Index; gives one broadcast.
#include <algorithm>

#include "compiler/ir/broadcast.h"
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value expand(Builder& b, Value x, const Shape& shape) {
  OpScope scope(b, "expand");
  size_t rank = std::max(shape.size(), x.shape().size());
  Shape result(rank, 1);
  for (size_t d = 0; d < rank; ++d) {
    bool in_x = d + x.shape().size() >= rank, in_shape = d + shape.size() >= rank;
    Index own = in_x ? x.shape()[d + x.shape().size() - rank] : Index(1);
    Index wanted = in_shape ? shape[d + shape.size() - rank] : Index(1);
    result[d] =
        common_extent(b, "expand", own, wanted,
                      text(x.type()) + " does not expand to " + text(shape));
  }
  return b.broadcast_to(x, result);
}

}  // namespace mintor::ops
