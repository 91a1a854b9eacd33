// SPDX-License-Identifier: Apache-2.0
// ONNX linear quantisation, also to and from floats and integers of 8 bits and fewer
// (small_types.h), with a scale for a tensor, a channel or a block.
// Takes one node; gives element-wise nodes, and an exact i32 contraction for QLinearMatMul.
#include "compiler/ops/library/quantize.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/small_types.h"

namespace mintor {

namespace {

// A scale or zero point for each element: one holds for a block of `block_size` along the axis.
Value blocked(OnnxNode& n, Value v, const Shape& shape) {
  const int64_t block = n.integer("block_size", 0), given = n.integer("axis", 1);
  if (block == 0 || !v || v.shape().size() < 2) return v;
  const auto rank = static_cast<int64_t>(shape.size());
  const int64_t axis = given < 0 ? given + rank : given;
  if (block < 0 || axis < 0 || axis >= rank || v.shape().size() != shape.size())
    n.fail("block_size " + std::to_string(block) + " along axis " + std::to_string(given) + " of " +
           to_string(shape) + ", with one value for each of " + to_string(v.shape()));
  IndexMap map;
  for (int64_t d = 0; d < rank; ++d) map.coords.push_back(Index::var("i" + std::to_string(d)));
  const auto at = static_cast<size_t>(axis);
  map.coords[at] = floordiv(map.coords[at], block);
  return n.builder().reindex(v, shape, map, Scalar::of_int(v.dtype(), 0));
}

// The element type that a quantisation gives: that of the zero point, or the named one.
int64_t quantised_type(OnnxNode& n) {
  if (n.element(2) != 0) return n.element(2);
  return n.given(2) ? 0 : n.integer("output_dtype", 0);
}

void quantize_small(OnnxNode& n, const SmallType& type, Value scale) {
  Builder& b = n.builder();
  const Value x = b.cast(n.in(0), DType::f32);
  const int64_t axis = n.integer("axis", 1);
  const auto all = [&](Value v) { return ops::along("quantize_linear", b, v, x, axis); };
  Value ratio = ops::div(b, x, all(b.cast(scale, DType::f32))), zero;
  if (n.given(2)) {
    const Value own = blocked(n, n.stored(2), x.shape());
    zero = b.cast(all(number_of(b, own, type)), DType::f32);
  }
  if (!type.format) ratio = b.apply(ScalarOp::round, {ratio});
  if (zero) ratio = ops::add(b, ratio, zero);
  n.out_stored(0,
               type.format ? small_of(b, ratio, type, n.integer("saturate", 1) != 0, "up")
                           : saturated(b, b.cast(ratio, DType::i32), type),
               type.element);
}

void quantize_linear(OnnxNode& n) {
  n.need_inputs(2, 3);
  const int64_t named = quantised_type(n);
  const Value scale = blocked(n, n.in(1), n.shape(0));
  if (const SmallType* type = find_small_type(named)) return quantize_small(n, *type, scale);
  DType dtype = n.given(2) ? n.dtype(2) : DType::u8;
  if (named != 0) dtype = dtype_from_onnx(named, "QuantizeLinear");
  n.out(0,
        ops::quantize_linear(n.builder(), n.in(0), scale, blocked(n, n.zero_point(2), n.shape(0)),
                             dtype, n.integer("axis", 1)));
}

void dequantize_linear(OnnxNode& n) {
  n.need_inputs(2, 3);
  Builder& b = n.builder();
  const int64_t axis = n.integer("axis", 1), named = n.integer("output_dtype", 0);
  const Value scale = blocked(n, n.in(1), n.shape(0));
  const SmallType* type = find_small_type(n.element(0));
  Value y;
  if (type && type->format) {  // whose zero point is 0
    const Value x = number_of(b, n.stored(0), *type);
    const Value wide = ops::along("dequantize_linear", b, b.cast(scale, DType::f32), x, axis);
    y = b.cast(ops::mul(b, x, wide), scale.dtype());
  } else {
    const Value zero = type ? (n.given(2) ? n.stored(2) : Value{}) : n.zero_point(2);
    y = ops::dequantize_linear(b, n.stored(0), scale, blocked(n, zero, n.shape(0)), axis);
  }
  n.out(0, named == 0 ? y : b.cast(y, dtype_from_onnx(named, "DequantizeLinear")));
}

void dynamic_quantize_linear(OnnxNode& n) {
  n.need_inputs(1, 1);
  ops::DynamicQuantized q = ops::dynamic_quantize_linear(n.builder(), n.in(0));
  n.out(0, q.y);
  n.out(1, q.scale);
  n.out(2, q.zero);
}

// (a - a_zero) @ (b - b_zero) * (a_scale * b_scale / y_scale), rounded and saturated.
void qlinear_matmul(OnnxNode& n) {
  n.need_inputs(8, 8);
  Builder& b = n.builder();
  Value sums = ops::matmul_integer(b, n.in(0), n.in(3), n.zero_point(2), n.zero_point(5));
  Value scale = ops::mul(b, b.cast(n.in(1), DType::f32), b.cast(n.in(4), DType::f32));
  Value real = ops::mul(b, b.cast(sums, DType::f32), scale);
  n.out(0, ops::quantize_linear(b, real, n.in(6), n.zero_point(7), n.dtype(7), 1));
}

constexpr OnnxOp kOps[] = {
    {"QuantizeLinear", 10, 0, quantize_linear, "floats ints, floats ints, ints small",
     "div, round, add, cast"},
    {"DequantizeLinear", 10, 0, dequantize_linear, "ints small, floats, ints small",
     "sub, cast, mul"},
    {"com.microsoft.QuantizeLinear", 1, 0, quantize_linear, "floats ints, floats ints, ints small",
     "div, round, add, cast"},
    {"com.microsoft.DequantizeLinear", 1, 0, dequantize_linear, "ints small, floats, ints small",
     "sub, cast, mul"},
    {"DynamicQuantizeLinear", 11, 0, dynamic_quantize_linear, "f32",
     "reduce max, reduce min, div, round, cast"},
    {"QLinearMatMul", 10, 0, qlinear_matmul,
     "i8 u8, f32 f16 bf16, i8 u8, i8 u8, f32 f16 bf16, i8 u8, f32 f16 bf16, i8 u8",
     "contract to i32, mul, round, cast"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_quantize;
const OnnxOpGroup onnx_ops_quantize{kOps};

}  // namespace mintor
