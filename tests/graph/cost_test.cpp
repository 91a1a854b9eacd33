// SPDX-License-Identifier: Apache-2.0
// What control flow costs: a loop as often as it runs, a conditional one once, since nobody knows.
// Takes graphs as text; gives their operations.
#include <gtest/gtest.h>

#include "compiler/graph/cost.h"
#include "tests/ir/graph_helper.h"

namespace mintor {
namespace {

int64_t flops(const std::string& head) {
  const Graph graph = parse_graph(
      "graph g (n: 0.. ~ 5) {\n go = input bool[]\n x = input f32[3]\n"
      "each = input f32[n]\n again, y = loop bool[], f32[3] (go, x) " +
      head + R"( {
    graph body {
      i = input i64[]
      go = input bool[]
      x = input f32[3]
      next = neg f32[3] (x)
      results go, next
    }
  }
  results again, y
})");
  return cost_of(graph, typical_symbols(graph)).flops;
}

TEST(Cost, LoopsCountAsOftenAsTheyRun) {
  EXPECT_EQ(flops("trip 4 carried 2 scanned 0"), 4 * 3);
  EXPECT_EQ(flops("trip n carried 2 scanned 0"), 5 * 3);
  EXPECT_EQ(flops("while trip n carried 2"), 3);
  EXPECT_EQ(flops("while carried 2"), 3);
}

// Frames of a signal: a run that has none computes nothing, and says nothing about the orientation
// of a product.
TEST(Cost, TypicalSizesComputeSomething) {
  const auto graph = [](const std::string& symbol) {
    return parse_graph("graph g (" + symbol + ", frames: 0.. = (t + 100) // 160 - 1" + R"() {
  x = input f32[t]
  w = input f32[8, 4]
  f = reindex f32[frames, 8] (x)  [160*i0 + i1] fill 0
  y = contract f32[frames, 4] (f, w)  m = frames, n = 4, k = 8 | x[m, k] y[k, n]
  results y
})");
  };
  EXPECT_EQ(typical_symbols(graph("t: 20..")).at("t"), 320);
  EXPECT_EQ(typical_symbols(graph("t: 20..100")).at("t"), 100);   // it cannot be larger
  EXPECT_EQ(typical_symbols(graph("t: 20.. ~ 30")).at("t"), 30);  // the user says so
}

// An image has sides of hundreds of pixels, where nobody says more; a batch is as small as may be.
TEST(Cost, LinesThatWindowsMoveAlongAreLong) {
  const auto graph = [](const std::string& symbols) {
    return parse_graph(
        "graph g (" + symbols +
        R"(, half: 0.. = (h + 1) // 2) {
  x = input f32[n, 3, h, w]
  k = input f32[8, 3, 3, 3]
  s = reindex f32[n, 3, half, w] (x)  [i0, i1, 2*i2, i3] fill 0
  y = contract f32[n, half, w, 8] (s, k)  b: m = n, i: m = half, j: m = w, o: n = 8, c: k = 3, )"
        "p: window = 3, q: window = 3 | x[b, c, i + p - 1, j + q - 1] y[o, c, p, q]\n"
        "results y\n}");
  };
  const SymbolValues open = typical_symbols(graph("n: 1.., h: 1.., w: 1.. % 32"));
  EXPECT_EQ(open.at("n"), 1);
  EXPECT_EQ(open.at("h"), 320);
  EXPECT_EQ(open.at("half"), 160);
  EXPECT_EQ(open.at("w"), 320);
  const SymbolValues bounded = typical_symbols(graph("n: 1.., h: 400.., w: 8..64 ~ 24"));
  EXPECT_EQ(bounded.at("h"), 400);
  EXPECT_EQ(bounded.at("w"), 24);
}

}  // namespace
}  // namespace mintor
