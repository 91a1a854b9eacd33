// SPDX-License-Identifier: Apache-2.0
// Contracts in order winograd(m): evaluator == plain loops == schedules of every level, bit for
// bit; and the pass that makes them, against the sums that it replaces.
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/graph/pipeline.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"
#include "compiler/ops/library.h"
#include "tests/lowering/check_chain.h"
#include "tests/lowering/run_groups.h"

namespace mintor {
namespace {

struct Case {
  std::string name;
  int64_t tile = 4;
  std::string batch = "1";
  int64_t channels = 8, columns = 16;
  std::vector<int64_t> places{9, 10};  // results along each window
  int64_t step = 1, padding = 1, taps = 3;
  std::string symbols = {};
  std::map<std::string, int64_t> values = {};
};

std::string list(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return "[" + text + "]";
}

// relu(x * w + bias + residual), whose weights are transformed already.
Graph graph_of(const Case& c) {
  const std::string points = std::to_string(c.tile + c.taps - 1),
                    channels = std::to_string(c.channels), columns = std::to_string(c.columns),
                    step = std::to_string(c.step);
  std::vector<std::string> x{c.batch, channels}, u{columns, channels}, out{c.batch, columns};
  std::vector<std::string> read{"b", "k"}, weights{"n", "k"};
  std::string axes = "b: m = " + c.batch + ", n = " + columns;
  for (size_t d = 0; d < c.places.size(); ++d) {
    const std::string p = "p" + std::to_string(d), i = "i" + std::to_string(d);
    axes += ", " + p + ": m = " + std::to_string(c.places[d]);
    x.push_back(std::to_string(c.places[d] + (c.taps - 1) * c.step - 2 * c.padding));
    u.push_back(points);
    out.push_back(std::to_string(c.places[d]));
    read.push_back(p + " + " + (c.step > 1 ? step + "*" : "") + i +
                   (c.padding > 0 ? " - " + std::to_string(c.padding) : ""));
    weights.push_back(i);
  }
  axes += ", k = " + channels;
  for (size_t d = 0; d < c.places.size(); ++d)
    axes += ", i" + std::to_string(d) + ": window = " + points;
  return parse_graph("graph g" + c.symbols + " {\n  x = input f32" + list(x) + "\n  r = input f32" +
                     list(out) + "\n  u = parameter f32" + list(u) +
                     " random 1\n  bias = parameter f32[" + columns +
                     "] random 2\n  y = contract f32" + list(out) + " (x, u) " + axes + " | x" +
                     list(read) + " y" + list(weights) + " order winograd(" +
                     std::to_string(c.tile) + ")\n  c = broadcast f32" + list(out) +
                     " (bias) dims = [1]\n  z = add f32" + list(out) + " (y, c)\n  a = add f32" +
                     list(out) + " (z, r)\n  s = relu f32" + list(out) + " (a)\n  results s\n}\n");
}

TEST(Winograd, SchedulesKeepTheBits) {
  const std::string batch = " (batch: 0..9)";
  for (const Case& c : {
           Case{.name = "tiles that fit", .places = {8, 12}, .padding = 0},
           Case{.name = "borders, a last tile that is cut", .places = {9, 10}},
           Case{.name = "fewer results than a tile", .places = {1, 3}},
           Case{.name = "small tiles", .tile = 2, .places = {5, 4}},
           Case{.name = "large tiles", .tile = 6, .channels = 4, .places = {7, 6}},
           Case{.name = "channels and columns beside a vector", .channels = 19, .columns = 37},
           Case{.name = "few columns", .channels = 3, .columns = 5},
           Case{.name = "several blocks, the last not full", .places = {31, 33}},
           Case{.name = "parts of columns", .channels = 4, .columns = 128, .places = {6, 6}},
           Case{.name = "dilated", .places = {11, 9}, .step = 3, .padding = 3},
           Case{.name = "one window", .columns = 24, .places = {77}},
           Case{.name = "three windows", .tile = 2, .channels = 3, .places = {3, 4, 5}},
           Case{.name = "two taps", .tile = 5, .places = {6, 11}, .taps = 2},
           Case{.name = "five taps", .tile = 2, .places = {5, 6}, .padding = 2, .taps = 5},
           Case{.name = "five taps, large tiles",
                .tile = 4,
                .channels = 3,
                .places = {9, 4},
                .padding = 0,
                .taps = 5},
           Case{.name = "seven taps", .tile = 2, .places = {33}, .padding = 3, .taps = 7},
           Case{.name = "a batch", .batch = "3", .places = {5, 6}},
           Case{.name = "no batch", .batch = "batch", .symbols = batch, .values = {{"batch", 0}}},
           Case{.name = "any batch", .batch = "batch", .symbols = batch, .values = {{"batch", 5}}},
       }) {
    SCOPED_TRACE(c.name);
    check_chain(graph_of(c), c.values);
  }
}

// The pass is asked about convolutions that are worth it; beside the sums that they replace,
// results are as close as a few roundings.
TEST(Winograd, ThePassKeepsTheSums) {
  for (const int64_t taps : {3, 5}) {
    const auto graph = [&] {
      Graph g;
      Builder b(g);
      ops::ConvAttr attr;
      attr.pad_before = attr.pad_after = {taps / 2, taps / 2};
      const Value x = b.input("x", DType::f32, {1, 32, 24, 24});
      g.results = {
          {"y", ops::conv(b, x, b.parameter("w", noise({32, 32, taps, taps}, 4)), {}, attr)}};
      return g;
    };
    CompileContext context, strict;
    strict.options.numerics = "strict";
    const Graph direct = graph(), fast = run_pipeline(context, graph());
    EXPECT_NE(print(fast).find("winograd(4)"), std::string::npos) << print(fast);
    EXPECT_EQ(print(run_pipeline(strict, graph())).find("winograd"), std::string::npos);
    const auto inputs = sample_inputs(direct, {}, 1);
    const Tensor want = evaluate(direct, inputs).results[0],
                 have = evaluate(fast, inputs).results[0];
    const auto* a = reinterpret_cast<const float*>(want.data);
    const auto* b = reinterpret_cast<const float*>(have.data);
    float largest = 0, error = 0;
    for (int64_t n = 0; n < want.count(); ++n) {
      largest = std::max(largest, std::abs(a[n]));
      error = std::max(error, std::abs(a[n] - b[n]));
    }
    EXPECT_GT(error, 0);
    EXPECT_LT(error, 1e-5f * largest);
  }
}

}  // namespace
}  // namespace mintor
