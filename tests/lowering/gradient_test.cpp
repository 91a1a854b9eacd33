// SPDX-License-Identifier: Apache-2.0
// Graphs of gradients through both pipelines, bit for bit against the evaluator at every level; and
// that what should become a contract or a gather is one by then.
// Takes library operators, the loss being the sum of their results.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/codegen/target.h"
#include "compiler/contraction/strategy.h"
#include "compiler/grad/grad.h"
#include "compiler/graph/fusion.h"
#include "compiler/graph/pipeline.h"
#include "compiler/ir/text.h"
#include "compiler/loop/lower.h"
#include "compiler/ops/library.h"
#include "tests/lowering/check_chain.h"

namespace mintor {
namespace {

using Make = std::function<Value(Builder&, std::span<const Value>)>;

// Results: the value, and its gradient to each floating-point input.
Graph graph_of(const std::vector<Type>& inputs, const Make& make) {
  Graph graph("gradient");
  Builder b(graph);
  std::vector<Value> xs;
  for (const Type& type : inputs)
    xs.push_back(b.input("x" + std::to_string(xs.size()), type.dtype, type.shape));
  const Value y = make(b, xs);
  const Value g = b.input("g", y.dtype(), y.shape());
  const std::vector<Value> grads = gradients(b, {&y, 1}, {&g, 1}, xs);
  graph.results = {{"y", y}};
  for (size_t i = 0; i < xs.size(); ++i)
    if (is_float(xs[i].dtype())) graph.results.push_back({"g" + std::to_string(i), grads[i]});
  return graph;
}

size_t count(const Graph& graph, Kind kind) {
  size_t found = 0;
  for (const Node* node : live_nodes(graph)) found += node->kind == kind;
  return found;
}

// After the passes, whether any scatter is left, and how many contracts there are.
void expect_kinds(const std::vector<Type>& inputs, const Make& make, size_t scatters,
                  size_t contracts) {
  CompileContext context;
  const Graph after = run_pipeline(context, graph_of(inputs, make));
  EXPECT_EQ(count(after, Kind::reindex_reduce), scatters) << print(after);
  EXPECT_EQ(count(after, Kind::contract), contracts) << print(after);
}

void check(const std::vector<Type>& inputs, const Make& make, size_t scatters, size_t contracts) {
  expect_kinds(inputs, make, scatters, contracts);
  check_chain(graph_of(inputs, make));
}

Type f32(Shape shape) { return {DType::f32, std::move(shape)}; }

TEST(LowerGradients, Convolutions) {
  const ops::ConvAttr cases[] = {
      {{1, 1}, {1, 1}, {1, 1}, {1, 1}},
      {{2, 2}, {1, 1}, {1, 1}, {1, 1}},
      {{1, 2}, {2, 1}, {2, 0}, {1, 1}},
  };
  for (const ops::ConvAttr& attr : cases)
    check(
        {f32({2, 3, 8, 9}), f32({17, 3, 3, 3})},
        [&](Builder& b, std::span<const Value> x) { return ops::conv(b, x[0], x[1], {}, attr); }, 0,
        3);
  ops::ConvAttr grouped = cases[0];
  grouped.groups = 2;
  check(
      {f32({1, 4, 5, 5}), f32({6, 2, 3, 3})},
      [&](Builder& b, std::span<const Value> x) { return ops::conv(b, x[0], x[1], {}, grouped); },
      0, 3);
  grouped.groups = 4;
  check(
      {f32({1, 4, 5, 5}), f32({4, 1, 3, 3})},
      [&](Builder& b, std::span<const Value> x) { return ops::conv(b, x[0], x[1], {}, grouped); },
      0, 3);
}

// Kernels of a level whose contract no strategy took but the last.
std::vector<std::string> on_generic_loops(Graph graph, const TargetInfo& level) {
  CompileContext context;
  context.options.explain = true;
  const Graph after = run_pipeline(context, std::move(graph));
  for (const Group& group : fuse(after).groups) {
    Kernel kernel = lower(after, group);
    schedule(context, after, group, level, kernel);
  }
  std::vector<std::string> found;
  for (const std::string& line : context.explanations)
    if (line.find(": generic_loops:") != std::string::npos) found.push_back(line);
  return found;
}

// A convolution of few channels and its gradients have tiles, too, whichever side is narrow.
TEST(LowerGradients, FewChannels) {
  TargetInfo level = find_level("v4");
  const auto check_tiles = [&](const std::vector<Type>& inputs, const Make& make) {
    check_chain(graph_of(inputs, make), {}, level.l2_bytes);
    EXPECT_EQ(on_generic_loops(graph_of(inputs, make), level), std::vector<std::string>{});
  };
  struct Case {
    int64_t stride, in, out;
  };
  for (const auto [stride, in, out] : {Case{1, 17, 3}, {1, 17, 1}, {2, 17, 1}, {2, 3, 2}}) {
    const ops::ConvAttr attr{{stride, stride}, {1, 1}, {1, 1}, {1, 1}};
    check_tiles(
        {f32({1, in, 5, 6}), f32({out, in, 3, 3})},
        [&](Builder& b, std::span<const Value> x) { return ops::conv(b, x[0], x[1], {}, attr); });
    check_tiles({f32({1, in, 3, 4}), f32({in, out, 4, 4})},
                [&](Builder& b, std::span<const Value> x) {
                  return ops::conv_transpose(b, x[0], x[1], {}, attr, {});
                });
  }
  // 17 channels leave 15 lanes of 32 unused: the weight gradient's vectors run along the input's,
  // which windows leave, so that it is transposed.
  check_tiles({f32({1, 32, 1030}), f32({17, 32, 2})}, [](Builder& b, std::span<const Value> x) {
    return ops::conv(b, x[0], x[1], {}, {{}, {}, {1}, {1}});
  });
  level.l2_bytes = 64;  // tasks are pieces of the one column
  check_tiles({f32({1, 17, 90, 6}), f32({1, 17, 3, 3})}, [](Builder& b, std::span<const Value> x) {
    return ops::conv(b, x[0], x[1], {}, {{}, {}, {1, 1}, {1, 1}});
  });
}

// Of a weight the gradient's vectors run along the side with more channels.
TEST(LowerGradients, VectorsOfAWeightAreFilled) {
  const auto last_axis = [](int64_t in, int64_t out) {
    const Graph graph = graph_of(
        {f32({1, in, 40, 40}), f32({out, in, 3, 3})},
        [](Builder& b, std::span<const Value> x) { return ops::conv(b, x[0], x[1], {}, {}); });
    for (const Node* node : live_nodes(graph)) {
      if (node->kind != Kind::contract) continue;
      const auto& axes = node->as<Contract>().axes;
      if (std::ranges::find(axes, AxisRole::window, &ContractAxis::role) == axes.end())
        return node->results[0].shape.back().value();
    }
    return int64_t{0};
  };
  EXPECT_EQ(last_axis(17, 3), 17);
  EXPECT_EQ(last_axis(3, 17), 17);
  EXPECT_EQ(last_axis(18, 17), 17);  // both fill vectors: the one without windows
}

TEST(LowerGradients, Matmul) {
  const auto matmul = [](Builder& b, std::span<const Value> x) {
    return ops::matmul(b, x[0], x[1]);
  };
  check({f32({5, 19}), f32({19, 33})}, matmul, 0, 3);
  check({f32({2, 3, 5, 7}), f32({2, 3, 7, 17})}, matmul, 0, 3);
  check({f32({4, 5, 7}), f32({7, 17})}, matmul, 0, 3);
}

TEST(LowerGradients, Normalisations) {
  check(
      {f32({3, 37})},
      [](Builder& b, std::span<const Value> x) { return ops::softmax(b, x[0], {1}); }, 0, 0);
  check(
      {f32({3, 37}), f32({37}), f32({37})},
      [](Builder& b, std::span<const Value> x) {
        return ops::layer_norm(b, x[0], x[1], x[2], 1, 1e-5);
      },
      0, 0);
}

TEST(LowerGradients, Pools) {
  const ops::PoolAttr cases[] = {
      {{2, 2}, {2, 2}, {}, {}, {}},
      {{3, 3}, {2, 2}, {}, {1, 1}, {1, 1}},
  };
  for (const ops::PoolAttr& attr : cases) {
    check(
        {f32({1, 3, 8, 9})},
        [&](Builder& b, std::span<const Value> x) { return ops::max_pool(b, x[0], attr); }, 1, 0);
    check(
        {f32({1, 3, 8, 9})},
        [&](Builder& b, std::span<const Value> x) { return ops::avg_pool(b, x[0], attr); }, 0, 0);
  }
}

TEST(LowerGradients, MovingElements) {
  check(
      {f32({5, 18})},
      [](Builder& b, std::span<const Value> x) {
        const Value moved = b.reshape(b.transpose(x[0], {1, 0}), {9, 10});
        return b.slice(moved, {1, 0}, {4, 5}, {2, 2});
      },
      0, 0);
  check(
      {f32({7, 18}), {DType::i64, {5}}},
      [](Builder& b, std::span<const Value> x) { return ops::take(b, x[0], x[1], 0); }, 1, 0);
}

TEST(LowerGradients, SymbolicSizes) {
  const Index n = Index::var("batch"), t = Index::var("time");
  const auto check_symbolic = [&](const std::vector<Type>& inputs, const Make& make,
                                  size_t scatters, size_t contracts) {
    expect_kinds(inputs, make, scatters, contracts);
    for (int64_t size : {1, 3}) check_chain(graph_of(inputs, make), {{"batch", size}, {"time", 5}});
  };
  check_symbolic(
      {f32({n, t, 24}), f32({24, 8})},
      [&](Builder& b, std::span<const Value> x) {
        const Value rows = b.reshape(x[0], {n * t, 24});
        const Value y = b.reshape(ops::matmul(b, rows, x[1]), {n, t, 2, 4});
        return b.transpose(y, {0, 2, 1, 3});
      },
      0, 3);
  check_symbolic(
      {f32({n, 2, 8, 8}), f32({4, 2, 3, 3})},
      [&](Builder& b, std::span<const Value> x) {
        const Value y = ops::conv(b, x[0], x[1], {}, {{}, {}, {1, 1}, {1, 1}, 1});
        return ops::flatten(b, ops::max_pool(b, y, {{2, 2}, {2, 2}, {}, {}, {}}), 1);
      },
      1, 3);
  const Index twice[] = {2, 1};
  check_symbolic(
      {f32({n, t})},
      [&](Builder& b, std::span<const Value> x) {
        return b.reshape(ops::tile(b, x[0], twice), {n * t * 2});
      },
      0, 0);
}

TEST(LowerGradients, TwoLayers) {
  check(
      {f32({50, 1}), f32({1, 10}), f32({10}), f32({10, 1}), f32({1})},
      [](Builder& b, std::span<const Value> v) {
        Value h = ops::add(b, ops::matmul(b, v[0], v[1]), v[2]);
        const Value y = ops::add(b, ops::matmul(b, ops::relu(b, h), v[3]), v[4]);
        return ops::reduce(b, ops::Reduction::mean, ops::mul(b, y, y), {}, false);
      },
      0, 6);
}

}  // namespace
}  // namespace mintor
