// SPDX-License-Identifier: Apache-2.0
// center_crop_pad: one reindex; where the difference is odd, the element less is before.
// Takes sizes as expressions.
#include "compiler/ops/library/common.h"
#include "compiler/ops/space.h"

namespace mintor::ops {

Value center_crop_pad(Builder& b, Value x, const Shape& shape) {
  OpScope scope(b, "center_crop_pad");
  if (shape.size() != x.shape().size())
    fail("center_crop_pad", text(x.type()) + " to " + text(shape));
  const Ranges& ranges = b.graph().ranges();
  IndexMap map;
  for (size_t d = 0; d < shape.size(); ++d) {
    const Index less = max(x.shape()[d] - shape[d], 0), more = max(shape[d] - x.shape()[d], 0);
    map.coords.push_back(result_index(d) + ranges.simplify(floordiv(less, 2)) -
                         ranges.simplify(floordiv(more, 2)));
  }
  return b.reindex(x, shape, map, zero_of(x));
}

}  // namespace mintor::ops
