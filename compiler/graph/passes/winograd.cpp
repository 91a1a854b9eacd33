// SPDX-License-Identifier: Apache-2.0
// Convolutions of three taps along each window as Winograd's F(m, 3), where that is cheaper.
//   y = contract (x, w[n, k, 3, 3])  ->  u = G w G' [n, k, m + 2, m + 2]
//                                        y = contract (x, u) order winograd(m)
// u is made of parameters alone, by `prepare`. Takes float convolutions with windows that move by
// one; `--numerics strict` leaves it out. What it costs is told from extents and hints, never from
// the target.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "compiler/graph/cost.h"
#include "compiler/graph/from_parameters.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/winograd.h"

namespace mintor {
namespace {

// In the time of one fused multiply-add of a vector's lane: what the memory takes for a byte of
// weights, and a transform for one of its operations, which also loads and stores, and spills where
// a tile has more values than there are registers (512 channels at 7 x 7 to 64 at 224 x 224, Zen 5,
// 2026-11-30).
constexpr double kWeightByte = 3.0, kTransformStep = 2.5, kRegisters = 36;
// Along two windows the 64 points of larger tiles spill, and round twice as much: 256 channels at
// 56 x 56 took 6.1 ms, those of 4 took 4.9 (Zen 5, 2026-11-30).
constexpr int64_t kLargestSquare = 4;
// Below this gain the further rounding is not worth it.
constexpr double kWorthIt = 0.85;
// One chain over the channels has to hold all of them.
constexpr int64_t kMostChannels = 8192;

struct Along {
  double results = 1, step = 1;
  double products = 1;  // taps of all results that are inside of x
};
struct Sizes {
  double places = 1;  // results per channel but along tiled axes
  double columns = 1, channels = 1;
  std::vector<Along> along;  // each tiled axis
};

double power(double base, size_t exponent) {
  double product = 1;
  for (size_t n = 0; n < exponent; ++n) product *= base;
  return product;
}

double weight_cost(const Sizes& s, double points) {
  return points * s.channels * s.columns * 4 * kWeightByte;
}

double direct_cost(const Sizes& s) {
  double products = s.places;
  for (const Along& along : s.along) products *= along.products;
  return products * s.channels * s.columns + weight_cost(s, power(winograd::kTaps, s.along.size()));
}

// Operations of a transform on a whole tile.
double steps_of(const winograd::Transform& t, size_t axes) {
  double steps = 0;
  for (size_t a = 0; a < axes; ++a)
    steps += static_cast<double>(t.steps.size()) * power(static_cast<double>(t.outputs.size()), a) *
             power(static_cast<double>(t.inputs), axes - 1 - a);
  return steps;
}

double winograd_cost(const Sizes& s, int64_t tile) {
  const size_t axes = s.along.size();
  const double points = power(static_cast<double>(tile) + winograd::kTaps - 1, axes);
  double tiles = s.places;
  for (const Along& along : s.along)
    tiles *= along.step * std::ceil(along.results / along.step / static_cast<double>(tile));
  const double input = steps_of(winograd::input_transform(tile), axes) + 2 * points;
  const double output = steps_of(winograd::output_transform(tile), axes) + 2 * points;
  return tiles * (points * s.channels * s.columns + kTransformStep * (1 + points / kRegisters) *
                                                        (input * s.channels + output * s.columns)) +
         weight_cost(s, points);
}

class Rewrite {
 public:
  explicit Rewrite(const Graph& graph)
      : symbols_(typical_symbols(graph)), from_parameters_(graph) {}

  std::optional<std::vector<Value>> operator()(Builder& b, const Node& old,
                                               std::span<const Value> operands) {
    if (old.kind != Kind::contract) return std::nullopt;
    Contract c = old.as<Contract>();
    if (c.order.form != Order::Form::unset || !c.conditions.empty()) return std::nullopt;
    for (const Value& operand : operands)
      if (operand.dtype() != DType::f32) return std::nullopt;
    const auto axes = winograd::axes_of(c, winograd::kTaps);
    if (!axes) return std::nullopt;
    const auto sizes = sizes_of(c, *axes, operands[0].shape());
    if (!sizes || !from_parameters_(operands[1])) return std::nullopt;
    const int64_t tile = best_tile(*sizes);
    if (tile == 0) return std::nullopt;
    Builder::Scope scope(b, "winograd");
    const Value weights = transformed(b, operands[1], c, *axes, tile);
    for (const winograd::Axis& axis : *axes)
      c.axes[axis.window].extent = tile + winograd::kTaps - 1;
    c.order.form = Order::Form::winograd;
    c.order.tile = tile;
    return std::vector<Value>{b.contract(operands[0], weights, c)};
  }

 private:
  double typical(const Index& extent) const {
    return static_cast<double>(value_of(extent, symbols_));
  }

  std::optional<Sizes> sizes_of(const Contract& c, const std::vector<winograd::Axis>& axes,
                                const Shape& x) const {
    Sizes s;
    int k_axes = 0, n_axes = 0;
    for (size_t n = 0; n < c.axes.size(); ++n) {
      const ContractAxis& axis = c.axes[n];
      const auto tiled = std::ranges::find(axes, n, &winograd::Axis::out);
      switch (axis.role) {
        case AxisRole::batch:
          if (!axis.extent.is_const(1)) return std::nullopt;  // groups
          break;
        case AxisRole::k:
          ++k_axes;
          if (!axis.extent.is_const() || axis.extent.value() > kMostChannels) return std::nullopt;
          s.channels = typical(axis.extent);
          break;
        case AxisRole::n:
          ++n_axes;
          if (!axis.extent.is_const()) return std::nullopt;
          s.columns = typical(axis.extent);
          break;
        case AxisRole::m:
          if (tiled == axes.end()) s.places *= typical(axis.extent);
          break;
        case AxisRole::window:
          break;
      }
    }
    if (k_axes != 1 || n_axes != 1) return std::nullopt;
    for (const winograd::Axis& axis : axes) s.along.push_back(along(c, axis, x));
    return s;
  }

  Along along(const Contract& c, const winograd::Axis& axis, const Shape& x) const {
    const std::string& window = c.axes[axis.window].name;
    size_t d = 0;
    while (!c.x_coords[d].mentions(window)) ++d;
    const Index first = c.x_coords[d].substitute({{window, 0}, {c.axes[axis.out].name, 0}});
    const double results = typical(c.axes[axis.out].extent);
    Along a{results, static_cast<double>(axis.step), 0};
    for (int64_t tap = 0; tap < winograd::kTaps; ++tap) {
      const double at = typical(first + tap * axis.step);
      a.products += std::max(0.0, std::min(results, typical(x[d]) - at) - std::max(0.0, -at));
    }
    return a;
  }

  // 0: none is worth it.
  static int64_t best_tile(const Sizes& s) {
    double least = direct_cost(s) * kWorthIt;
    int64_t best = 0;
    for (const int64_t tile : winograd::kTiles) {
      if (power(static_cast<double>(tile) + winograd::kTaps - 1, s.along.size()) >
          static_cast<double>(winograd::kMostPoints))
        continue;
      if (tile > kLargestSquare && s.along.size() > 1) continue;
      const double cost = winograd_cost(s, tile);
      if (cost >= least) continue;
      least = cost;
      best = tile;
    }
    return best;
  }

  // G along each window of the weights, in f64, rounded once.
  static Value transformed(Builder& b, Value weights, const Contract& c,
                           const std::vector<winograd::Axis>& axes, int64_t tile) {
    std::vector<double> numbers;
    for (const auto& row : winograd::weight_matrix(tile))
      numbers.insert(numbers.end(), row.begin(), row.end());
    const int64_t points = tile + winograd::kTaps - 1;
    auto [matrix, bytes] = Tensor::make(DType::f64, {points, winograd::kTaps});
    std::memcpy(bytes, numbers.data(), numbers.size() * sizeof(double));
    const Value g = b.constant(matrix);
    Value value = b.cast(weights, DType::f64);
    for (const winograd::Axis& axis : axes) {
      const Index window = Index::var(c.axes[axis.window].name);
      const auto at = std::ranges::find(c.y_coords, window) - c.y_coords.begin();
      Contract product;
      std::vector<Index> coords;
      for (int64_t d = 0; d < static_cast<int64_t>(value.shape().size()); ++d) {
        const std::string name = "d" + std::to_string(d);
        product.axes.push_back({name, d == at ? AxisRole::n : AxisRole::m,
                                d == at ? Index(points) : value.shape()[d]});
        coords.push_back(d == at ? Index::var("tap") : Index::var(name));
      }
      product.axes.push_back({"tap", AxisRole::k, winograd::kTaps});
      product.x_coords = coords;
      product.y_coords = {Index::var("d" + std::to_string(at)), Index::var("tap")};
      value = b.contract(value, g, product);
    }
    return b.cast(value, DType::f32);
  }

  SymbolValues symbols_;
  FromParameters from_parameters_;  // of the new graph
};

Graph run(CompileContext& context, const Graph& graph) {
  if (context.options.numerics == "strict") return rewrite(graph, nullptr);
  Rewrite winograd(graph);
  return rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value> operands) {
    return winograd(b, old, operands);
  });
}

}  // namespace

extern const GraphPass pass_winograd;
const GraphPass pass_winograd = {"winograd", "convolutions by Winograd's F(m, 3)", run};

}  // namespace mintor
