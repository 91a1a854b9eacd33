// SPDX-License-Identifier: Apache-2.0
// dequantize_linear: (x - zero) * scale, the difference exact in i32.
// Takes an integer value; gives the scale's dtype.
#include "compiler/ops/library/quantize.h"

namespace mintor::ops {

Value dequantize_linear(Builder& b, Value x, Value scale, Value zero, int64_t axis) {
  OpScope scope(b, "dequantize_linear");
  if (!is_int(x.dtype())) fail("dequantize_linear", "x must be an integer, not " + text(x.type()));
  if (zero && zero.dtype() != x.dtype())
    fail("dequantize_linear", "zero point " + text(zero.type()) + " of x " + text(x.type()));
  Value v = b.cast(x, DType::i32);
  if (zero) v = sub(b, v, along("dequantize_linear", b, b.cast(zero, DType::i32), x, axis));
  Value wide = widen(b, scale);
  Value y = mul(b, b.cast(v, wide.dtype()), along("dequantize_linear", b, wide, x, axis));
  return narrow(b, y, scale.dtype());
}

}  // namespace mintor::ops
