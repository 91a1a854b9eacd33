// SPDX-License-Identifier: Apache-2.0
// cum_prod: a serial scan along one axis, from either end, with or without the element itself.
// Takes numbers; f16 and bf16 are multiplied in f32.
#include "compiler/ops/cumulative.h"
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value cum_prod(Builder& b, Value x, int64_t axis, bool exclusive, bool reverse) {
  OpScope scope(b, "cum_prod");
  int32_t dim = axis_of("cum_prod", axis, x.shape().size());
  Value wide = widen(b, x);
  Value y = b.scan(Combiner::mul, std::span(&wide, 1), dim, {Scalar::of_int(wide.dtype(), 1)},
                   reverse, exclusive)[0];
  return narrow(b, y, x.dtype());
}

}  // namespace mintor::ops
