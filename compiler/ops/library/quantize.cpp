// SPDX-License-Identifier: Apache-2.0
// Linear quantisation. y = saturate(round_half_even(x / scale) + zero); the cast from float
// saturates.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

// A 0-d, [1] or [size of axis] value over x's shape.
Value along(std::string_view op, Builder& b, Value v, Value x, int64_t axis) {
  if (v.shape().empty()) return b.broadcast_to(v, x.shape());
  if (v.shape().size() == 1 && v.shape()[0].is_const(1))
    return b.broadcast_to(b.reshape(v, {}), x.shape());
  int32_t dim = axis_of(op, axis, x.shape().size());
  if (v.shape().size() != 1 || !same_size(b, v.shape()[0], x.shape()[dim]))
    fail(op, "scale or zero point " + text(v.type()) + " does not fit axis " +
                 std::to_string(axis) + " of " + text(x.type()));
  return b.broadcast(v, x.shape(), {dim});
}

}  // namespace

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

DynamicQuantized dynamic_quantize_linear(Builder& b, Value x) {
  OpScope scope(b, "dynamic_quantize_linear");
  if (x.dtype() != DType::f32)
    fail("dynamic_quantize_linear", "x must be f32, not " + text(x.type()));
  Value zero = scalar(b, DType::f32, 0), steps = scalar(b, DType::f32, 255);
  Value hi = apply(b, ScalarOp::max, {reduce(b, Reduction::max, x, {}, false), zero});
  Value lo = apply(b, ScalarOp::min, {reduce(b, Reduction::min, x, {}, false), zero});
  Value span = div(b, sub(b, hi, lo), steps);
  // A tensor of zeros has no span: any scale serves.
  Value scale = where(b, apply(b, ScalarOp::eq, {span, zero}), scalar(b, DType::f32, 1), span);
  Value offset = apply(b, ScalarOp::clamp, {sub(b, zero, div(b, lo, scale)), zero, steps});
  Value zero_point = b.cast(apply(b, ScalarOp::round, {offset}), DType::u8);
  return {quantize_linear(b, x, scale, zero_point, DType::u8, 0), scale, zero_point};
}

}  // namespace mintor::ops
