// SPDX-License-Identifier: Apache-2.0
// ONNX matrix products and convolutions: everything here is one `contract`, with a bias added after
// it.
#include "compiler/ops/library/integer_sums.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/window.h"

namespace mintor {

namespace {

void matmul(OnnxNode& n) {
  n.need_inputs(2, 2);
  n.out(0, ops::matmul(n.builder(), n.in(0), n.in(1)));
}

void gemm(OnnxNode& n) {
  n.need_inputs(2, 3);
  n.out(0, ops::gemm(n.builder(), n.in(0), n.in(1), n.optional_in(2), n.real("alpha", 1),
                     n.real("beta", 1), n.integer("transA", 0) != 0, n.integer("transB", 0) != 0));
}

void matmul_integer(OnnxNode& n) {
  n.need_inputs(2, 4);
  n.out(0, ops::matmul_integer(n.builder(), n.in(0), n.in(1), n.zero_point(2), n.zero_point(3)));
}

void einsum(OnnxNode& n) {
  n.need_inputs(1, SIZE_MAX);
  std::vector<Value> operands;
  for (size_t i = 0; i < n.inputs(); ++i) operands.push_back(n.in(i));
  n.out(0, ops::einsum(n.builder(), n.text("equation", ""), operands));
}

ops::ConvAttr conv_attr(OnnxNode& n, Value x, Value weight) {
  if (x.shape().size() < 3 || weight.shape().size() != x.shape().size())
    n.fail("x has " + std::to_string(x.shape().size()) + " dimensions, the weight " +
           std::to_string(weight.shape().size()));
  std::vector<int64_t> kernel;
  for (size_t d = 2; d < weight.shape().size(); ++d) {
    if (!weight.shape()[d].is_const()) n.fail("the weight's spatial size must be constant");
    kernel.push_back(weight.shape()[d].value());
  }
  std::vector<int64_t> declared = n.integers("kernel_shape");
  if (!declared.empty() && declared != kernel)
    n.fail("kernel_shape differs from the weight's shape");
  OnnxWindow window = read_window(n, x, kernel);
  return {window.stride, window.dilation, window.pad_before, window.pad_after,
          n.integer("group", 1)};
}

// A window needs a place: a symbolic size is at least what gives one.
void need_windows(OnnxNode& n, Value y) {
  for (size_t d = 2; d < y.shape().size(); ++d) need_size(n.state(), y.shape()[d], 1);
}

Value convolved(OnnxNode& n) {
  Value x = n.in(0), weight = n.in(1);
  Value y = ops::conv(n.builder(), x, weight, n.optional_in(2), conv_attr(n, x, weight));
  need_windows(n, y);
  return y;
}

void conv(OnnxNode& n) {
  n.need_inputs(2, 3);
  n.out(0, convolved(n));
}

// The function that ONNX Runtime's optimizer has put into a convolution.
Value activated(OnnxNode& n, Value y) {
  Builder& b = n.builder();
  const std::string name = n.text("activation", "");
  const std::vector<double> given = n.reals("activation_params");
  const auto parameter = [&](size_t i) {
    if (i >= given.size()) n.fail(printable(name) + " needs more activation_params");
    return given[i];
  };
  const auto number = [&](size_t i) { return ops::scalar(b, y.dtype(), parameter(i)); };
  if (name.empty()) return y;
  if (name == "Relu") return ops::relu(b, y);
  if (name == "Tanh") return ops::apply(b, ScalarOp::tanh, {y});
  if (name == "Sigmoid") return ops::sigmoid(b, y);
  if (name == "LeakyRelu") return ops::leaky_relu(b, y, parameter(0));
  if (name == "Clip") return ops::clip(b, y, number(0), number(1));
  if (name == "HardSigmoid") return ops::hard_sigmoid(b, y, parameter(0), parameter(1));
  n.fail("activation '" + printable(name) +
         "' is none of Relu, Tanh, Sigmoid, LeakyRelu, Clip, HardSigmoid");
}

void fused_conv(OnnxNode& n) {
  n.need_inputs(2, 4);
  Value y = convolved(n);
  if (n.given(3)) y = ops::add(n.builder(), y, n.in(3));
  n.out(0, activated(n, y));
}

// output_shape, where given, decides the padding.
void conv_transpose(OnnxNode& n) {
  n.need_inputs(2, 3);
  Value x = n.in(0), weight = n.in(1);
  std::string auto_pad = n.text("auto_pad", "NOTSET");
  ops::ConvAttr attr = conv_attr(n, x, weight);
  size_t spatial = attr.stride.size();
  std::vector<int64_t> extra = n.integers("output_padding"), wanted = n.integers("output_shape");
  if (extra.empty()) extra.assign(spatial, 0);
  if (extra.size() != spatial || (!wanted.empty() && wanted.size() != spatial))
    n.fail("output_padding and output_shape must have " + std::to_string(spatial) + " entries");
  bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  for (size_t d = 0; d < spatial && (same || !wanted.empty()); ++d) {
    const Index& in = x.shape()[d + 2];
    Index target = wanted.empty() ? in * attr.stride[d] : Index(wanted[d]);
    Index full = Index(attr.stride[d]) * (in - 1) +
                 Index(attr.dilation[d]) * (weight.shape()[d + 2] - 1) + 1 + extra[d];
    Index total = full - target, half = floordiv(total, 2);
    if (total.is_const() &&
        total.value() < 0) {  // larger than what the window reaches: zeros after
      extra[d] -= total.value();
      total = half = 0;
    }
    bool larger_first = auto_pad != "SAME_UPPER";
    attr.pad_before[d] = larger_first ? total - half : half;
    attr.pad_after[d] = larger_first ? half : total - half;
  }
  n.out(0, ops::conv_transpose(n.builder(), x, weight, n.optional_in(2), attr, extra));
}

void conv_integer(OnnxNode& n) {
  n.need_inputs(2, 4);
  Value x = n.in(0), weight = n.in(1);
  Value y = ops::conv_integer(n.builder(), x, weight, n.zero_point(2), n.zero_point(3),
                              conv_attr(n, x, weight));
  need_windows(n, y);
  n.out(0, y);
}

// (x - x_zero) * (w - w_zero), the bias added, times x_scale * w_scale / y_scale, rounded and
// saturated.
void qlinear_conv(OnnxNode& n) {
  n.need_inputs(8, 9);
  Builder& b = n.builder();
  Value x = n.in(0), weight = n.in(3);
  Value sums =
      ops::conv_integer(b, x, weight, n.zero_point(2), n.zero_point(5), conv_attr(n, x, weight));
  need_windows(n, sums);
  const auto channels = [&](Value v) {
    if (v.shape().size() != 1 || v.shape()[0].is_const(1))
      return b.broadcast_to(v.shape().empty() ? v : b.reshape(v, {}), sums.shape());
    return b.broadcast(v, sums.shape(), {1});
  };
  if (n.given(8)) sums = ops::add(b, sums, channels(n.in(8)));
  Value product = ops::mul(b, n.in(1), n.in(4));
  Value scale = ops::div(b, product, n.in(6));
  Value real = ops::mul(b, b.cast(sums, DType::f32), channels(scale));
  Value y = b.apply(ScalarOp::round, {real});
  if (const Value zero = n.zero_point(7)) y = ops::add(b, y, channels(b.cast(zero, DType::f32)));
  n.out(0, b.cast(y, n.dtype(7)));
}

constexpr OnnxOp kOps[] = {
    {"MatMul", 1, 0, matmul, "floats ints", "contract"},
    {"Gemm", 1, 0, gemm, "floats ints", "contract, add"},
    {"MatMulInteger", 10, 0, matmul_integer, "i8 u8", "sub in i16, contract to i32"},
    {"Einsum", 12, 0, einsum, "floats ints", "contract for each pair, reduce add, transpose"},
    {"Conv", 1, 0, conv, "floats", "contract with window axes, add"},
    {"ConvTranspose", 1, 0, conv_transpose, "floats", "contract with off-stride conditions, add"},
    {"com.microsoft.FusedConv", 1, 0, fused_conv, "floats",
     "contract with window axes, add, add, a function"},
    {"ConvInteger", 10, 0, conv_integer, "i8 u8", "sub in i16, contract with window axes"},
    {"QLinearConv", 10, 0, qlinear_conv, "i8 u8, f32, i8 u8, i8 u8, f32, i8 u8, f32, i8 u8, i32",
     "contract to i32, add, mul, round, cast"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_contraction;
const OnnxOpGroup onnx_ops_contraction{kOps};

}  // namespace mintor
