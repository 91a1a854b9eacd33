// SPDX-License-Identifier: Apache-2.0
// The transforms of Winograd's F(m, r) against the sums that they stand for, in f64; which
// contracts have the form.
#include "compiler/ir/winograd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "compiler/ir/text.h"

namespace mintor {
namespace {

double step_value(const winograd::Step& step, double a, double b) {
  if (step.op == ScalarOp::add) return a + b;
  if (step.op == ScalarOp::sub) return a - b;
  return step.factor * a + b;
}

// Numbers that no two transforms of which one is wrong agree on.
double number(size_t n) { return std::sin(1.0 + 7.0 * static_cast<double>(n)); }

std::vector<double> numbers(size_t count, size_t first) {
  std::vector<double> values;
  for (size_t n = 0; n < count; ++n) values.push_back(number(first + n));
  return values;
}

TEST(Winograd, SumsOfAnyNumberOfProductsAlongOneWindow) {
  for (const int64_t points : winograd::kPoints)
    for (int64_t taps = 2; taps < points; ++taps) {
      const int64_t tile = points - taps + 1;
      const std::vector<double> inputs = numbers(static_cast<size_t>(points), 0),
                                weights = numbers(static_cast<size_t>(taps), 50);
      std::vector<double> products =
          winograd::apply(winograd::input_transform(points), 1, inputs, step_value);
      const auto matrix = winograd::weight_matrix(points, taps);
      ASSERT_EQ(matrix.size(), products.size());
      for (size_t n = 0; n < products.size(); ++n) {
        ASSERT_EQ(matrix[n].size(), weights.size());
        double weight = 0;
        for (size_t tap = 0; tap < weights.size(); ++tap) weight += matrix[n][tap] * weights[tap];
        products[n] *= weight;
      }
      const std::vector<double> sums =
          winograd::apply(winograd::output_transform(points, tile), 1, products, step_value);
      ASSERT_EQ(sums.size(), static_cast<size_t>(tile));
      for (size_t p = 0; p < sums.size(); ++p) {
        double sum = 0;
        for (size_t tap = 0; tap < weights.size(); ++tap) sum += inputs[p + tap] * weights[tap];
        EXPECT_NEAR(sums[p], sum, 1e-12) << points << " points, " << taps << " taps, result " << p;
      }
    }
}

TEST(Winograd, TransformsOfCubesAreThoseOfTheirLines) {
  // Products of one line and another: the transform of the square is the product of theirs.
  for (const int64_t points : winograd::kPoints) {
    const winograd::Transform transform = winograd::output_transform(points, points - 2);
    const std::vector<double> a = numbers(static_cast<size_t>(points), 3),
                              b = numbers(static_cast<size_t>(points), 90);
    std::vector<double> square;
    for (const double x : a)
      for (const double y : b) square.push_back(x * y);
    const auto both = winograd::apply(transform, 2, square, step_value);
    const auto along_a = winograd::apply(transform, 1, a, step_value),
               along_b = winograd::apply(transform, 1, b, step_value);
    for (size_t n = 0; n < along_a.size(); ++n)
      for (size_t m = 0; m < along_b.size(); ++m)
        EXPECT_NEAR(both[n * along_b.size() + m], along_a[n] * along_b[m], 1e-11);
  }
}

TEST(Winograd, InputsAreReadWhereTheirLineBegins) {
  const winograd::Transform transform = winograd::input_transform(4);
  std::string events;  // of a line
  std::vector<std::string> lines;
  const auto note = [&](char event) {
    if (event == 'r' && events.ends_with('s')) lines.push_back(std::exchange(events, ""));
    if (!events.ends_with(event)) events += event;
  };
  std::vector<int> reads(16), writes(16);
  winograd::apply(
      transform, 2,
      [&](size_t n) {
        note('r');
        ++reads[n];
        return number(n);
      },
      [&](const winograd::Step& step, double a, double b) {
        note('s');
        return step_value(step, a, b);
      },
      [&](size_t n, double) {
        note('w');
        ++writes[n];
      });
  lines.push_back(events);
  // Four lines along the first dimension; then each of the second is written before the next one.
  EXPECT_EQ(lines, (std::vector<std::string>{"rs", "rs", "rs", "rswswswsw"}));
  EXPECT_EQ(reads, std::vector<int>(16, 1));
  EXPECT_EQ(writes, std::vector<int>(16, 1));
}

TEST(Winograd, FactorsAreExactInF32) {
  for (const int64_t points : winograd::kPoints)
    for (int64_t tile = 2; tile < points; ++tile)
      for (const auto& transform :
           {winograd::input_transform(points), winograd::output_transform(points, tile)})
        for (const winograd::Step& step : transform.steps)
          EXPECT_EQ(static_cast<double>(static_cast<float>(step.factor)), step.factor);
}

std::optional<std::vector<winograd::Axis>> axes_in(const std::string& contract) {
  const Graph graph = parse_graph(
      "graph g {\n  x = input f32[1, 8, 20, 20]\n  w = input f32[8, 8, 3, 3]\n  y = contract "
      "f32[1, 8, 18, 18] (x, w) " +
      contract + "\n  results y\n}\n");
  return winograd::axes_of(graph.results[0].value.node->as<Contract>(), 3);
}

constexpr const char* kAxes =
    "m = 1, n = 8, p: m = 18, q: m = 18, k = 8, i: window = 3, j: window = 3 | ";

TEST(Winograd, WindowsThatMoveByOneHaveTheForm) {
  const auto plain = axes_in(std::string(kAxes) + "x[m, k, p + i, q + j] y[n, k, i, j]");
  ASSERT_TRUE(plain.has_value());
  ASSERT_EQ(plain->size(), 2u);
  EXPECT_EQ((*plain)[0].step, 1);
  const auto dilated =
      axes_in(std::string(kAxes) + "x[m, k, p + 4*i - 4, q + 2*j - 2] y[n, k, i, j]");
  ASSERT_TRUE(dilated.has_value());
  EXPECT_EQ((*dilated)[0].step, 4);
  EXPECT_EQ((*dilated)[1].step, 2);
}

TEST(Winograd, OtherWindowsHaveNot) {
  for (const char* coords : {
           "x[m, k, 2*p + i, q + j] y[n, k, i, j]",      // strided
           "x[m, k, p - i, q + j] y[n, k, i, j]",        // turned around
           "x[m, k, p + i, q + j] y[n, k, 2 - i, j]",    // weights elsewhere
           "x[m, k, p + i + j, q] y[n, k, i, j]",        // two windows along one axis
           "x[m, k, p + i, i + j] y[n, k, i, j]",        // a window in two coordinates
           "x[m, k, (p + i) // 2, q + j] y[n, k, i, j]"  // not affine
       })
    EXPECT_FALSE(axes_in(std::string(kAxes) + coords).has_value()) << coords;
}

}  // namespace
}  // namespace mintor
