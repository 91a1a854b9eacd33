// SPDX-License-Identifier: Apache-2.0
// --numerics native-bf16: every level has the bits of the evaluator, which sums the rounded
// operands one by one, and products are summed in pairs wherever layouts allow it.
// Takes small graphs of f32; fails on the first result that differs.
#include <gtest/gtest.h>

#include "compiler/codegen/target.h"
#include "compiler/contraction/strategy.h"
#include "compiler/graph/fusion.h"
#include "compiler/graph/pipeline.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"
#include "compiler/loop/lower.h"
#include "tests/lowering/run_groups.h"

namespace mintor {
namespace {

Graph in_bf16(Graph graph) {
  CompileContext context;
  context.options.numerics = "native-bf16";
  context.options.verify_passes = true;
  Graph after = run_pipeline(context, std::move(graph));
  return after;
}

int count_of(const std::string& text, const std::string& what) {
  int count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// Bits at every level; and how many kernels of v4 sum pairs.
int check(const std::string& text, const std::map<std::string, int64_t>& symbols = {}) {
  const Graph graph = in_bf16(parse_graph(text));
  for (const uint32_t seed : {1u, 2u}) {
    const auto inputs = sample_inputs(graph, symbols, seed);
    const std::vector<Tensor> want = evaluate(graph, inputs).results;
    for (const std::string level : {"reference", "v3", "v4", "v4-bf16"}) {
      const std::vector<Tensor> have = run_groups(graph, inputs, find_level(level));
      for (size_t n = 0; n < want.size(); ++n)
        EXPECT_TRUE(same_bits(want[n], have[n])) << level << ", result " << n;
    }
  }
  return count_of(kernels_text(graph, find_level("v4")), "dot_words(");
}

std::string matmul(int64_t m, int64_t n, int64_t k) {
  const auto s = [](int64_t v) { return std::to_string(v); };
  return "graph g {\n  x = input f32[" + s(m) + ", " + s(k) + "]\n  w = parameter f32[" + s(k) +
         ", " + s(n) + "] random 1\n  y = contract f32[" + s(m) + ", " + s(n) +
         "] (x, w) m = " + s(m) + ", n = " + s(n) + ", k = " + s(k) +
         " | x[m, k] y[k, n]\n  results y\n}\n";
}

TEST(NativeBf16, TilesAndTails) {
  // Rows and columns: one, less than a tile, tiles and a tail; whole pairs and one more.
  for (const int64_t m : {1, 5, 19})
    for (const int64_t n : {7, 16, 70})
      for (const int64_t k : {16, 37}) EXPECT_EQ(check(matmul(m, n, k)), 1) << m << n << k;
}

TEST(NativeBf16, ChunksEndBetweenPairs) { EXPECT_EQ(check(matmul(2, 20, 8201)), 1); }

TEST(NativeBf16, FewChannelsStay) { EXPECT_EQ(check(matmul(5, 20, 15)), 0); }

TEST(NativeBf16, Convolutions) {
  for (const int64_t channels : {16, 24, 27}) {
    const std::string c = std::to_string(channels);
    EXPECT_EQ(
        check(
            "graph g (b: 1..8) {\n  x = input f32[b, " + c +
                ", 7, 9]\n"
                "  w = parameter f32[20, " +
                c +
                ", 3, 3] random 1\n"
                "  y = contract f32[b, 20, 4, 5] (x, w)  m = b, n = 20, p: m = 4, q: m = 5, k = " +
                c +
                ", i: window = 3, j: window = 3 | x[m, k, 2*p + i - 1, 2*q + j - 1] "
                "y[n, k, i, j]\n  r = relu f32[b, 20, 4, 5] (y)\n  results r\n}\n",
            {{"b", 2}}),
        1);
  }
}

TEST(NativeBf16, ProductsOfInputs) {
  const std::string text =
      "graph g (s: 1..64 ~ 32) {\n  q = input f32[2, s, 24]\n  k = input f32[2, s, 24]\n"
      "  v = input f32[2, s, 24]\n"
      "  a = contract f32[2, s, s] (q, k) b: batch = 2, m = s, n = s, k = 24 | x[b, m, k] y[b, n, "
      "k]\n"
      "  o = contract f32[2, s, 24] (a, v) b: batch = 2, m = s, n = 24, k = s | x[b, m, k] y[b, k, "
      "n]\n"
      "  results o\n}\n";
  for (const int64_t s : {1, 17, 32}) EXPECT_EQ(check(text, {{"s", s}}), 2);
}

// Neither rows of a weight's gradient nor heads side by side lie in pairs before they are copied.
TEST(NativeBf16, OperandsThatAreCopied) {
  EXPECT_EQ(check("graph g {\n  x = input f32[33, 40]\n  y = input f32[33, 24]\n"
                  "  g = contract f32[40, 24] (x, y)  m = 40, n = 24, k = 33 | x[k, m] y[k, n]\n"
                  "  results g\n}\n"),
            1);
  EXPECT_EQ(
      check("graph g {\n  x = input f32[2, 3, 5, 32]\n  w = parameter f32[96, 40] random 1\n"
            "  t = reindex f32[2, 5, 96] (x) [i0, i2 // 32, i1, i2 % 32] fill 0\n"
            "  y = contract f32[2, 5, 40] (t, w)  b: m = 2, m = 5, n = 40, k = 96 | x[b, m, k] "
            "y[k, n]\n  results y\n}\n"),
      1);
}

// Winograd's transforms would be of rounded operands, and round again.
TEST(NativeBf16, NoWinograd) {
  const Graph graph = in_bf16(parse_graph(
      "graph g {\n  x = input f32[1, 64, 14, 14]\n  w = parameter f32[64, 64, 3, 3] random 1\n"
      "  y = contract f32[1, 64, 14, 14] (x, w)  m = 1, n = 64, p: m = 14, q: m = 14, k = 64, "
      "i: window = 3, j: window = 3 | x[m, k, p + i - 1, q + j - 1] y[n, k, i, j]\n"
      "  results y\n}\n"));
  const std::string text = print(graph);
  EXPECT_EQ(text.find("winograd"), std::string::npos) << text;
  EXPECT_NE(text.find("pairs"), std::string::npos) << text;
}

TEST(NativeBf16, OnlyWhereItIsAskedFor) {
  CompileContext context;
  const Graph graph = run_pipeline(context, parse_graph(matmul(5, 20, 64)));
  EXPECT_EQ(print(graph).find("bf16"), std::string::npos);
  Options asked;
  asked.numerics = "native-bf16";
  EXPECT_TRUE(keeps_bits(Options{}, find_level("v4-bf16")));
  EXPECT_TRUE(keeps_bits(asked, find_level("v4-vnni")));
  EXPECT_FALSE(keeps_bits(asked, find_level("v4-bf16")));
}

}  // namespace
}  // namespace mintor
