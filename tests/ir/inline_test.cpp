// SPDX-License-Identifier: Apache-2.0
// Regions inlined: what they bind and need comes with them, under names of their own.
// Takes regions as text; gives values and types of the graph that they are inlined into.
#include <gtest/gtest.h>

#include "compiler/ir/inline.h"
#include "tests/ir/graph_helper.h"

namespace mintor {
namespace {

using test::tensor;
using test::values;
using List = std::vector<double>;

// The numbers below x, and the sum of them in a loop of as many iterations.
constexpr const char* kCounting = R"(graph counting (k: 1..9) {
  x = input i64[]
  b = bind i64[] (x) symbol k 1..9
  all = iota i64[k] dim 0
  zero = constant i64[] 0
  sum = loop i64[] (zero) trip k carried 1 scanned 0 {
    graph body (k: 1..9) {
      i = input i64[]
      s = input i64[]
      n = size i64[] k
      t = add i64[] (s, i)
      next = add i64[] (t, n)
      results next
    }
  }
  results all, sum
})";

TEST(Inline, ARegionBindsNoSymbolTwice) {
  const Graph region = parse_graph(kCounting);
  Graph graph("g");
  Builder b(graph);
  const Value x = b.input("x", DType::i64, {}), y = b.input("y", DType::i64, {});
  const auto of_x = inline_region(b, region, {&x, 1}), of_y = inline_region(b, region, {&y, 1});
  graph.results = {{"xs", of_x[0]}, {"sx", of_x[1]}, {"ys", of_y[0]}, {"sy", of_y[1]}};
  verify(graph);
  EXPECT_EQ(to_string(of_y[0].type()), "i64[k_]");
  const auto of = [](double v) { return tensor(DType::i64, {}, {v}); };
  const Evaluation e = evaluate(parse_graph(print(graph)), {{"x", of(3)}, {"y", of(2)}});
  EXPECT_EQ(values(e.results[0]), (List{0, 1, 2}));
  EXPECT_EQ(values(e.results[1]), (List{3 + 9}));
  EXPECT_EQ(values(e.results[2]), (List{0, 1}));
  EXPECT_EQ(values(e.results[3]), (List{1 + 4}));
}

TEST(Inline, ConditionsOfARegionComeWithIt) {
  const Graph region = parse_graph(
      "graph r (n: 0.., m: 0..) {\n needs n == m + 1\n x = input f32[n]\n y = input f32[m]\n"
      "results x }");
  Graph graph("g");
  graph.add_symbol({"n"});
  graph.add_symbol({"m"});
  Builder b(graph);
  const Value operands[] = {b.input("x", DType::f32, {Index::var("n")}),
                            b.input("y", DType::f32, {Index::var("m")})};
  graph.results = {{"x", inline_region(b, region, operands)[0]}};
  EXPECT_EQ(test::compile_error([&] {
              evaluate(graph, {{"x", Tensor::zeros(DType::f32, {2})},
                               {"y", Tensor::zeros(DType::f32, {2})}});
            }),
            "error: evaluate: n is 2 and m + 1 is 3, they must be equal");
}

}  // namespace
}  // namespace mintor
