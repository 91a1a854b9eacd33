// SPDX-License-Identifier: Apache-2.0
// Takes numbers of points and taps, or a contract; gives what winograd.h says.
//   N(x) = x (x^2 - 1) (x^2 - 4) ..   has the points as roots
//   B: row of a point p: the coefficients of N / (x - p); of infinity: those of N
//   A: column of a point p: 1, p, p^2, ..; of infinity: 0, .., 0, 1
//   G: row of a point p: (1, p, p^2, ..) / N'(p); of infinity: 0, .., 0, 1
#include "compiler/ir/winograd.h"

#include <algorithm>

#include "compiler/support/error.h"

namespace mintor::winograd {
namespace {

using Polynomial = std::vector<double>;  // by power, ascending

// Of the pairs +p, -p; 0 and infinity always are there.
std::vector<double> pairs_of(int64_t points) {
  check(std::ranges::find(kPoints, points) != std::end(kPoints), "winograd", "no such tile");
  const std::vector<double> all{1, 2, 0.5};
  return {all.begin(), all.begin() + points / 2 - 1};
}

// times (x^2 - square)
Polynomial times(const Polynomial& p, double square) {
  Polynomial product(p.size() + 2);
  for (size_t n = 0; n < p.size(); ++n) {
    product[n + 2] += p[n];
    product[n] -= square * p[n];
  }
  return product;
}

// The product of x^2 - q^2 over all pairs but `left_out`.
Polynomial product_of(const std::vector<double>& pairs, double left_out) {
  Polynomial product{1};
  for (const double q : pairs)
    if (q != left_out) product = times(product, q * q);
  return product;
}

Polynomial times_x(Polynomial p) {
  p.insert(p.begin(), 0);
  return p;
}

class Writer {
 public:
  explicit Writer(int64_t inputs) { transform_.inputs = static_cast<int32_t>(inputs); }

  int32_t step(ScalarOp op, int32_t a, int32_t b, double factor = 1) {
    transform_.steps.push_back({op, a, b, factor});
    return transform_.inputs + static_cast<int32_t>(transform_.steps.size()) - 1;
  }
  // factor * a + b
  int32_t plus(double factor, int32_t a, int32_t b) {
    if (factor == 1) return step(ScalarOp::add, b, a);
    if (factor == -1) return step(ScalarOp::sub, b, a);
    return step(ScalarOp::fma, a, b, factor);
  }
  // The inputs weighted by a polynomial whose highest coefficient is 1.
  int32_t sum(const Polynomial& p) {
    auto value = static_cast<int32_t>(p.size()) - 1;
    for (size_t n = p.size() - 1; n-- > 0;)
      if (p[n] != 0) value = plus(p[n], static_cast<int32_t>(n), value);
    return value;
  }
  Transform finish(std::vector<int32_t> outputs) {
    transform_.outputs = std::move(outputs);
    return std::move(transform_);
  }

 private:
  Transform transform_;
};

}  // namespace

Transform input_transform(int64_t points) {
  const std::vector<double> pairs = pairs_of(points);
  const Polynomial all = product_of(pairs, 0);
  Writer write(points);
  std::vector<int32_t> outputs{write.sum(all)};
  for (const double p : pairs) {  // N / (x - p) = (x + p) Q, Q = N / (x^2 - p^2)
    const Polynomial q = times_x(product_of(pairs, p));
    const int32_t odd = write.sum(q), even = write.sum(times_x(q));
    outputs.push_back(write.plus(p, odd, even));
    outputs.push_back(write.plus(-p, odd, even));
  }
  outputs.push_back(write.sum(times_x(all)));
  return write.finish(std::move(outputs));
}

Transform output_transform(int64_t points, int64_t tile) {
  const std::vector<double> pairs = pairs_of(points);
  Writer write(points);
  std::vector<int32_t> sums, differences;
  for (size_t n = 0; n < pairs.size(); ++n) {
    const auto plus = static_cast<int32_t>(2 * n + 1);
    sums.push_back(write.step(ScalarOp::add, plus, plus + 1));
    differences.push_back(write.step(ScalarOp::sub, plus, plus + 1));
  }
  std::vector<int32_t> outputs;
  std::vector<double> powers(pairs.size(), 1);
  for (int64_t k = 0; k < tile; ++k) {
    const std::vector<int32_t>& terms = k % 2 == 0 ? sums : differences;
    int32_t value = terms[0];  // of the points 1 and -1
    if (k == 0) value = write.step(ScalarOp::add, 0, value);
    for (size_t n = 1; n < pairs.size(); ++n) value = write.plus(powers[n], terms[n], value);
    if (k == tile - 1) value = write.step(ScalarOp::add, value, static_cast<int32_t>(points) - 1);
    for (size_t n = 0; n < pairs.size(); ++n) powers[n] *= pairs[n];
    outputs.push_back(value);
  }
  return write.finish(std::move(outputs));
}

std::vector<std::vector<double>> weight_matrix(int64_t points, int64_t taps) {
  std::vector<double> finite{0};
  for (const double p : pairs_of(points)) {
    finite.push_back(p);
    finite.push_back(-p);
  }
  std::vector<std::vector<double>> rows;
  for (const double p : finite) {
    double slope = 1;  // N'(p)
    for (const double q : finite)
      if (q != p) slope *= p - q;
    std::vector<double>& row = rows.emplace_back();
    double power = 1;
    for (int64_t tap = 0; tap < taps; ++tap, power *= p) row.push_back(power / slope);
  }
  rows.emplace_back(taps).back() = 1;
  return rows;
}

namespace {

bool mentions(const std::vector<Index>& coords, const std::string& axis) {
  return std::ranges::any_of(coords, [&](const Index& e) { return e.mentions(axis); });
}

// The out axis that the window moves along in the one coordinate of x that has both.
std::optional<Axis> axis_along(const Contract& c, size_t window) {
  const std::string& name = c.axes[window].name;
  const Index* coordinate = nullptr;
  for (const Index& e : c.x_coords) {
    if (!e.mentions(name)) continue;
    if (coordinate != nullptr) return std::nullopt;
    coordinate = &e;
  }
  if (coordinate == nullptr) return std::nullopt;
  const auto along_window = coordinate->affine_in(name);
  if (!along_window || along_window->first < 1) return std::nullopt;
  std::optional<Axis> found;
  for (size_t n = 0; n < c.axes.size(); ++n) {
    if (n == window || !coordinate->mentions(c.axes[n].name)) continue;
    const auto along = coordinate->affine_in(c.axes[n].name);
    if (found || c.axes[n].role != AxisRole::m || !along || along->first != 1) return std::nullopt;
    found = Axis{window, n, along_window->first};
  }
  if (!found || mentions(c.y_coords, c.axes[found->out].name)) return std::nullopt;
  return found;
}

}  // namespace

std::optional<std::vector<Axis>> axes_of(const Contract& c, int64_t taps) {
  std::vector<Axis> axes;
  for (size_t n = 0; n < c.axes.size(); ++n) {
    if (c.axes[n].role != AxisRole::window || c.axes[n].extent.is_const(1)) continue;
    const Index var = Index::var(c.axes[n].name);
    if (!c.axes[n].extent.is_const(taps) || std::ranges::count(c.y_coords, var) != 1)
      return std::nullopt;
    const auto axis = axis_along(c, n);
    if (!axis) return std::nullopt;
    for (const Axis& other : axes)
      if (other.out == axis->out) return std::nullopt;
    const Index out = Index::var(c.axes[axis->out].name);
    if (std::ranges::count_if(c.x_coords,
                              [&](const Index& e) { return e.mentions(*out.as_var()); }) != 1)
      return std::nullopt;
    axes.push_back(*axis);
  }
  if (axes.empty()) return std::nullopt;
  return axes;
}

int64_t points_of(const Contract& c) {
  for (const ContractAxis& axis : c.axes)
    if (axis.role == AxisRole::window && axis.extent.is_const() && !axis.extent.is_const(1))
      return axis.extent.value();
  return 1;
}

std::vector<Axis> axes_of(const Contract& c) {
  auto axes = axes_of(c, points_of(c));
  check(axes.has_value(), "winograd", "a contract has lost its windows");
  return *axes;
}

}  // namespace mintor::winograd
