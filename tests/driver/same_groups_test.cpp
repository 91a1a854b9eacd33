// SPDX-License-Identifier: Apache-2.0
// Equal layers are lowered and scheduled once, and stay right. Takes stacks of layers as text;
// gives pass or fail. Keeps true: what is counted are groups and schedules, not time.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/driver/driver.h"
#include "compiler/graph/fusion.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/seeded.h"
#include "compiler/ir/text.h"
#include "compiler/program/same_groups.h"

namespace mintor {
namespace {

// Layers y = relu(x w + b) of the given widths, each normalised by the sum of its row.
std::string stack(const std::vector<int>& widths, const std::string& function = "relu") {
  const auto n = [&](size_t i) { return std::to_string(widths[i]); };
  std::string text = "graph stack (batch: 0..9 ~ 5) {\n  y0 = input f32[batch, " + n(0) + "]\n";
  for (size_t i = 1; i < widths.size(); ++i) {
    const std::string id = std::to_string(i), k = n(i - 1), m = n(i),
                      type = "f32[batch, " + m + "]";
    const std::string op = i + 1 == widths.size() ? function : "relu";
    text += "  w" + id + " = parameter f32[" + k + ", " + m + "] random " + id + "\n" + "  b" + id +
            " = parameter f32[" + m + "] random " + id + "1\n" + "  z" + id + " = contract " +
            type + " (y" + std::to_string(i - 1) + ", w" + id + ") m = batch, n = " + m +
            ", k = " + k + " | x[m, k] y[k, n] @ layer" + id + "/fc\n" + "  c" + id +
            " = broadcast " + type + " (b" + id + ") dims = [1] @ layer" + id + "\n" + "  s" + id +
            " = add " + type + " (z" + id + ", c" + id + ") @ layer" + id + "\n" + "  r" + id +
            " = " + op + " " + type + " (s" + id + ") @ layer" + id + "\n" + "  t" + id +
            " = reduce f32[batch] (r" + id + ") add dims = [1] identity -0\n" + "  u" + id +
            " = broadcast " + type + " (t" + id + ") dims = [0]\n" + "  y" + id + " = div " + type +
            " (r" + id + ", u" + id + ")\n";
  }
  return text + "  results y" + std::to_string(widths.size() - 1) + "\n}";
}

struct Built {
  CompileContext context;
  Graph graph;
  Program program;
  int64_t groups = 0, scheduled = 0;

  explicit Built(const std::string& text) : graph(optimise(context, parse_graph(text))) {
    context.options.verify_passes = context.options.explain = true;
    program = build_program(context, graph, {"reference"});
    for (const Entry* entry : {&program.prepare, &program.entries[0]})
      visit_launches(entry->steps, [&](const Launch&) { ++groups; });
    scheduled =
        groups - std::ranges::count_if(context.explanations, [](const std::string& line) {
          return line.starts_with("schedule: ") && line.find(": that of ") != std::string::npos;
        });
  }
};

void expect_right(const Built& built, int width) {
  const Tensor x = seeded_tensor(DType::f32, {3, width}, 1);
  EXPECT_TRUE(same_bits(interpret(built.program, {x}, 0)[0],
                        evaluate(built.graph, {{"y0", x}}).results[0]));
}

TEST(SameGroups, TwelveEqualLayersAreScheduledOnce) {
  const Built three(stack({24, 24, 24, 24})), twelve(stack(std::vector<int>(13, 24)));
  EXPECT_EQ(twelve.groups, 4 * three.groups);
  EXPECT_EQ(twelve.scheduled, three.scheduled);
  EXPECT_LT(twelve.scheduled, three.groups);
  EXPECT_EQ(twelve.program.kernels.size(), three.program.kernels.size());
  expect_right(twelve, 24);
}

// The first layer reads the caller's memory, the last writes it: kernels of their own.
TEST(SameGroups, WhoseMemoryItIsTellsGroupsApart) {
  const Built one(stack({24, 24})), four(stack({24, 24, 24, 24, 24}));
  EXPECT_GT(four.scheduled, one.scheduled);
  EXPECT_LT(four.scheduled, four.groups);
  expect_right(four, 24);
}

TEST(SameGroups, OtherSizesAndFunctionsAreOtherKernels) {
  const Built equal(stack(std::vector<int>(7, 24))), sizes(stack({24, 24, 24, 20, 24, 24, 24})),
      function(stack(std::vector<int>(7, 24), "tanh"));
  EXPECT_GT(sizes.scheduled, equal.scheduled);
  EXPECT_GT(function.scheduled, equal.scheduled);
  expect_right(sizes, 24);
  expect_right(function, 24);
}

// Names of scopes and values, and constants of equal bytes, are no difference; other bytes are.
TEST(SameGroups, NamesAreNoDifferenceConstantsAre) {
  const auto same_kernel = [](const std::string& second) {
    const Graph graph = parse_graph(R"(graph g {
  p = input f32[4, 64]
  q = input f32[4, 64]
  a = constant f32[] 2
  b = constant f32[] )" + second + R"(
  ab = broadcast f32[4, 64] (a) dims = []
  bb = broadcast f32[4, 64] (b) dims = []
  r = exp f32[4, 64] (p)
  s = mul f32[4, 64] (r, bb)
  t = exp f32[4, 64] (q)
  u = mul f32[4, 64] (t, ab) @ elsewhere
  results s, u
})");
    const FusionPlan plan = fuse(graph);
    const auto same = same_groups({&plan, 1});
    const size_t last = plan.groups.size() - 1;  // u, after s
    return same.at(&plan.groups[last]) == same.at(&plan.groups[last - 1]);
  };
  EXPECT_TRUE(same_kernel("2"));  // s and u: exp, times a constant
  EXPECT_FALSE(same_kernel("3"));
}

}  // namespace
}  // namespace mintor
