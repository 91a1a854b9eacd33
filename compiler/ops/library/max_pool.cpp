// SPDX-License-Identifier: Apache-2.0
// max_pool: the largest of each window; takes any dtype of numbers, NaN wins.
// Keeps true: padding never wins (it is the identity of max).
#include "compiler/ops/library/pool.h"

namespace mintor::ops {

Value max_pool(Builder& b, Value x, const PoolAttr& given) {
  OpScope scope(b, "max_pool");
  if (x.dtype() == DType::boolean)
    fail("max_pool", "x must have numbers: " + text(x.type()));
  PoolAttr attr = checked_pool("max_pool", x, given);
  Value wide = widen(b, x);
  Value y =
      pooled("max_pool", b, wide, attr, Combiner::max, identity_of(Combiner::max, wide.dtype()));
  return narrow(b, y, x.dtype());
}

}  // namespace mintor::ops
