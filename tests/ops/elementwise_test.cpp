// SPDX-License-Identifier: Apache-2.0
// Broadcasting, activation functions, quantisation, scopes.
// Functions are compared with their definition in f64, for f32, f64 and f16.
#include <algorithm>
#include <cmath>

#include "tests/ops/ops_helper.h"

namespace mintor::test {
namespace {

const std::vector<double> kX = {-3, -1, -0.5, 0, 0.5, 1, 4};

void expect_function(const std::function<Value(Builder&, Value)>& op,
                     const std::function<double(double)>& wanted) {
  for (DType dtype : {DType::f32, DType::f64, DType::f16}) {
    Op o;
    Value y = op(o.b, o.of(dtype, {7}, kX));
    EXPECT_EQ(y.dtype(), dtype);
    std::vector<double> expected;
    for (double x : kX) expected.push_back(wanted(x));
    expect_near(o.list(y), expected, dtype == DType::f16 ? 4e-3 : 2e-6);
  }
}

TEST(activations, follow_their_definitions) {
  auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  auto elu = [](double x, double a) { return x > 0 ? x : a * std::expm1(x); };
  expect_function(ops::relu, [](double x) { return std::max(x, 0.0); });
  expect_function([](Builder& b, Value x) { return ops::leaky_relu(b, x, 0.1); },
                  [](double x) { return x < 0 ? 0.1 * x : x; });
  expect_function([](Builder& b, Value x) { return ops::elu(b, x, 2); },
                  [&](double x) { return elu(x, 2); });
  expect_function([](Builder& b, Value x) { return ops::celu(b, x, 2); },
                  [](double x) { return x > 0 ? x : 2 * std::expm1(x / 2); });
  expect_function([](Builder& b, Value x) { return ops::selu(b, x, 1.5, 2); },
                  [&](double x) { return 2 * elu(x, 1.5); });
  expect_function([](Builder& b, Value x) { return ops::thresholded_relu(b, x, 0.75); },
                  [](double x) { return x > 0.75 ? x : 0; });
  expect_function(ops::sigmoid, sigmoid);
  expect_function([](Builder& b, Value x) { return ops::hard_sigmoid(b, x, 0.25, 0.5); },
                  [](double x) { return std::clamp(0.25 * x + 0.5, 0.0, 1.0); });
  expect_function(ops::hard_swish, [](double x) { return x * std::clamp(x / 6 + 0.5, 0.0, 1.0); });
  expect_function(ops::silu, [&](double x) { return x * sigmoid(x); });
  expect_function(ops::softplus, [&](double x) { return softplus(x); });
  expect_function(ops::mish, [&](double x) { return x * std::tanh(softplus(x)); });
  expect_function(ops::softsign, [](double x) { return x / (1 + std::abs(x)); });
  expect_function([](Builder& b, Value x) { return ops::shrink(b, x, 0.75, 0.25); },
                  [](double x) { return x < -0.75 ? x + 0.25 : (x > 0.75 ? x - 0.25 : 0); });
  expect_function([](Builder& b, Value x) { return ops::gelu(b, x, false); },
                  [](double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); });
  expect_function(
      [](Builder& b, Value x) { return ops::gelu(b, x, true); },
      [](double x) {
        return x / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
      });
}

TEST(activations, softplus_does_not_overflow) {
  Op op;
  EXPECT_EQ(op.list(ops::softplus(op.b, op.f32({2}, {500, -500}))), (std::vector<double>{500, 0}));
}

TEST(prelu, slope_broadcasts) {
  Op op;
  EXPECT_EQ(op.list(ops::prelu(op.b, op.f32({2, 2}, {-1, -2, 3, -4}), op.f32({2}, {2, 10}))),
            (std::vector<double>{-2, -20, 3, -40}));
}

TEST(elementwise, broadcasts_like_numpy) {
  Op op;
  Index n = op.symbol("n");
  Value x = op.in(tensor(DType::f32, {2, 1}, {1, 2}), {n, 1});
  Value y = ops::add(op.b, x, op.f32({3}, {10, 20, 30}));
  EXPECT_EQ(y.shape(), (Shape{n, 3}));
  EXPECT_EQ(op.list(y), (std::vector<double>{11, 21, 31, 12, 22, 32}));
}

TEST(elementwise, half_rounds_once) {
  Op op;
  Value y = ops::add(op.b, op.of(DType::f16, {1}, {2048}), op.of(DType::f16, {1}, {1.5}));
  EXPECT_EQ(y.dtype(), DType::f16);
  EXPECT_EQ(op.list(y), std::vector<double>{2050});
}

TEST(elementwise, errors_name_types) {
  Op op;
  std::string text = error_of([&] { ops::add(op.b, op.f32({2}), op.of(DType::i32, {2}, {1, 2})); });
  EXPECT_NE(text.find("error: add: operands of different dtypes: f32[2] and i32[2]"),
            std::string::npos)
      << text;
  text = error_of([&] { ops::add(op.b, op.f32({2}), op.f32({3})); });
  EXPECT_NE(text.find("f32[2], f32[3]"), std::string::npos) << text;
}

TEST(clip, bounds_may_be_missing) {
  Op both, low;
  EXPECT_EQ(
      both.list(ops::clip(both.b, both.f32({3}, {-9, 2, 9}), ops::scalar(both.b, DType::f32, 0),
                          ops::scalar(both.b, DType::f32, 6))),
      (std::vector<double>{0, 2, 6}));
  EXPECT_EQ(
      low.list(ops::clip(low.b, low.f32({3}, {-9, 2, 9}), ops::scalar(low.b, DType::f32, 0), {})),
      (std::vector<double>{0, 2, 9}));
}

TEST(quantize, rounds_half_even_and_saturates) {
  Op op;
  Value x = op.f32({6}, {0.5, 1.5, -0.5, 300, -300, 2.4});
  Value q =
      ops::quantize_linear(op.b, x, op.f32({}, {1}), op.of(DType::u8, {}, {128}), DType::u8, 0);
  EXPECT_EQ(op.list(q), (std::vector<double>{128, 130, 128, 255, 0, 130}));
  EXPECT_EQ(
      op.list(ops::dequantize_linear(op.b, q, op.f32({}, {0.5}), op.of(DType::u8, {}, {128}), 0)),
      (std::vector<double>{0, 1, 0, 63.5, -64, 1}));
}

TEST(quantize, per_axis_and_dynamic) {
  Op axis;
  Value q = ops::quantize_linear(axis.b, axis.f32({2, 2}, {2, 4, 30, 40}), axis.f32({2}, {2, 10}),
                                 {}, DType::i8, 0);
  EXPECT_EQ(axis.list(q), (std::vector<double>{1, 2, 3, 4}));
  Op dynamic;
  ops::DynamicQuantized d = ops::dynamic_quantize_linear(dynamic.b, dynamic.f32({3}, {-1, 0, 254}));
  EXPECT_EQ(dynamic.list(d.y), (std::vector<double>{0, 1, 255}));
  EXPECT_EQ(dynamic.list(d.scale), std::vector<double>{1});
  EXPECT_EQ(dynamic.list(d.zero), std::vector<double>{1});
}

TEST(scopes, are_left_once) {
  Op op;
  Value x = op.f32({1, 2, 4}), w = op.f32({3, 2, 3});
  {
    Builder::Scope scope(op.b, "layer1/conv1/Conv");
    Value y = ops::conv(op.b, x, w, {}, {});
    EXPECT_EQ(op.graph.scopes(y.node), std::vector<std::string>{"layer1/conv1/Conv"});
  }
  Value z = ops::softmax(op.b, x, {-1});
  EXPECT_EQ(op.graph.scopes(z.node), std::vector<std::string>{"softmax"});
}

}  // namespace
}  // namespace mintor::test
