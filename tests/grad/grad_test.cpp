// SPDX-License-Identifier: Apache-2.0
// The walk: what flows where, what is added up, what stops it, and what is refused.
// Takes small graphs with known derivatives; symbolic sizes and a small network by differences.
#include "compiler/grad/grad.h"

#include <gtest/gtest.h>

#include <limits>

#include "compiler/ops/library.h"
#include "tests/grad/check.h"
#include "tests/ir/graph_helper.h"

namespace mintor::test {
namespace {

struct Fixture : testing::Test {
  Graph graph{"test"};
  Builder b{graph};
  Value x = b.input("x", DType::f64, {2});
  Value one = b.full(DType::f64, {2}, 1);

  Value mul(Value p, Value q) { return b.apply(ScalarOp::mul, {p, q}); }
  std::vector<double> at(Value v, std::vector<double> data = {3, 5}) {
    graph.results = {{"r", v}};
    verify(graph);
    return values(evaluate(graph, {{"x", tensor(DType::f64, {2}, data)}}).results[0]);
  }
  std::vector<Value> grad(Value y, std::vector<Value> xs, std::vector<Value> stops = {}) {
    return gradients(b, {&y, 1}, {&one, 1}, xs, stops);
  }
};
using GradWalk = Fixture;
using List = std::vector<double>;

TEST_F(GradWalk, ValuesInBetweenAndThemselves) {
  const Value a = mul(x, x), y = mul(a, x);
  const auto g = grad(y, {x, a, y});
  EXPECT_EQ(at(g[0]), (List{27, 75}));  // through a, too
  EXPECT_EQ(at(g[1]), (List{3, 5}));
  EXPECT_EQ(at(g[2]), (List{1, 1}));
}

TEST_F(GradWalk, WhatIsNotReachedIsZero) {
  const Value other = b.input("other", DType::f32, {3}), whole = b.input("n", DType::i64, {2});
  const auto g = grad(mul(x, x), {other, whole});
  EXPECT_EQ(to_string(g[0].type()), "f32[3]");
  EXPECT_EQ(to_string(g[1].type()), "i64[2]");
  graph.results = {{"a", g[0]}, {"b", g[1]}};
  const auto r = evaluate(graph, {{"x", tensor(DType::f64, {2}, {1, 2})},
                                  {"other", tensor(DType::f32, {3}, {1, 2, 3})},
                                  {"n", tensor(DType::i64, {2}, {1, 2})}})
                     .results;
  EXPECT_EQ(values(r[0]), (List{0, 0, 0}));
  EXPECT_EQ(values(r[1]), (List{0, 0}));
}

TEST_F(GradWalk, SeveralResultsAddUp) {
  const Value a = mul(x, x), ys[] = {a, x}, gs[] = {one, mul(one, b.full(DType::f64, {2}, 10))};
  EXPECT_EQ(at(gradients(b, ys, gs, {&x, 1})[0]), (List{16, 20}));
}

TEST_F(GradWalk, StopsAreConstants) {
  const Value a = mul(x, x), y = mul(a, x);
  const auto g = grad(y, {x, a}, {a});
  EXPECT_EQ(at(g[0]), (List{9, 25}));
  EXPECT_EQ(at(g[1]), (List{3, 5}));
}

TEST_F(GradWalk, StorageTypesSumInF32) {
  const Value h = b.input("h", DType::bf16, {});
  const Value wide = b.cast(h, DType::f32);
  Value y = b.apply(ScalarOp::mul, {wide, b.constant(DType::f32, 256)});
  y = b.apply(ScalarOp::add, {y, wide});
  y = b.apply(ScalarOp::add, {y, b.cast(b.broadcast(h, {}, {}), DType::f32)});
  const Value seed = b.constant(DType::f32, 1);
  const Value g = gradients(b, {&y, 1}, {&seed, 1}, {&h, 1})[0];
  EXPECT_EQ(g.dtype(), DType::bf16);
  graph.results = {{"g", g}};
  EXPECT_EQ(
      evaluate(graph, {{"x", tensor(DType::f64, {2}, {0, 0})}, {"h", tensor(DType::bf16, {}, {1})}})
          .results[0]
          .at(0)
          .f,
      258);
}

TEST_F(GradWalk, NodesSayWhatTheyAreGradientsOf) {
  Value y;
  {
    const Builder::Scope scope(b, "layer1/scale");
    y = mul(x, b.full(DType::f64, {2}, 7));
  }
  const Value g = grad(y, {x})[0];
  EXPECT_EQ(graph.scopes(g.node), std::vector<std::string>{"layer1/scale/grad"});
}

TEST_F(GradWalk, RefusalsNameTheNode) {
  Value y;
  {
    const Builder::Scope scope(b, "layer1");
    const Type type = x.type();
    y = b.code({&x, 1}, {type}, "void f();", "")[0];
  }
  EXPECT_EQ(compile_error([&] { grad(y, {x}); }),
            "error: gradient of code: the user's code has no gradient of its operand 0: f64[2]\n"
            "  at layer1\n  help: give gradient=[...] with a source for that operand, or stop the "
            "gradient there");
  EXPECT_EQ(at(grad(mul(x, y), {y}, {y})[0]), (List{3, 5}));  // not passed: not refused
  const Value scalar = b.constant(DType::f64, 1);
  EXPECT_EQ(compile_error([&] { gradients(b, {&x, 1}, {&scalar, 1}, {&x, 1}); }),
            "error: grad: gradient 0 is f64[], its value f64[2]");
}

// A region of one input x f64[2], made by f.
std::shared_ptr<const Graph> region(const std::function<void(Graph&, Builder&)>& f) {
  auto made = std::make_shared<Graph>("region");
  Builder inside(*made);
  f(*made, inside);
  return made;
}

TEST_F(GradWalk, CallsHaveTheirOwnGradientOrThatOfTheBody) {
  const auto square = region([](Graph& g, Builder& in) {
    const Value v = in.input("v", DType::f64, {2});
    g.results = {{"y", in.apply(ScalarOp::mul, {v, v})}};
  });
  EXPECT_EQ(at(grad(b.call({&x, 1}, square)[0], {x})[0]), (List{6, 10}));
  const auto negative = region([](Graph& g, Builder& in) {
    in.input("v", DType::f64, {2});
    in.input("y", DType::f64, {2});
    g.results = {{"gv", in.apply(ScalarOp::neg, {in.input("g", DType::f64, {2})})}};
  });
  EXPECT_EQ(at(grad(b.call({&x, 1}, square, negative)[0], {x})[0]), (List{-1, -1}));
  const Value stopped = b.call({&x, 1}, square, region([](Graph&, Builder&) {}))[0];
  EXPECT_EQ(at(grad(mul(stopped, x), {x})[0]), (List{9, 25}));
  EXPECT_EQ(at(grad(mul(ops::stop_gradient(b, mul(x, x)), x), {x})[0]), (List{9, 25}));
  const auto product = region([](Graph& g, Builder& in) {
    const Value v = in.input("v", DType::f64, {2}), w = in.input("w", DType::f64, {2});
    g.results = {{"y", in.apply(ScalarOp::mul, {v, w})}};
  });
  const Value twice[] = {x, x};
  EXPECT_EQ(at(grad(b.call(twice, product)[0], {x})[0]), (List{6, 10}));
}

TEST(Grad, TheFirstExtremumGetsAll) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  using Rows = std::vector<double>;
  const auto gradient = [](Combiner f, const Rows& data, std::vector<int32_t> dims) {
    Graph graph;
    Builder b(graph);
    const Value x = b.input("x", DType::f64, {2, 3});
    const Value y = b.reduce(f, x, std::move(dims)), g = b.full(DType::f64, y.shape(), 1);
    graph.results = {{"g", gradients(b, {&y, 1}, {&g, 1}, {&x, 1})[0]}};
    return values(evaluate(graph, {{"x", tensor(DType::f64, {2, 3}, data)}}).results[0]);
  };
  EXPECT_EQ(gradient(Combiner::max, {1, 3, 3, 3, 0, 3}, {1}), (Rows{0, 1, 0, 1, 0, 0}));
  EXPECT_EQ(gradient(Combiner::max, {1, 3, 3, 3, 0, 3}, {0, 1}), (Rows{0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(gradient(Combiner::max, {1, 3, 3, 3, 0, 3}, {1, 0}), (Rows{0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(gradient(Combiner::min, {0, -0.0, 1, 5, kNan, kNan}, {1}), (Rows{1, 0, 0, 0, 1, 0}));
}

TEST(Grad, SymbolicSizes) {
  for (int64_t n : {1, 3})
    check_gradients({{DType::f64, {n, 2}, {}, -2, 2, {Index::var("rows"), 2}}, f64({2, 3})},
                    [](Builder& b, std::span<const Value> x) -> std::vector<Value> {
                      const Value y = ops::matmul(b, x[0], x[1]);
                      const Value flat = b.reshape(y, {Index::var("rows") * 3});
                      return {ops::softmax(b, flat, {0}),
                              ops::matmul(b, y, b.transpose(y, {1, 0}))};
                    });
}

TEST(Grad, TwoLayersAndMeanSquaredError) {
  check_gradients({f64({5, 1}), f64({1, 4}), f64({4}), f64({4, 1}), f64({1}), f64({5, 1})},
                  [](Builder& b, std::span<const Value> v) -> std::vector<Value> {
                    Value h = ops::add(b, ops::matmul(b, v[0], v[1]), v[2]);
                    h = ops::apply(b, ScalarOp::tanh, {h});
                    const Value y = ops::add(b, ops::matmul(b, h, v[3]), v[4]);
                    const Value d = ops::sub(b, y, v[5]);
                    return {ops::reduce(b, ops::Reduction::mean, ops::mul(b, d, d), {}, false)};
                  });
}

}  // namespace
}  // namespace mintor::test
