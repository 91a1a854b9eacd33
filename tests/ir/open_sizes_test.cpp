// SPDX-License-Identifier: Apache-2.0
// Sizes that branches and loops decide: what defines them, what the verifier refuses, what the
// evaluator makes of them. Takes graphs as text; gives pass or fail.
#include "compiler/ir/open_sizes.h"

#include <gtest/gtest.h>

#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

// Carries x, of size n, and stacks; `next` and `slice` are what an iteration gives.
std::string loop(const std::string& types, const std::string& before, const std::string& body) {
  return "graph g (n: 0.., grown: 0.., slices: 0..) {\n  x = input f32[n]\n  y, ys = loop " +
         types + " (x) trip 3 carried 1 scanned 0 {\n    graph body (n: 0.., p: 0.., k: 0..) {\n" +
         "      t = input i64[]\n      v = input f32[" + before + "]\n" + body +
         "\n    }\n  }\n  results y, ys\n}";
}

constexpr const char* kTwice = R"(      w = concat f32[2*p] (v, v) dim 0
      f = iota f32[2] dim 0
      results w, f)";

std::string refusal(const std::string& text) {
  try {
    parse_graph(text);
  } catch (const CompileError& error) {
    return error.what();
  }
  return "";
}

const Node& loop_of(const Graph& graph) { return *graph.results[0].value.node; }

TEST(OpenSizes, AreSymbolsThatTheNodeDefines) {
  const Graph graph = parse_graph(loop("f32[grown], f32[3, 2]", "p", kTwice));
  const Node& node = loop_of(graph);
  const std::vector<OpenSize> open = open_sizes(node);
  ASSERT_EQ(open.size(), 1u);
  EXPECT_EQ(open[0].outside.str(), "grown");
  EXPECT_EQ(open[0].inside.str(), "p");
  EXPECT_EQ(bound_by(node), std::vector<std::string>{"grown"});
  EXPECT_EQ(bound_inside(node), std::vector<std::string>{"p"});
  EXPECT_EQ(definer_of(graph, "grown"), &node);
  EXPECT_EQ(symbols_of(node), std::set<std::string>{"grown"});  // the body's own is not around it
  const std::string text = print(graph);
  EXPECT_EQ(print(parse_graph(text)), text);
}

TEST(OpenSizes, CarriedOnesGrow) {
  const Graph graph = parse_graph(loop("f32[grown], f32[3, 2]", "p", kTwice));
  const Evaluation found = evaluate(graph, {{"x", Tensor::zeros(DType::f32, {5})}});
  EXPECT_EQ(found.results[0].shape, std::vector<int64_t>{40});
  EXPECT_EQ(found.symbols.at("grown"), 40);
}

TEST(OpenSizes, SlicesAreOfOneSize) {
  const auto stacked = [](const std::string& value) {
    const Graph graph = parse_graph(loop("f32[n], f32[3, slices]", "n",
                                         value + "\n      b = bind i64[] (m) symbol k 0.." +
                                             "\n      f = iota f32[k] dim 0\n"
                                             "      results v, f"));
    return evaluate(graph, {{"x", Tensor::zeros(DType::f32, {5})}}).results[1].shape;
  };
  EXPECT_EQ(stacked("      m = constant i64[] 4"), (std::vector<int64_t>{3, 4}));
  try {
    stacked("      m = max i64[] (t, t)");
    FAIL() << "slices of 0, 1 and 2 elements are stacked";
  } catch (const CompileError& error) {
    EXPECT_STREQ(error.what(),
                 "error: loop: result f32[3, slices]: an iteration gives a slice of [1], the first "
                 "gave one of [0]");
  }
}

TEST(OpenSizes, WhatIsNoSymbolOfItsOwnIsRefused) {
  EXPECT_EQ(refusal(loop("f32[8], f32[3, 2]", "p", kTwice)),
            "error: loop: dimension 0 of result 0 is 8: a size that its regions decide is a symbol "
            "of its own\n  at line 3");
  EXPECT_EQ(refusal(loop("f32[grown], f32[3, 2]", "2", R"(      w = concat f32[4] (v, v) dim 0
      f = iota f32[2] dim 0
      results w, f)")),
            "error: loop: dimension 0 of carried value 0 changes: in the body it is 2, which must "
            "be a symbol of the body's own\n  at line 3");
  EXPECT_EQ(refusal(R"(graph g (n: 0..) {
  c = input bool[]
  x = input f32[n]
  y = if f32[n] (c, x) {
    graph then (n: 0..) {
      x = input f32[n]
      y = concat f32[2*n] (x, x) dim 0
      results y
    }
    graph else (n: 0..) {
      x = input f32[n]
      results x
    }
  }
  results y
})"),
            "error: if: dimension 0 of result 0 is n, which a node of kind input defines, and not "
            "the size that its regions give\n  at line 4");
}

}  // namespace
}  // namespace mintor
