// SPDX-License-Identifier: Apache-2.0
// ONNX activation functions: attributes and their defaults, then the library operator.
// Takes one node; gives its output. Keeps true: Softmax and its kin before opset 13 work on the
// matrix that `axis` splits the value into.
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"

namespace mintor {

namespace {

template <Value (*function)(Builder&, Value)>
void plain(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, function(n.builder(), n.in(0)));
}

void leaky_relu(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, ops::leaky_relu(n.builder(), n.in(0), n.real("alpha", 0.01)));
}

// Before opset 7 a slope of one dimension was one per channel.
void prelu(OnnxNode& n) {
  n.need_inputs(2, 2);
  Builder& b = n.builder();
  Value slope = n.in(1);
  if (n.opset() < 7 && slope.shape().size() == 1 && n.shape(0).size() > 2 &&
      !slope.shape()[0].is_const(1)) {
    Shape shape(n.shape(0).size() - 1, 1);
    shape[0] = slope.shape()[0];
    slope = b.reshape(slope, shape);
  }
  n.out(0, ops::prelu(b, n.in(0), slope));
}

void thresholded_relu(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, ops::thresholded_relu(n.builder(), n.in(0), n.real("alpha", 1)));
}

void elu(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, ops::elu(n.builder(), n.in(0), n.real("alpha", 1)));
}

void celu(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, ops::celu(n.builder(), n.in(0), n.real("alpha", 1)));
}

void selu(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, ops::selu(n.builder(), n.in(0), n.real("alpha", 1.67326319217681884765625),
                     n.real("gamma", 1.05070102214813232421875)));
}

void hard_sigmoid(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, ops::hard_sigmoid(n.builder(), n.in(0), n.real("alpha", 0.2), n.real("beta", 0.5)));
}

void shrink(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, ops::shrink(n.builder(), n.in(0), n.real("lambd", 0.5), n.real("bias", 0)));
}

void gelu(OnnxNode& n) {
  n.need_inputs(1, 1);
  std::string form = n.text("approximate", "none");
  if (form != "none" && form != "tanh")
    n.fail("approximate '" + printable(form) + "' is neither none nor tanh");
  n.out(0, ops::gelu(n.builder(), n.in(0), form == "tanh"));
}

void swish(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  Value x = n.in(0);
  double alpha = n.real("alpha", 1);
  if (alpha == 1) return n.out(0, ops::silu(b, x));
  n.out(0, ops::mul(b, x, ops::sigmoid(b, ops::mul(b, x, ops::scalar(b, x.dtype(), alpha)))));
}

// Before opset 13 softmax worked on a matrix of the dimensions before and from `axis`.
template <Value (*function)(Builder&, Value, std::vector<int64_t>)>
void softmax(OnnxNode& n) {
  n.need_inputs(1, 1);
  int64_t rank = static_cast<int64_t>(n.shape(0).size());
  int64_t axis = n.integer("axis", n.opset() < 13 ? 1 : -1);
  if (axis < -rank || axis >= std::max<int64_t>(rank, 1))
    n.fail("axis " + std::to_string(axis) + " of a value with " + std::to_string(rank) +
           " dimensions");
  std::vector<int64_t> axes = {axis};
  if (n.opset() < 13) {
    axes.clear();
    for (int64_t d = axis < 0 ? axis + rank : axis; d < rank; ++d) axes.push_back(d);
  }
  n.out(0, function(n.builder(), n.in(0), axes));
}

void hardmax(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  Value x = n.in(0);
  int64_t rank = static_cast<int64_t>(x.shape().size());
  int64_t axis = n.integer("axis", n.opset() < 13 ? 1 : -1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank)
    n.fail("axis " + std::to_string(axis) + " of a value with " + std::to_string(rank) +
           " dimensions");
  Value off = ops::scalar(b, x.dtype(), 0), on = ops::scalar(b, x.dtype(), 1);
  if (n.opset() < 13) {
    Value flat = ops::flatten(b, x, axis);
    Value hot = ops::one_hot(b, ops::arg_max(b, flat, 1, false), flat.shape()[1], off, on, -1);
    return n.out(0, b.reshape(hot, x.shape()));
  }
  n.out(0, ops::one_hot(b, ops::arg_max(b, x, axis, false), x.shape()[static_cast<size_t>(axis)],
                        off, on, axis));
}

constexpr OnnxOp kOps[] = {
    {"Relu", 1, 0, plain<ops::relu>, "floats ints", "relu"},
    {"LeakyRelu", 1, 0, leaky_relu, "floats", "lt, mul, where"},
    {"PRelu", 1, 0, prelu, "floats ints", "lt, mul, where"},
    {"ThresholdedRelu", 10, 0, thresholded_relu, "floats", "gt, where"},
    {"Elu", 1, 0, elu, "floats", "expm1, mul, where"},
    {"Celu", 12, 0, celu, "floats", "expm1, max, min"},
    {"Selu", 1, 0, selu, "floats", "expm1, mul, where"},
    {"Sigmoid", 1, 0, plain<ops::sigmoid>, "floats", "sigmoid"},
    {"HardSigmoid", 1, 0, hard_sigmoid, "floats", "mul, add, clamp"},
    {"HardSwish", 14, 0, plain<ops::hard_swish>, "floats", "mul, add, clamp, mul"},
    {"Swish", 24, 0, swish, "floats", "sigmoid, mul"},
    {"Mish", 18, 0, plain<ops::mish>, "floats", "softplus, tanh, mul"},
    {"Softplus", 1, 0, plain<ops::softplus>, "floats", "abs, neg, exp, log1p, max, add"},
    {"Softsign", 1, 0, plain<ops::softsign>, "floats", "abs, add, div"},
    {"Shrink", 9, 0, shrink, "floats", "lt, gt, add, sub, where"},
    {"Gelu", 20, 0, gelu, "floats", "erf or tanh, add, mul"},
    {"Softmax", 1, 0, softmax<ops::softmax>, "floats", "reduce max, sub, exp, reduce add, div"},
    {"LogSoftmax", 1, 0, softmax<ops::log_softmax>, "floats",
     "reduce max, sub, exp, reduce add, log, sub"},
    {"Hardmax", 1, 0, hardmax, "floats", "reduce argmax, eq, where"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_activation;
const OnnxOpGroup onnx_ops_activation{kOps};

}  // namespace mintor
