// SPDX-License-Identifier: Apache-2.0
// Rewriting shares nodes as far as two graphs begin alike, and copies from there on; what a Graph
// finds by name it finds in a moment, however many there are. Takes graphs of a few nodes as text.
#include "compiler/graph/rewrite.h"

#include <gtest/gtest.h>

#include <ctime>

#include "compiler/graph/pass.h"
#include "compiler/graph/pipeline.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"

namespace mintor {
namespace {

constexpr const char* kChain =
    "graph g {\n  x = input f32[4]\n  a = neg   f32[4] (x)  @ first\n  b = exp   f32[4] (a)\n"
    "  y = abs   f32[4] (b)\n  results y\n}\n";

Graph with_other(const Graph& graph, ScalarOp from, ScalarOp to) {
  return rewrite(graph,
                 [&](Builder& b, const Node& old,
                     std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (old.kind != Kind::unary || old.as<ScalarAttr>().op != from)
                     return std::nullopt;
                   return std::vector<Value>{b.apply(to, {operands[0]})};
                 });
}

TEST(Rewrite, SharesWhatStays) {
  const Graph before = parse_graph(kChain);
  EXPECT_TRUE(rewrite(before, nullptr).is_same(before));
  const Graph after = with_other(before, ScalarOp::exp, ScalarOp::tanh);
  verify(after);
  ASSERT_EQ(after.nodes().size(), before.nodes().size());
  for (const size_t id : {0, 1}) EXPECT_EQ(after.nodes()[id], before.nodes()[id]);
  for (const size_t id : {2, 3}) EXPECT_NE(after.nodes()[id], before.nodes()[id]);
  EXPECT_FALSE(after.is_same(before));
}

TEST(Rewrite, SharedNodesOutliveTheGraphThatTheyWereMadeIn) {
  std::optional<Graph> before = parse_graph(kChain);
  const Graph after = rewrite(*before, nullptr);
  const std::string text = print(*before);
  before.reset();
  EXPECT_EQ(print(after), text);
}

TEST(Rewrite, AScopeOfASharedNodeBelongsToOneGraph) {
  const Graph before = parse_graph(kChain);
  Graph after = rewrite(before, nullptr);
  const Node* shared = after.nodes()[1].get();
  after.add_scope(shared, "again");
  EXPECT_EQ(after.scopes(shared), (std::vector<std::string>{"again", "first"}));
  EXPECT_EQ(before.scopes(shared), (std::vector<std::string>{"first"}));
  EXPECT_FALSE(after.is_same(before));
}

// What replaced an earlier node is equal to a later one, which therefore is no node of its own.
TEST(Rewrite, ANodeThatIsThereAlreadyIsNotShared) {
  const Graph before = parse_graph(
      "graph g {\n  x = input f32[4]\n  a = neg   f32[4] (x)\n  b = exp   f32[4] (x)  @ second\n"
      "  results a, b\n}\n");
  const Graph after = with_other(before, ScalarOp::neg, ScalarOp::exp);
  verify(after);
  EXPECT_EQ(after.nodes().size(), 2u);
  EXPECT_EQ(after.results[0].value, after.results[1].value);
  EXPECT_EQ(after.scopes(after.results[0].value.node), (std::vector<std::string>{"second"}));
}

TEST(Rewrite, ARegionThatAPassLeavesIsTheSame) {
  const Graph before = parse_graph(
      "graph g {\n  c = input bool[]\n  x = input f32[4]\n  y = if f32[4] (c, x) {\n"
      "    graph yes {\n      v = input f32[4]\n      r = neg f32[4] (v)\n      results r\n    }\n"
      "    graph no {\n      v = input f32[4]\n      results v\n    }\n  }\n  results y\n}\n");
  CompileContext context;
  const Graph after = run_with_regions(find_graph_pass("find_contracts"), context, before);
  EXPECT_TRUE(after.is_same(before));
}

// Well below a second; looking through all nodes for each takes minutes.
TEST(Rewrite, ManyInputsParametersAndSymbols) {
  constexpr int kMany = 20'000;
  const std::clock_t begin = std::clock();
  Graph graph;
  Builder b(graph);
  Value sum = b.full(DType::f32, {Index(2)}, 0);
  for (int i = 0; i < kMany; ++i) {
    const std::string number = std::to_string(i);
    const Value x = b.input("x" + number, DType::f32, {Index(2)});
    const Value w = b.parameter("w" + number, Tensor::zeros(DType::f32, {2}));
    sum = b.apply(ScalarOp::add, {sum, b.apply(ScalarOp::mul, {x, w})});
    graph.updates.push_back({"w" + number, x});
  }
  graph.results = {{"y", sum}};
  verify(graph);
  EXPECT_TRUE(rewrite(graph, nullptr).is_same(graph));
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 10);
}

}  // namespace
}  // namespace mintor
