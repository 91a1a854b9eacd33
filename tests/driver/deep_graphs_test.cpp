// SPDX-License-Identifier: Apache-2.0
// Chains of 20,000 operators through everything that walks a graph, on a stack of 256 KiB: what
// recurses by depth crashes, what is quadratic does not end. Takes chains from an input, from a
// parameter, and with two readers a value. Keeps true: the evaluator and the Program agree by bits.
#include <gtest/gtest.h>
#include <pthread.h>

#include "compiler/codegen/program_emitter.h"
#include "compiler/driver/driver.h"
#include "compiler/driver/package_cases.h"
#include "compiler/graph/cost.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"

namespace mintor {
namespace {

constexpr int kDepth = 20'000;
constexpr size_t kStack = 256 << 10;

// On a thread with a small stack; an exception is the test's failure.
void on_a_small_stack(const std::function<void()>& body) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kStack), 0);
  const std::function<void()> guarded = [&] {
    try {
      body();
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  };
  pthread_t thread;
  const auto start = [](void* given) -> void* {
    (*static_cast<const std::function<void()>*>(given))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, start,
                           const_cast<std::function<void()>*>(&guarded)), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

Value chain(Builder& builder, Value value) {
  constexpr ScalarOp kOps[] = {ScalarOp::neg, ScalarOp::sqrt, ScalarOp::abs, ScalarOp::floor};
  for (int i = 0; i < kDepth; ++i) value = builder.apply(kOps[i % 4], {value});
  return value;
}

void check_whole_way(Graph graph) {
  graph = parse_graph(print(graph));
  verify(graph, Stage::imported);
  EXPECT_GT(cost_of(graph, typical_symbols(graph)).nodes.size(), kDepth * 1u);
  CompileContext context;
  const std::vector<Node const*> ports = inputs_of(graph);
  const Tensor x = Tensor::zeros(DType::f32, {3});
  const Tensor want = evaluate(graph, {{"x", x}}).results[0];
  const Graph optimised = optimise(context, std::move(graph));
  const Program program = build_program(context, optimised, {"reference"});
  EXPECT_TRUE(same_bits(interpret(program, {x}, 0)[0], want));
  EXPECT_GT(emit_program(program, "").units.size(), 1u);
}

TEST(DeepGraphs, AChainFromAnInput) {
  on_a_small_stack([] {
    Graph graph;
    Builder builder(graph);
    graph.results.push_back({"y", chain(builder, builder.input("x", DType::f32, {3}))});
    check_whole_way(std::move(graph));
  });
}

TEST(DeepGraphs, AChainFromAParameter) {
  on_a_small_stack([] {
    Graph graph;
    Builder builder(graph);
    const Value x = builder.input("x", DType::f32, {3});
    // A constant that the text holds: parameters have their bytes in a side file.
    const Value w = builder.constant(Tensor::zeros(DType::f32, {3}));
    const Value made = chain(builder, builder.apply(ScalarOp::add, {w, x}));
    graph.results.push_back({"y", builder.apply(ScalarOp::mul, {x, made})});
    check_whole_way(std::move(graph));
  });
}

TEST(DeepGraphs, AChainWithTwoReadersAValue) {
  on_a_small_stack([] {
    Graph graph;
    Builder builder(graph);
    Value before = builder.input("x", DType::f32, {3}), value = before;
    for (int i = 0; i < kDepth; ++i) {
      const Value next = builder.apply(i % 2 ? ScalarOp::max : ScalarOp::sub, {value, before});
      before = value;
      value = next;
    }
    graph.results.push_back({"y", value});
    check_whole_way(std::move(graph));
  });
}

}  // namespace
}  // namespace mintor
