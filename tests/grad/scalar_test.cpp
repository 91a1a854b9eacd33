// SPDX-License-Identifier: Apache-2.0
// The gradient column of the scalar table: every row against differences of its oracle in long
// double, to second order; and what it says at points where a derivative does not exist.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "compiler/grad/grad.h"
#include "tests/ir/graph_helper.h"
#include "tests/numerics/oracle.h"

namespace mintor::test {
namespace {

constexpr int kPoints = 64;
using Point = std::array<oracle::real, 3>;

// The graph of one row over kPoints points, with its first and second derivatives.
struct Row {
  ScalarOp op;
  int operands = arity(op);
  Graph graph{"row"};
  std::vector<Value> xs;
  std::map<std::string, Tensor> data;

  explicit Row(ScalarOp op) : op(op) {}

  bool is_bool(int i) const {
    return row_of(op).signature == Signature::logical ||
           (row_of(op).signature == Signature::select && i == 0);
  }

  // Results: d f / d x_i, then d^2 f / d x_i d x_j.
  std::vector<Tensor> derivatives(const std::vector<Point>& points) {
    Builder b(graph);
    for (int i = 0; i < operands; ++i) {
      const DType dtype = is_bool(i) ? DType::boolean : DType::f32;
      std::vector<double> column;
      for (const Point& p : points)
        column.push_back(static_cast<double>(p[static_cast<size_t>(i)]));
      const std::string name(1, "xyz"[i]);
      data[name] = tensor(dtype, {static_cast<int64_t>(points.size())}, column);
      xs.push_back(b.input(name, dtype, {static_cast<int64_t>(points.size())}));
    }
    const Value y = b.apply(op, xs);
    if (!is_float(y.dtype())) return {};
    const Value one = b.full(DType::f32, y.shape(), 1);
    std::vector<Value> first = gradients(b, {&y, 1}, {&one, 1}, xs), all = first;
    for (const Value& g : first) {
      if (!is_float(g.dtype())) continue;
      for (const Value& second : gradients(b, {&g, 1}, {&one, 1}, xs)) all.push_back(second);
    }
    for (size_t r = 0; r < all.size(); ++r)
      graph.results.push_back({"d" + std::to_string(r), all[r]});
    verify(graph);
    return evaluate(graph, data).results;
  }
};

oracle::real value(ScalarOp op, Point p, int i, oracle::real step, int j, oracle::real other) {
  p[static_cast<size_t>(i)] += step;
  p[static_cast<size_t>(j)] += other;
  return oracle::evaluate(op, p.data());
}

oracle::real slope(ScalarOp op, const Point& p, int i, oracle::real h) {
  return (value(op, p, i, h, i, 0) - value(op, p, i, -h, i, 0)) / (2 * h);
}

// Whether the row is smooth enough around the point for differences to mean something.
bool is_smooth(ScalarOp op, const Point& p, int i) {
  const oracle::real near = slope(op, p, i, 1e-5L), far = slope(op, p, i, 1e-2L);
  return std::isfinite(near) && std::isfinite(far) &&
         std::abs(near - far) < 0.02L * (1 + std::abs(near)) && std::abs(near) < 1000;
}

void expect_close(double got, oracle::real wanted, double tolerance, const std::string& what) {
  EXPECT_NEAR(got, static_cast<double>(wanted),
              tolerance * std::max(1.0, std::abs(static_cast<double>(wanted))))
      << what;
}

std::string place(ScalarOp op, const Point& p) {
  std::string text(name_of(op));
  for (int i = 0; i < arity(op); ++i)
    text += " " + std::to_string(static_cast<double>(p[static_cast<size_t>(i)]));
  return text;
}

TEST(GradScalars, EveryRowAgainstItsOracle) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<float> between(-3, 3);
  for (const ScalarOpRow& row : scalar_op_rows()) {
    const ScalarOp op = *parse_scalar_op(row.name);
    if (row.signature == Signature::integer || row.signature == Signature::words ||
        row.signature == Signature::pairs)
      continue;
    Row graph(op);
    std::vector<Point> points;
    for (int n = 0; n < kPoints; ++n) {
      Point p{between(random), between(random), between(random)};
      for (int i = 0; i < row.arity; ++i)
        if (graph.is_bool(i)) p[static_cast<size_t>(i)] = p[static_cast<size_t>(i)] > 0;
      points.push_back(p);
    }
    const std::vector<Tensor> found = graph.derivatives(points);
    int checked = 0;
    for (size_t n = 0; n < points.size() && !found.empty(); ++n) {
      const Point& p = points[n];
      bool smooth = true;
      for (int i = 0; i < row.arity; ++i)
        smooth = smooth && (graph.is_bool(i) || is_smooth(op, p, i));
      if (!smooth) continue;
      ++checked;
      const auto arity = static_cast<size_t>(row.arity);
      size_t second = arity;
      for (int i = 0; i < row.arity; ++i) {
        if (graph.is_bool(i)) continue;
        expect_close(found[static_cast<size_t>(i)].at(static_cast<int64_t>(n)).f,
                     slope(op, p, i, 1e-5L), 1e-4, place(op, p) + ", operand " + std::to_string(i));
        for (int j = 0; j < row.arity; ++j, ++second) {
          if (graph.is_bool(j)) continue;
          const oracle::real h = 1e-4L;
          const oracle::real wanted = (value(op, p, i, h, j, h) - value(op, p, i, h, j, -h) -
                                       value(op, p, i, -h, j, h) + value(op, p, i, -h, j, -h)) /
                                      (4 * h * h);
          expect_close(found[second].at(static_cast<int64_t>(n)).f, wanted, 2e-3,
                       place(op, p) + ", operands " + std::to_string(i) + std::to_string(j));
        }
      }
    }
    EXPECT_TRUE(found.empty() || checked >= 10) << row.name << ": " << checked;
  }
}

// The derivatives to each operand at one point.
std::vector<double> at(ScalarOp op, std::vector<double> point) {
  Row row(op);
  Point p{};
  for (size_t i = 0; i < point.size(); ++i) p[i] = point[i];
  std::vector<double> out;
  for (const Tensor& t : row.derivatives({p})) out.push_back(t.at(0).f);
  out.resize(point.size());
  return out;
}

TEST(GradScalars, WhereNoDerivativeExists) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  using List = std::vector<double>;
  EXPECT_EQ(at(ScalarOp::abs, {0}), List{0});
  EXPECT_EQ(at(ScalarOp::relu, {0}), List{0});
  EXPECT_EQ(at(ScalarOp::sqrt, {0}), List{kInf});
  EXPECT_EQ(at(ScalarOp::cbrt, {0}), List{kInf});
  EXPECT_EQ(at(ScalarOp::log, {0}), List{kInf});
  EXPECT_EQ(at(ScalarOp::copysign, {0, -1}), (List{0, 0}));
  EXPECT_EQ(at(ScalarOp::max, {2, 2}), (List{0.5, 0.5}));
  EXPECT_EQ(at(ScalarOp::min, {2, 2}), (List{0.5, 0.5}));
  EXPECT_EQ(at(ScalarOp::clamp, {1, 1, 2}), (List{1, 0, 0}));
  EXPECT_EQ(at(ScalarOp::clamp, {0, 2, 1}), (List{0, 0, 1}));  // an empty interval: its upper end
  EXPECT_EQ(at(ScalarOp::pow, {0, 2}), (List{0, 0}));
  EXPECT_EQ(at(ScalarOp::pow, {0, 1}), (List{1, 0}));
  EXPECT_EQ(at(ScalarOp::pow, {0, 0}), (List{0, 0}));
  EXPECT_EQ(at(ScalarOp::pow, {-2, 2})[0], -4);
  EXPECT_TRUE(std::isnan(at(ScalarOp::pow, {-2, 2})[1]));
}

TEST(GradScalars, PowersOfZeroToAnyOrder) {
  Graph graph;
  Builder b(graph);
  const Value x = b.input("x", DType::f64, {}), one = b.constant(DType::f64, 1);
  Value y = b.apply(ScalarOp::pow, {x, b.constant(DType::f64, 2)});
  for (double wanted : {0.0, 2.0, 0.0, 0.0}) {
    y = gradients(b, {&y, 1}, {&one, 1}, {&x, 1})[0];
    graph.results = {{"y", y}};
    EXPECT_EQ(evaluate(graph, {{"x", tensor(DType::f64, {}, {0})}}).results[0].at(0).f, wanted);
  }
}

}  // namespace
}  // namespace mintor::test
