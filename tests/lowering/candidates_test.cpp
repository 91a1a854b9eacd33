// SPDX-License-Identifier: Apache-2.0
// Every candidate of a contract computes the same bits: what tuning may choose. Takes small graphs;
// runs them in the loop interpreter by each candidate of each level, and fails on the first result
// that differs from the evaluator's.
#include <gtest/gtest.h>

#include <set>

#include "compiler/codegen/target.h"
#include "compiler/contraction/strategy.h"
#include "compiler/graph/fusion.h"
#include "compiler/graph/pipeline.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/loop/lower.h"
#include "compiler/ops/library.h"
#include "tests/lowering/run_groups.h"

namespace mintor {
namespace {

// Of the graph's contracts, which are one kernel or several.
std::set<std::string> candidates_in(const Graph& graph, const TargetInfo& level) {
  std::set<std::string> texts;
  CompileContext context;
  const FusionPlan plan = fuse(graph);
  visit_groups(plan, [&](const Graph& holder, const Group& group) {
    for (const Node* node : group.nodes) {
      if (node->kind != Kind::contract) continue;
      const Choices choices =
          choices_of(context, {holder, group, *node, level}, lower(holder, group));
      for (const Candidate& candidate : choices.candidates) texts.insert(candidate.text);
    }
  });
  return texts;
}

// `most`: candidates that are tried, spread over the list.
void check_candidates(Graph raw, const std::map<std::string, int64_t>& symbols, size_t most) {
  CompileContext context;
  const Graph graph = run_pipeline(context, std::move(raw));
  const auto inputs = sample_inputs(graph, symbols, 5);
  const std::vector<Tensor> expected = evaluate(graph, inputs).results;
  for (const std::string name : {"v3", "v4"}) {
    const TargetInfo level = find_level(name);
    const std::set<std::string> texts = candidates_in(graph, level);
    EXPECT_GT(texts.size(), 1U) << name;
    size_t at = 0, tried = 0;
    for (const std::string& text : texts) {
      if (at++ * most / texts.size() < tried) continue;
      ++tried;
      int64_t asked = 0;
      const Measured measured = [&](const Kernel&, const TargetInfo&) {
        ++asked;
        return Recorded{text};
      };
      const std::vector<Tensor> results = run_groups(graph, inputs, level, measured);
      EXPECT_GT(asked, 0);
      for (size_t r = 0; r < results.size(); ++r)
        ASSERT_TRUE(same_bits(results[r], expected[r])) << name << " " << text << "\n"
                                                        << kernels_text(graph, level, measured);
    }
  }
}

TEST(Candidates, OfMatmulsWithATailAreTheSameBits) {
  for (const int64_t batch : {0, 3}) {  // 0: none
    Graph g;
    Builder b(g);
    const Shape shape = batch ? Shape{batch, 13, 9} : Shape{13, 9};
    const Value x = b.input("x", DType::f32, shape);
    const Value sum = ops::matmul(b, x, b.parameter("w", noise({9, 39}, 7)));
    g.results = {{"r", b.apply(ScalarOp::relu, {sum})}};
    check_candidates(std::move(g), {}, 24);
  }
}

TEST(Candidates, OfMatmulsOverSymbolicRowsAreTheSameBits) {
  Graph g;
  g.add_symbol({"batch", 0, 64, 1, 8});
  Builder b(g);
  const Value x = b.input("x", DType::f32, {Index::var("batch"), 11});
  g.results = {{"r", ops::matmul(b, x, b.parameter("w", noise({11, 40}, 3)))}};
  check_candidates(std::move(g), {{"batch", 19}}, 16);
}

TEST(Candidates, OfAxesInLineAreTheSameBits) {
  for (const bool known : {false, true}) {
    Graph g;
    if (!known)
      for (const char* name : {"batch", "rows"}) g.add_symbol({name, 0, 64, 1, 8});
    Builder b(g);
    const Shape shape{known ? Index(3) : Index::var("batch"), known ? Index(7) : Index::var("rows"),
                      11};
    const Value sum =
        ops::matmul(b, b.input("x", DType::f32, shape), b.parameter("w", noise({11, 40}, 3)));
    g.results = {{"r", b.apply(ScalarOp::add, {sum, b.input("rest", DType::f32, sum.shape())})}};
    check_candidates(std::move(g),
                     known ? std::map<std::string, int64_t>{}
                           : std::map<std::string, int64_t>{{"batch", 3}, {"rows", 7}},
                     24);
  }
}

Graph convolution(int64_t channels, int64_t groups, int64_t outputs) {
  Graph g;
  Builder b(g);
  const Value x = b.input("x", DType::f32, {1, channels, 7, 11});
  const Value w = b.parameter("w", noise({outputs, channels / groups, 3, 3}, 4));
  ops::ConvAttr attr;
  attr.pad_before = attr.pad_after = {1, 1};
  attr.groups = groups;
  g.results = {{"r", ops::conv(b, x, w, {}, attr)}};
  return g;
}

TEST(Candidates, OfConvolutionsWithBordersAreTheSameBits) {
  check_candidates(convolution(5, 1, 35), {}, 24);
}

TEST(Candidates, OfDepthwiseConvolutionsAreTheSameBits) {
  check_candidates(convolution(35, 35, 35), {}, 24);
}

// No step of any tile asks for what the analysis of dependences cannot show.
TEST(Candidates, TilesOfManySizesAreNotRefused) {
  for (const int64_t batch : {1, 10})
    for (const int64_t side : {2, 3, 4}) {
      Graph g;
      Builder b(g);
      const Value x = b.input("x", DType::f32, {batch, 16, side, side});
      // What a convolution gives has its channels innermost: the rows of the next are in line.
      const Value first = ops::conv(b, x, b.parameter("u", noise({32, 16, 1, 1}, 3)), {}, {});
      const Value sum = ops::conv(b, b.apply(ScalarOp::relu, {first}),
                                  b.parameter("w", noise({48, 32, 1, 1}, 4)), {}, {});
      const Value rest = b.input("rest", DType::f32, sum.shape());
      g.results = {{"r", b.apply(ScalarOp::add, {sum, rest})}};
      CompileContext context;
      const Graph graph = run_pipeline(context, std::move(g));
      const TargetInfo level = find_level("v3");
      for (const std::string& candidate : candidates_in(graph, level)) {
        const Measured measured = [&](const Kernel&, const TargetInfo&) {
          return Recorded{candidate};
        };
        const std::string text = kernels_text(graph, level, measured);
        EXPECT_EQ(text.find("refused: register_tile"), std::string::npos) << candidate << "\n"
                                                                          << text;
      }
    }
}

}  // namespace
}  // namespace mintor
