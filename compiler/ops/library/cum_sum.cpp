// SPDX-License-Identifier: Apache-2.0
// cum_sum: a serial scan along one axis, from either end, with or without the element itself.
// Takes numbers; f16 and bf16 are summed in f32.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value cum_sum(Builder& b, Value x, int64_t axis, bool exclusive, bool reverse) {
  OpScope scope(b, "cum_sum");
  int32_t dim = axis_of("cum_sum", axis, x.shape().size());
  Value wide = widen(b, x);
  Value y = b.scan(Combiner::add, std::span(&wide, 1), dim, {Scalar::of_int(wide.dtype(), 0)},
                   reverse, exclusive)[0];
  return narrow(b, y, x.dtype());
}

}  // namespace mintor::ops
