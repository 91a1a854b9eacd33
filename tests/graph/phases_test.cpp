// SPDX-License-Identifier: Apache-2.0
// Transposed convolutions by phases against their definition: every stride, number of taps, padding
// and output padding of a range, along one axis and two; and what has not the form.
#include "compiler/graph/phases.h"

#include <gtest/gtest.h>

#include <cmath>

#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"
#include "compiler/ops/library.h"

namespace mintor {
namespace {

struct Axes {
  std::vector<int64_t> sides, taps, strides, more;
  std::vector<Index> before, after;
};

Tensor numbers(const std::vector<int64_t>& shape, double first) {
  auto [tensor, bytes] = Tensor::make(DType::f32, shape);
  auto* values = reinterpret_cast<float*>(bytes);
  for (int64_t n = 0; n < tensor.count(); ++n)
    values[n] = static_cast<float>(std::sin(first + 3.0 * static_cast<double>(n)));
  return tensor;
}

Graph transposed(const Axes& axes) {
  Graph g;
  Builder b(g);
  Shape x{2, 3};
  std::vector<int64_t> w{3, 5};
  for (const int64_t side : axes.sides) x.emplace_back(side);
  w.insert(w.end(), axes.taps.begin(), axes.taps.end());
  ops::ConvAttr attr;
  attr.stride = axes.strides;
  attr.pad_before = axes.before;
  attr.pad_after = axes.after;
  const Value input = b.input("x", DType::f32, x), weights = b.parameter("w", numbers(w, 5));
  g.results = {{"y", ops::conv_transpose(b, input, weights, {}, attr, axes.more)}};
  return g;
}

// The largest difference, or nothing where it has not the form.
std::optional<float> difference(const Axes& axes) {
  Graph g = transposed(axes);
  const Value y = g.results[0].value;
  const auto phases = Phases::of(y.node->as<Contract>());
  if (!phases) return std::nullopt;
  EXPECT_TRUE(phases->contract().conditions.empty());
  Builder b(g);
  const Value w = phases->weights(b, y.node->operands[1]);
  g.results.push_back(
      {"z", phases->results(b, b.contract(y.node->operands[0], w, phases->contract()))});
  std::vector<int64_t> shape;
  for (const Index& e : y.node->operands[0].shape()) shape.push_back(e.value());
  const auto results = evaluate(g, {{"x", numbers(shape, 1)}}).results;
  EXPECT_EQ(results[0].shape, results[1].shape);
  const auto* p = reinterpret_cast<const float*>(results[0].data);
  const auto* q = reinterpret_cast<const float*>(results[1].data);
  float most = 0;
  for (int64_t n = 0; n < results[0].count(); ++n) most = std::max(most, std::abs(p[n] - q[n]));
  return most;
}

TEST(Phases, AreTheSumsOfOneAxis) {
  for (int64_t stride = 1; stride <= 3; ++stride)
    for (int64_t taps = 1; taps <= 6; ++taps)
      for (int64_t pad = 0; pad <= 3; ++pad)
        for (const int64_t more : {int64_t{0}, stride - 1}) {
          const Axes axes{{4}, {taps}, {stride}, {more}, {pad}, {pad / 2}};
          if (stride * 3 + taps + more < pad + pad / 2) continue;
          const auto most = difference(axes);
          ASSERT_TRUE(most.has_value()) << print(transposed(axes));
          EXPECT_LT(*most, 1e-5f) << print(transposed(axes));
        }
}

TEST(Phases, AreTheSumsOfTwoAxes) {
  for (const auto& [first, second] : {std::pair(2, 2), std::pair(1, 2), std::pair(3, 2)})
    for (int64_t taps = 2; taps <= 5; ++taps) {
      const Axes axes{{3, 5}, {taps, 4}, {first, second}, {0, 1}, {1, 0}, {0, 2}};
      const auto most = difference(axes);
      ASSERT_TRUE(most.has_value());
      EXPECT_LT(*most, 1e-5f) << print(transposed(axes));
    }
}

TEST(Phases, OtherContractsHaveNone) {
  for (const char* maps : {
           "x[b, k, m + w] y[k, n, w]",                                 // no transposed one
           "x[b, k, m - 2*w] y[k, n, w]",                               // dilated
           "x[b, k, m - w] y[k, n, 2 - w]",                             // weights elsewhere
           "x[b, k, (m - w) // 2] y[k, n, w]",                          // taps used twice
           "x[b, k, (m - w) // 2] y[k, n, w] if 0 <= (m - w) % 3 < 1",  // another stride
           "x[b, k, (m - w) // 2] y[k, n, w] if 0 <= (m - w) % 2 < 1, 0 <= m < 4"  // one more
       }) {
    const Graph graph = parse_graph(
        std::string("graph g {\n  x = input f32[1, 3, 8]\n  w = input f32[3, 5, 3]\n  y = contract "
                    "f32[1, 5, 9] (x, w) b: m = 1, n = 5, m = 9, k = 3, w: window = 3 | ") +
        maps + "\n  results y\n}\n");
    EXPECT_FALSE(Phases::of(graph.results[0].value.node->as<Contract>()).has_value()) << maps;
  }
}

}  // namespace
}  // namespace mintor
