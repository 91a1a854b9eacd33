// SPDX-License-Identifier: Apache-2.0
// quantize_linear: saturate(round_half_even(x / scale) + zero); the cast from float saturates.
// Takes a float value; gives the integer dtype that is asked for.
#include "compiler/ops/library/quantize.h"

namespace mintor::ops {

Value quantize_linear(Builder& b, Value x, Value scale, Value zero, DType dtype, int64_t axis) {
  OpScope scope(b, "quantize_linear");
  if (!is_int(dtype))
    fail("quantize_linear", "the result must be an integer, not " + std::string(name_of(dtype)));
  if (zero && zero.dtype() != dtype)
    fail("quantize_linear",
         "zero point " + text(zero.type()) + " for a result of " + std::string(name_of(dtype)));
  Value v = x.dtype() == DType::f32 ? x : b.cast(x, DType::f32);
  Value ratio = div(b, v, along("quantize_linear", b, b.cast(scale, DType::f32), v, axis));
  Value y = apply(b, ScalarOp::round, {ratio});
  if (zero) y = add(b, y, along("quantize_linear", b, b.cast(zero, DType::f32), v, axis));
  return b.cast(y, dtype);
}

}  // namespace mintor::ops
