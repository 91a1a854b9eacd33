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

}  // namespace
}  // namespace mintor
