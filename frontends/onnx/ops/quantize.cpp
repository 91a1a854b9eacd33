// SPDX-License-Identifier: Apache-2.0
// ONNX linear quantisation. Blocked scales (block_size) and 4- and 8-bit floats are refused.
// Takes one node; gives element-wise nodes, and an exact i32 contraction for QLinearMatMul.
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"

namespace mintor {

namespace {

void refuse_blocks(OnnxNode& n) {
  if (n.integer("block_size", 0) != 0)
    n.fail("block_size " + std::to_string(n.integer("block_size", 0)) + " is not supported");
}

void quantize_linear(OnnxNode& n) {
  n.need_inputs(2, 3);
  refuse_blocks(n);
  DType dtype = n.given(2) ? n.dtype(2) : DType::u8;
  if (int64_t named = n.integer("output_dtype", 0); named != 0)
    dtype = dtype_from_onnx(named, "QuantizeLinear");
  n.out(0, ops::quantize_linear(n.builder(), n.in(0), n.in(1), n.zero_point(2), dtype,
                                n.integer("axis", 1)));
}

void dequantize_linear(OnnxNode& n) {
  n.need_inputs(2, 3);
  refuse_blocks(n);
  n.out(0, ops::dequantize_linear(n.builder(), n.in(0), n.in(1), n.zero_point(2),
                                  n.integer("axis", 1)));
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
    {"QuantizeLinear", 10, 0, quantize_linear, "div, round, add, cast"},
    {"DequantizeLinear", 10, 0, dequantize_linear, "sub, cast, mul"},
    {"DynamicQuantizeLinear", 11, 0, dynamic_quantize_linear,
     "reduce max, reduce min, div, round, cast"},
    {"QLinearMatMul", 10, 0, qlinear_matmul, "contract to i32, mul, round, cast"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_quantize;
const OnnxOpGroup onnx_ops_quantize{kOps};

}  // namespace mintor
