// SPDX-License-Identifier: Apache-2.0
// Quantised operators of the domain com.microsoft: functions of integers with scales, products
// with integers, weights of few bits.
// Takes one node; gives numbers, the function, integers again
// (onnxruntime/docs/ContribOperators.md).
#include "compiler/ops/library.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/window.h"

namespace mintor {

namespace {

// The numbers of input i, whose scale and zero point are the two behind it.
Value dequantized(OnnxNode& n, size_t i) {
  return ops::dequantize_linear(n.builder(), n.in(i), n.in(i + 1), n.zero_point(i + 2), 1);
}

// As output 0: by a scale and a zero point, of the type that the zero point has, or `dtype`.
void quantized(OnnxNode& n, Value y, size_t scale, DType dtype) {
  if (n.given(scale + 1)) dtype = n.dtype(scale + 1);
  n.out(0, ops::quantize_linear(n.builder(), y, n.in(scale), n.zero_point(scale + 1), dtype, 1));
}

template <Value (*function)(Builder&, Value, Value)>
void of_two(OnnxNode& n) {
  n.need_inputs(7, 8);
  quantized(n, function(n.builder(), dequantized(n, 0), dequantized(n, 3)), 6, n.dtype(0));
}

template <Value (*function)(OnnxNode&, Value)>
void of_one(OnnxNode& n) {
  n.need_inputs(4, 5);
  quantized(n, function(n, dequantized(n, 0)), 3, n.dtype(0));
}

Value sigmoid(OnnxNode& n, Value x) { return ops::sigmoid(n.builder(), x); }

Value leaky_relu(OnnxNode& n, Value x) {
  return ops::leaky_relu(n.builder(), x, n.real("alpha", 0.01));
}

Value softmax(OnnxNode& n, Value x) {
  const auto rank = static_cast<int64_t>(x.shape().size());
  const int64_t given = n.integer("axis", -1), axis = given < 0 ? given + rank : given;
  std::vector<int64_t> axes = {axis};
  for (int64_t d = axis + 1; d < rank && n.integer("opset", 13) < 13; ++d) axes.push_back(d);
  return ops::softmax(n.builder(), x, axes);
}

Value global_average_pool(OnnxNode& n, Value x) {
  if (n.integer("channels_last", 0) != 0) n.fail("channels_last = 1 is not supported");
  return ops::global_avg_pool(n.builder(), x);
}

Value average_pool(OnnxNode& n, Value x) {
  if (n.integer("channels_last", 0) != 0) n.fail("channels_last = 1 is not supported");
  return ops::avg_pool(n.builder(), x, read_pool(n, x));
}

// Scale and zero point of the result, then three inputs for each part.
void concat(OnnxNode& n) {
  n.need_inputs(5, SIZE_MAX);
  std::vector<Value> all;
  for (size_t i = 2; i + 2 < n.inputs(); i += 3) all.push_back(dequantized(n, i));
  const auto rank = static_cast<int64_t>(all[0].shape().size());
  const int64_t given = n.integer("axis", 0), axis = given < 0 ? given + rank : given;
  if (axis < 0 || axis >= rank) n.fail("axis " + std::to_string(given));
  quantized(n, n.builder().concat(all, static_cast<int>(axis)), 0, n.dtype(2));
}

// (a - a_zero) @ (b - b_zero) as numbers, and a bias.
void scaled_product(OnnxNode& n, Value a, Value a_scale, Value a_zero, size_t b_scale,
                    size_t b_zero, size_t bias) {
  Builder& b = n.builder();
  const Value sums = ops::matmul_integer(b, a, n.in(1), a_zero, n.zero_point(b_zero));
  const Value scale = ops::mul(b, a_scale, n.in(b_scale));
  const Value y = ops::mul(b, b.cast(sums, scale.dtype()), scale);
  n.out(0, n.given(bias) ? ops::add(b, y, n.in(bias)) : y);
}

void matmul_integer_to_float(OnnxNode& n) {
  n.need_inputs(4, 7);
  scaled_product(n, n.in(0), n.in(2), n.zero_point(4), 3, 5, 6);
}

void dynamic_quantize_matmul(OnnxNode& n) {
  n.need_inputs(3, 5);
  const ops::DynamicQuantized a = ops::dynamic_quantize_linear(n.builder(), n.in(0));
  scaled_product(n, a.y, a.scale, a.zero, 2, 3, 4);
}

// alpha * ((a - a_zero) @ (b - b_zero) + c) in units of the sums; numbers where no scale of the
// result is given.
void qgemm(OnnxNode& n) {
  n.need_inputs(6, 9);
  Builder& b = n.builder();
  const auto operand = [&](size_t i, const char* transposed) {
    return n.integer(transposed, 0) != 0 ? b.transpose(n.in(i), {1, 0}) : n.in(i);
  };
  for (const size_t i : {0, 3})
    if (n.shape(i).size() != 2) n.fail("operands must be matrices, not " + to_string(n.shape(i)));
  Value sums = ops::matmul_integer(b, operand(0, "transA"), operand(3, "transB"), n.zero_point(2),
                                   n.zero_point(5));
  if (n.given(6)) sums = ops::add(b, sums, n.in(6));
  const Value alpha = ops::scalar(b, DType::f32, n.real("alpha", 1));
  const Value scale = ops::mul(b, ops::mul(b, n.in(1), n.in(4)), alpha);
  const Value y = ops::mul(b, b.cast(sums, DType::f32), scale);
  n.given(7) ? quantized(n, y, 7, n.dtype(0)) : n.out(0, y);
}

// Of packed[rows, ..] the numbers of `bits` bits, `count` a row, the first in the low bits.
Value unpacked(Builder& b, Value packed, int64_t bits, const Index& count) {
  const Index row = Index::var("i0"), at = Index::var("i1");
  const int64_t in_byte = 8 / bits;
  IndexMap map;
  map.coords = {row, floordiv(at, in_byte)};
  const Shape shape = {packed.shape()[0], count};
  const Value bytes =
      b.cast(b.reindex(packed, shape, map, Scalar::of_int(DType::u8, 0)), DType::i32);
  const auto number = [&](int64_t v) { return b.constant_int(DType::i32, v); };
  const Value place = ops::remainder(b, b.iota(DType::i32, {count}, 0), number(in_byte), false);
  const Value low = ops::apply(b, ScalarOp::shr, {bytes, ops::mul(b, place, number(bits))});
  return ops::apply(b, ScalarOp::bit_and, {low, number((1 << bits) - 1)});
}

// weights[N, blocks, bytes]: blocks along K of one scale and zero point each.
void matmul_n_bits(OnnxNode& n) {
  n.need_inputs(3, 6);
  Builder& b = n.builder();
  const int64_t bits = n.integer("bits", 4), k = n.integer("K", 0), rows = n.integer("N", 0),
                block = n.integer("block_size", 0);
  if ((bits != 2 && bits != 4 && bits != 8) || k < 1 || rows < 1 || block < 1)
    n.fail("bits " + std::to_string(bits) + ", K " + std::to_string(k) + ", N " +
           std::to_string(rows) + ", block_size " + std::to_string(block));
  if (n.given(4)) n.fail("group indices (input 4) are not supported");
  const int64_t blocks = (k + block - 1) / block, bytes = block * bits / 8;
  const Value x = n.in(0);
  const auto all = [&](Value v) {  // one for each block -> one for each weight
    IndexMap map;
    map.coords = {Index::var("i0"), floordiv(Index::var("i1"), block)};
    return b.reindex(v, {rows, k}, map, Scalar::of(v.dtype(), 0));
  };
  const Value packed = b.reshape(n.in(1), {rows, blocks * bytes});
  const Value scale = b.cast(b.reshape(n.in(2), {rows, blocks}), DType::f32);
  Value zero = ops::scalar(b, DType::f32, static_cast<double>(1 << (bits - 1)));
  if (n.given(3)) {
    Value own = n.in(3);
    own = own.dtype() == DType::u8
              ? unpacked(b, b.reshape(own, {rows, (blocks * bits + 7) / 8}), bits, blocks)
              : b.reshape(own, {rows, blocks});
    zero = all(b.cast(own, DType::f32));
  }
  const Value numbers = b.cast(unpacked(b, packed, bits, k), DType::f32);
  const Value weights = ops::mul(b, ops::sub(b, numbers, zero), all(scale));
  const Value y = ops::linear(b, x, b.cast(weights, x.dtype()));
  n.out(0, n.given(5) ? ops::add(b, y, n.in(5)) : y);
}

constexpr std::string_view kOne = "i8 u8, f32, i8 u8, f32, i8 u8";

constexpr OnnxOp kOps[] = {
    {"com.microsoft.QLinearAdd", 1, 0, of_two<ops::add>,
     "i8 u8, f32, i8 u8, i8 u8, f32, i8 u8, f32, i8 u8", "sub, mul, add, div, round, cast"},
    {"com.microsoft.QLinearMul", 1, 0, of_two<ops::mul>,
     "i8 u8, f32, i8 u8, i8 u8, f32, i8 u8, f32, i8 u8", "sub, mul, mul, div, round, cast"},
    {"com.microsoft.QLinearSigmoid", 1, 0, of_one<sigmoid>, kOne,
     "sub, mul, sigmoid, div, round, cast"},
    {"com.microsoft.QLinearLeakyRelu", 1, 0, of_one<leaky_relu>, kOne,
     "sub, mul, lt, where, div, round, cast"},
    {"com.microsoft.QLinearSoftmax", 1, 0, of_one<softmax>, kOne,
     "sub, mul, softmax, div, round, cast"},
    {"com.microsoft.QLinearGlobalAveragePool", 1, 0, of_one<global_average_pool>, kOne,
     "sub, mul, reduce add, div, round, cast"},
    {"com.microsoft.QLinearAveragePool", 1, 0, of_one<average_pool>, kOne,
     "sub, mul, reindex with window dimensions, reduce add, div, round, cast"},
    {"com.microsoft.QGemm", 1, 0, qgemm, "i8 u8, f32, i8 u8, i8 u8, f32, i8 u8, i32, f32, i8 u8",
     "contract to i32, add, mul, round, cast"},
    {"com.microsoft.QLinearConcat", 1, 0, concat, "f32 i8 u8",
     "sub, mul, concat, div, round, cast"},
    {"com.microsoft.MatMulIntegerToFloat", 1, 0, matmul_integer_to_float,
     "i8 u8, i8 u8, f32 f16, f32 f16, i8 u8, i8 u8, f32 f16", "contract to i32, cast, mul, add"},
    {"com.microsoft.DynamicQuantizeMatMul", 1, 0, dynamic_quantize_matmul,
     "f32, i8 u8, f32, i8 u8, f32", "as DynamicQuantizeLinear, contract to i32, cast, mul, add"},
    {"com.microsoft.MatMulNBits", 1, 0, matmul_n_bits,
     "f16 bf16 f32, u8, f16 bf16 f32, u8 f16 bf16 f32, i32, f16 bf16 f32",
     "reindex, shr, bit_and, sub, mul, contract, add"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_microsoft_quantize;
const OnnxOpGroup onnx_ops_microsoft_quantize{kOps};

}  // namespace mintor
