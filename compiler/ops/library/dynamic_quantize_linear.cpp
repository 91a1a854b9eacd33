// SPDX-License-Identifier: Apache-2.0
// dynamic_quantize_linear: u8 with scale and zero point from the smallest and largest element.
// Takes f32; gives the three outputs of the ONNX operator.
#include "compiler/ops/library/quantize.h"

namespace mintor::ops {

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
