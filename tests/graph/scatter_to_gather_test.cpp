// SPDX-License-Identifier: Apache-2.0
// Scatters before and after scatter_to_gather: equal values for random maps, and which maps are
// inverted at all. Takes maps as gradients and library operators make them, and mixtures of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "compiler/graph/pass.h"
#include "compiler/graph/pipeline.h"
#include "tests/ir/graph_helper.h"

namespace mintor::test {
namespace {

bool has_scatter(const Graph& graph) {
  return std::ranges::any_of(live_nodes(graph),
                             [](const Node* n) { return n->kind == Kind::reindex_reduce; });
}

// Whole numbers, so that sums in another order are equal.
Tensor numbers(std::vector<int64_t> shape, int start) {
  int64_t count = 1;
  for (int64_t e : shape) count *= e;
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<double>((i * 7 + start) % 11 - 5));
  return tensor(DType::f64, std::move(shape), values);
}

// The graph after the pass, once its value is found to be the same.
Graph checked(Combiner combiner, std::vector<int64_t> result, std::vector<int64_t> written,
              const IndexMap& map, bool from_zero = false) {
  Graph graph("scatter");
  Builder b(graph);
  const Value y = b.input("y", DType::f64, Shape(written.begin(), written.end()));
  const Shape shape(result.begin(), result.end());
  const Value init = from_zero ? b.full(DType::f64, shape, 0) : b.input("init", DType::f64, shape);
  graph.results = {{"z", b.reindex_reduce(combiner, init, y, map)}};
  CompileContext context;
  Graph after = find_graph_pass("scatter_to_gather").run(context, graph);
  verify(after);
  const std::map<std::string, Tensor> all = {{"y", numbers(written, 3)},
                                             {"init", numbers(result, 8)}};
  std::map<std::string, Tensor> inputs;
  for (const Node* node : inputs_of(graph))
    inputs[node->as<InputAttr>().name] = all.at(node->as<InputAttr>().name);
  EXPECT_EQ(values(evaluate(graph, inputs).results[0]), values(evaluate(after, inputs).results[0]))
      << print(graph) << print(after);
  return after;
}

IndexMap map_of(std::vector<std::string> coords, std::vector<IndexCondition> conditions = {}) {
  IndexMap map;
  for (const std::string& c : coords) map.coords.push_back(parse_index(c));
  map.conditions = std::move(conditions);
  return map;
}

TEST(ScatterToGather, MapsWithOneWriter) {
  struct Case {
    std::vector<int64_t> result, written;
    std::vector<std::string> coords;
  };
  const Case cases[] = {
      {{3, 2}, {2, 3}, {"i1", "i0"}},
      {{6}, {2, 3}, {"3*i0 + i1"}},
      {{4, 3}, {2, 6}, {"(6*i0 + i1) // 3", "(6*i0 + i1) % 3"}},
      {{7}, {3}, {"2*i0 + 1"}},
      {{7}, {3}, {"-3*i0 + 6"}},
      {{4}, {6}, {"i0 - 1"}},
      {{2, 5}, {4}, {"1", "i0"}},
      {{9}, {2, 3}, {"4*i0 + i1"}},
  };
  for (const Case& c : cases)
    for (Combiner f : {Combiner::add, Combiner::mul, Combiner::min, Combiner::max, Combiner::last})
      EXPECT_FALSE(has_scatter(checked(f, c.result, c.written, map_of(c.coords))));
}

TEST(ScatterToGather, SeveralWritersAreReduced) {
  for (Combiner f : {Combiner::add, Combiner::mul, Combiner::min, Combiner::max}) {
    EXPECT_FALSE(has_scatter(checked(f, {9}, {4, 3}, map_of({"2*i0 + i1 + -1"}))));
    EXPECT_FALSE(has_scatter(checked(f, {9}, {4, 3}, map_of({"3*i0 + 2*i1 + -2"}))));
    EXPECT_FALSE(has_scatter(checked(f, {4}, {8}, map_of({"i0 // 2"}))));
    EXPECT_FALSE(has_scatter(checked(f, {4}, {10}, map_of({"i0 % 4"}))));
    EXPECT_FALSE(has_scatter(checked(f, {3}, {3, 4}, map_of({"i0"}))));
    EXPECT_FALSE(
        has_scatter(checked(f, {3}, {3, 4}, map_of({"i0"}, {{parse_index("i0 + i1"), Index(4)}}))));
  }
  // The last of several is not told.
  EXPECT_TRUE(has_scatter(checked(Combiner::last, {4}, {8}, map_of({"i0 // 2"}))));
}

TEST(ScatterToGather, WhatIsNotToBeSolvedStays) {
  EXPECT_TRUE(has_scatter(checked(Combiner::add, {4}, {8}, map_of({"min(i0, 3)"}))));
  EXPECT_TRUE(has_scatter(checked(Combiner::add, {64}, {8, 8}, map_of({"i0*i1"}))));
}

TEST(ScatterToGather, ZeroIsNotAdded) {
  const Graph after = checked(Combiner::add, {3, 2}, {2, 3}, map_of({"i1", "i0"}), true);
  EXPECT_EQ(after.nodes().size(), 2u);  // y and its transpose
}

// A coordinate of up to three variables with small coefficients, sometimes divided.
std::string random_coordinate(std::mt19937& random, size_t rank) {
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  std::string sum = std::to_string(below(5) - 2);
  for (size_t d = 0; d < rank; ++d)
    if (below(2) != 0) sum += " + " + std::to_string(below(7) - 2) + "*i" + std::to_string(d);
  switch (below(4)) {
    case 0:
      return "(" + sum + ") // " + std::to_string(1 + below(3));
    case 1:
      return "(" + sum + ") % " + std::to_string(2 + below(3)) + " + i0";
    default:
      return sum;
  }
}

TEST(ScatterToGather, RandomMaps) {
  int inverted = 0;
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<int64_t> result, written;
    for (size_t d = 1 + random() % 3; d > 0; --d) written.push_back(1 + random() % 4);
    for (size_t d = 1 + random() % 2; d > 0; --d) result.push_back(1 + random() % 6);
    IndexMap map;
    for (size_t d = 0; d < result.size(); ++d)
      map.coords.push_back(parse_index(random_coordinate(random, written.size())));
    if (random() % 3 == 0)
      map.conditions.push_back({parse_index(random_coordinate(random, written.size())),
                                Index(static_cast<int>(1 + random() % 3))});
    const Combiner combiners[] = {Combiner::add, Combiner::max, Combiner::last};
    inverted += !has_scatter(checked(combiners[random() % 3], result, written, map));
    if (HasFailure()) return;
  }
  EXPECT_GT(inverted, 1000);
}

}  // namespace
}  // namespace mintor::test
