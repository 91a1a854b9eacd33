// SPDX-License-Identifier: Apache-2.0
// Convolutions of r taps along each window as Winograd's F(m, r), where that is cheaper.
//   y = contract (x, w[n, k, r, r])  ->  u = G w G' [n, k, m + r - 1, m + r - 1]
//                                        y = contract (x, u) order winograd(m)
// u is made of parameters alone, by `prepare`. Takes float convolutions with windows that move by
// one, and transposed ones, phase by phase (graph/phases.h); `--numerics strict` leaves it out.
// What it costs is told from extents and hints, never from the target.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compiler/graph/cost.h"
#include "compiler/graph/from_parameters.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/phases.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/winograd.h"

namespace mintor {
namespace {

// In the time of one fused multiply-add of a vector's lane: what the memory takes for a byte of
// weights, and a transform for one of its operations, which also loads and stores, and spills where
// a tile has more values than there are registers (512 channels at 7 x 7 to 64 at 224 x 224, Zen 5,
// 2026-11-30).
constexpr double kWeightByte = 3.0, kTransformStep = 2.5, kRegisters = 36;
// Below this gain the further rounding is not worth it.
constexpr double kWorthIt = 0.85;
// The 64 points of squares spill, and round twice as much as 36: 256 channels at 56 x 56 and 3 taps
// took 6.1 ms, and 4.9 with 36 (Zen 5, 2026-11-30); 64 channels and 5 taps 1.5, and 3.1 with 36
// (Zen 3, 2026-12-01). So they have to gain as much again, and sums of more channels would be wrong
// by more than 2e-5 of the largest.
constexpr int64_t kLargeLine = 8;
constexpr double kMostChannelsOfLarge = 512;
// One chain over the channels has to hold all of them.
constexpr int64_t kMostChannels = 8192;

struct Along {
  double results = 1, step = 1;
  double products = 1;  // taps of all results that are inside of x, before phases are columns
};
struct Sizes {
  std::string refused;  // why it is no convolution that this pass takes
  double places = 1;    // results per channel but along tiled axes
  double columns = 1, channels = 1;
  int64_t taps = 1;          // along each tiled axis
  double weights = 1;        // that there are of each column and channel
  double phases = 1;         // columns of the products, of each one of the results
  std::vector<Along> along;  // each tiled axis
};

double power(double base, size_t exponent) {
  double product = 1;
  for (size_t n = 0; n < exponent; ++n) product *= base;
  return product;
}

double direct_cost(const Sizes& s) {
  double products = s.places;
  for (const Along& along : s.along) products *= along.products;
  return (products + s.weights * 4 * kWeightByte) * s.channels * s.columns;
}

// Operations of a transform on a whole tile.
double steps_of(const winograd::Transform& t, size_t axes) {
  double steps = 0;
  for (size_t a = 0; a < axes; ++a)
    steps += static_cast<double>(t.steps.size()) * power(static_cast<double>(t.outputs.size()), a) *
             power(static_cast<double>(t.inputs), axes - 1 - a);
  return steps;
}

double winograd_cost(const Sizes& s, int64_t line, int64_t tile) {
  const size_t axes = s.along.size();
  const double points = power(static_cast<double>(line), axes), columns = s.columns * s.phases;
  double tiles = s.places;
  for (const Along& along : s.along)
    tiles *= along.step * std::ceil(along.results / along.step / static_cast<double>(tile));
  const double input = steps_of(winograd::input_transform(line), axes) + 2 * points;
  const double output = steps_of(winograd::output_transform(line, tile), axes) + 2 * points;
  const double products = points * s.channels * columns;
  return tiles * (products + kTransformStep * (1 + points / kRegisters) *
                                 (input * s.channels + output * columns)) +
         products * 4 * kWeightByte;
}

// A tile, or none (0), and the numbers or the condition behind it.
struct Verdict {
  int64_t tile = 0, points = 0;  // along a window
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
  for (const int64_t points : winograd::kPoints) {
    const int64_t tile = points - s.taps + 1;
    if (tile < 2 || power(static_cast<double>(points), s.along.size()) >
                        static_cast<double>(winograd::kMostPoints))
      continue;
    const bool large = points >= kLargeLine && s.along.size() > 1;
    if (large && s.channels > kMostChannelsOfLarge) continue;
    const double cost = winograd_cost(s, points, tile);
    costs += fmt::format("{} {:.2f} in tiles of {}", costs.empty() ? "; of that" : ",",
                         cost / direct, tile);
    if (cost >= (large ? least * kWorthIt : least)) continue;
    least = cost;
    verdict.tile = tile;
    verdict.points = points;
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
    const std::optional<Phases> phases = Phases::of(c);
    const Contract given = c;
    if (phases) c = phases->contract();
    const auto axes = axes_of(c);
    const Verdict verdict = judge(given, phases, c, axes, operands);
    explain(old, verdict);
    if (verdict.tile == 0) return std::nullopt;
    Builder::Scope scope(b, "winograd");
    const Value taps = phases ? phases->weights(b, operands[1]) : operands[1];
    const Value weights = transformed(b, taps, c, *axes, verdict.points);
    for (const winograd::Axis& axis : *axes) c.axes[axis.window].extent = verdict.points;
    c.order.form = Order::Form::winograd;
    c.order.tile = verdict.tile;
    const Value sums = b.contract(operands[0], weights, c);
    return std::vector<Value>{phases ? phases->results(b, sums) : sums};
  }

 private:
  double typical(const Index& extent) const {
    return static_cast<double>(value_of(extent, symbols_));
  }

  // Windows of as many taps each.
  static std::optional<std::vector<winograd::Axis>> axes_of(const Contract& c) {
    const int64_t taps = winograd::points_of(c);
    return taps > 1 ? winograd::axes_of(c, taps) : std::nullopt;
  }

  Verdict judge(const Contract& given, const std::optional<Phases>& phases, const Contract& c,
                const std::optional<std::vector<winograd::Axis>>& axes,
                std::span<const Value> operands) {
    const auto refused = [](std::string why) { return Verdict{0, 0, std::move(why)}; };
    if (!c.conditions.empty()) return refused("it is computed under a condition");
    for (const Value& operand : operands)
      if (operand.dtype() != DType::f32)
        return refused(fmt::format("an operand is {}, not f32", name_of(operand.dtype())));
    if (!axes) return refused("windows have not as many taps each, or move by more than one");
    const Sizes sizes = sizes_of(given, phases, c, *axes, operands[0].shape());
    if (!sizes.refused.empty()) return refused(sizes.refused);
    if (!from_parameters_(operands[1])) return refused("its weights are known when it runs only");
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

  Sizes sizes_of(const Contract& given, const std::optional<Phases>& phases, const Contract& c,
                 const std::vector<winograd::Axis>& axes, const Shape& x) const {
    Sizes s;
    s.taps = winograd::points_of(c);
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
    for (const winograd::Axis& axis : axes)
      s.along.push_back(along(given, phased(phases, axis), c, axis, x));
    for (const ContractAxis& axis : given.axes)
      if (axis.role == AxisRole::window) s.weights *= typical(axis.extent);
    if (phases)
      for (const PhasedAxis& axis : phases->axes()) s.phases *= static_cast<double>(axis.stride);
    s.columns /= s.phases;
    return s;
  }

  static const PhasedAxis* phased(const std::optional<Phases>& phases, const winograd::Axis& axis) {
    if (!phases) return nullptr;
    return &*std::ranges::find(phases->axes(), axis.window, &PhasedAxis::window);
  }

  Along along(const Contract& given, const PhasedAxis* phased, const Contract& c,
              const winograd::Axis& axis, const Shape& x) const {
    const std::string& window = c.axes[axis.window].name;
    size_t d = 0;
    while (!c.x_coords[d].mentions(window)) ++d;
    Along a{typical(c.axes[axis.out].extent), static_cast<double>(axis.step), 0};
    const double results = typical(given.axes[axis.out].extent), inputs = typical(x[d]);
    const Index first = c.x_coords[d].substitute({{window, 0}, {c.axes[axis.out].name, 0}});
    for (int64_t tap = 0; tap < given.axes[axis.window].extent.value(); ++tap) {
      if (phased == nullptr) {
        const double at = typical(first + tap * axis.step);
        a.products += std::max(0.0, std::min(results, inputs - at) - std::max(0.0, -at));
      } else {  // x[i] goes to y[stride * i + at]
        const auto at = static_cast<double>(tap - phased->shift);
        const auto stride = static_cast<double>(phased->stride);
        const double least = std::max(0.0, std::ceil(-at / stride)),
                     most = std::min(inputs - 1, std::floor((results - 1 - at) / stride));
        a.products += std::max(0.0, most - least + 1);
      }
    }
    return a;
  }

  // G along each window of the weights, in f64, rounded once.
  static Value transformed(Builder& b, Value weights, const Contract& c,
                           const std::vector<winograd::Axis>& axes, int64_t points) {
    const int64_t taps = winograd::points_of(c);
    std::vector<double> numbers;
    for (const auto& row : winograd::weight_matrix(points, taps))
      numbers.insert(numbers.end(), row.begin(), row.end());
    auto [matrix, bytes] = Tensor::make(DType::f64, {points, taps});
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
      product.axes.push_back({"tap", AxisRole::k, taps});
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
