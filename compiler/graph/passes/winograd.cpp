// SPDX-License-Identifier: Apache-2.0
// Convolutions of three taps along each window as Winograd's F(m, 3), where that is cheaper.
//   y = contract (x, w[n, k, 3, 3])  ->  u = G w G' [n, k, m + 2, m + 2]
//                                        y = contract (x, u) order winograd(m)
// u is made of parameters alone, by `prepare`. Takes float convolutions with windows that move by
// one; `--numerics strict` leaves it out. What it costs is told from extents and hints, never from
// the target.
#include <fmt/format.h>

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
  std::string refused;  // why it is no convolution that this pass takes
  double places = 1;    // results per channel but along tiled axes
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

// A tile, or none (0), and the numbers or the condition behind it.
struct Verdict {
  int64_t tile = 0;
  std::string why;
};

bool has_windows(const Contract& c) {
  return std::ranges::any_of(c.axes, [](const ContractAxis& axis) {
    return axis.role == AxisRole::window && !axis.extent.is_const(1);
  });
}

// The cheapest tile, where it is worth it.
Verdict cheapest_tile(const Sizes& s) {
  const double direct = direct_cost(s);
  double least = direct * kWorthIt;
  Verdict verdict;
  std::string costs;
  for (const int64_t tile : winograd::kTiles) {
    if (power(static_cast<double>(tile) + winograd::kTaps - 1, s.along.size()) >
        static_cast<double>(winograd::kMostPoints))
      continue;
    if (tile > kLargestSquare && s.along.size() > 1) continue;
    const double cost = winograd_cost(s, tile);
    costs += fmt::format("{} {:.2f} in tiles of {}", costs.empty() ? "; of that" : ",",
                         cost / direct, tile);
    if (cost >= least) continue;
    least = cost;
    verdict.tile = tile;
  }
  verdict.why = fmt::format("costs {:.3g} as it is{}", direct, costs);
  if (verdict.tile == 0) verdict.why += fmt::format(", needed below {}", kWorthIt);
  return verdict;
}

class Rewrite {
 public:
  Rewrite(CompileContext& context, const Graph& graph)
      : context_(context),
        graph_(graph),
        symbols_(typical_symbols(graph)),
        from_parameters_(graph) {}

  std::optional<std::vector<Value>> operator()(Builder& b, const Node& old,
                                               std::span<const Value> operands) {
    if (old.kind != Kind::contract) return std::nullopt;
    Contract c = old.as<Contract>();
    if (c.order.form != Order::Form::unset || !has_windows(c)) return std::nullopt;
    const auto axes = winograd::axes_of(c, winograd::kTaps);
    const Verdict verdict = judge(c, axes, operands);
    explain(old, verdict);
    const int64_t tile = verdict.tile;
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

  Verdict judge(const Contract& c, const std::optional<std::vector<winograd::Axis>>& axes,
                std::span<const Value> operands) {
    if (!c.conditions.empty()) return {0, "it is computed under a condition"};
    for (const Value& operand : operands)
      if (operand.dtype() != DType::f32)
        return {0, fmt::format("an operand is {}, not f32", name_of(operand.dtype()))};
    if (!axes) return {0, "a window has not three taps, or moves by more than one"};
    const Sizes sizes = sizes_of(c, *axes, operands[0].shape());
    if (!sizes.refused.empty()) return {0, sizes.refused};
    if (!from_parameters_(operands[1])) return {0, "its weights are known when it runs only"};
    return cheapest_tile(sizes);
  }

  void explain(const Node& contract, const Verdict& verdict) const {
    if (!context_.options.explain) return;
    const std::vector<std::string>& scopes = graph_.scopes(&contract);
    const std::string name = scopes.empty() ? "a contract" : scopes.front();
    const std::string what =
        verdict.tile == 0 ? "no" : fmt::format("tiles of {} results", verdict.tile);
    context_.explain("winograd: " + name + ": " + what + ": " + verdict.why);
  }

  Sizes sizes_of(const Contract& c, const std::vector<winograd::Axis>& axes, const Shape& x) const {
    Sizes s;
    int k_axes = 0, n_axes = 0;
    for (size_t n = 0; n < c.axes.size(); ++n) {
      const ContractAxis& axis = c.axes[n];
      const bool tiled = std::ranges::find(axes, n, &winograd::Axis::out) != axes.end();
      switch (axis.role) {
        case AxisRole::batch:
          if (!axis.extent.is_const(1)) s.refused = "it has groups";
          break;
        case AxisRole::k:
          ++k_axes;
          if (!axis.extent.is_const() || axis.extent.value() > kMostChannels)
            s.refused = fmt::format(
                "its sums are over more channels than {}, or nobody knows how many", kMostChannels);
          s.channels = typical(axis.extent);
          break;
        case AxisRole::n:
          ++n_axes;
          if (!axis.extent.is_const()) s.refused = "how many channels it gives is not known";
          s.columns = typical(axis.extent);
          break;
        case AxisRole::m:
          if (!tiled) s.places *= typical(axis.extent);
          break;
        case AxisRole::window:
          break;
      }
    }
    if (k_axes != 1 || n_axes != 1) s.refused = "it has not one axis of channels on either side";
    if (!s.refused.empty()) return s;
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

  CompileContext& context_;
  const Graph& graph_;
  SymbolValues symbols_;
  FromParameters from_parameters_;  // of the new graph
};

Graph run(CompileContext& context, const Graph& graph) {
  if (context.options.numerics == "strict") return rewrite(graph, nullptr);
  Rewrite winograd(context, graph);
  return rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value> operands) {
    return winograd(b, old, operands);
  });
}

}  // namespace

extern const GraphPass pass_winograd;
const GraphPass pass_winograd = {"winograd", "convolutions by Winograd's F(m, 3)", run};

}  // namespace mintor
