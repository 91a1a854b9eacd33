// SPDX-License-Identifier: Apache-2.0
// Convolutions of r taps along each window as Winograd's F(m, r), where that is cheaper.
//   y = contract (x, w[n, k, r, r])  ->  u = G w G' [n, k, m + r - 1, m + r - 1]
//                                        y = contract (x, u) order winograd(m)
// u is made of parameters alone, by `prepare`. Takes float convolutions with windows that move by
// one, and transposed ones, phase by phase (graph/phases.h); `--numerics strict` leaves it out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compiler/graph/cost.h"
#include "compiler/graph/from_parameters.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/phases.h"
#include "compiler/graph/rewrite.h"
#include "compiler/graph/winograd_cost.h"
#include "compiler/ir/winograd.h"

namespace mintor {
namespace {

// One chain over the channels has to hold all of them.
constexpr int64_t kMostChannels = 8192;

bool has_windows(const Contract& c) {
  return std::ranges::any_of(c.axes, [](const ContractAxis& axis) {
    return axis.role == AxisRole::window && !axis.extent.is_const(1);
  });
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
    const winograd::Verdict verdict = judge(given, phases, c, axes, operands);
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

  winograd::Verdict judge(const Contract& given, const std::optional<Phases>& phases,
                          const Contract& c, const std::optional<std::vector<winograd::Axis>>& axes,
                          std::span<const Value> operands) {
    const auto refused = [](std::string why) { return winograd::Verdict{0, 0, std::move(why)}; };
    if (!c.conditions.empty()) return refused("it is computed under a condition");
    for (const Value& operand : operands)
      if (operand.dtype() != DType::f32)
        return refused(fmt::format("an operand is {}, not f32", name_of(operand.dtype())));
    if (!axes) return refused("windows have not as many taps each, or move by more than one");
    if (const std::string why = refused_axes(c); !why.empty()) return refused(why);
    if (!from_parameters_(operands[1])) return refused("its weights are known when it runs only");
    return winograd::cheapest_tile(sizes_of(given, phases, c, *axes, operands[0].shape()));
  }

  void explain(const Node& contract, const winograd::Verdict& verdict) const {
    if (!context_.options.explain) return;
    const std::vector<std::string>& scopes = graph_.scopes(&contract);
    const std::string name = scopes.empty() ? "a contract" : scopes.front();
    const std::string what =
        verdict.tile == 0 ? "no" : fmt::format("tiles of {} results", verdict.tile);
    context_.explain("winograd: " + name + ": " + what + ": " + verdict.why);
  }

  // Why its axes are not those of a convolution that this pass takes; "" where they are.
  static std::string refused_axes(const Contract& c) {
    int k_axes = 0, n_axes = 0;
    for (const ContractAxis& axis : c.axes) {
      const bool known = axis.extent.is_const();
      if (axis.role == AxisRole::batch && !axis.extent.is_const(1)) return "it has groups";
      if (axis.role == AxisRole::k && (!known || axis.extent.value() > kMostChannels))
        return fmt::format("its sums are over more channels than {}, or nobody knows how many",
                           kMostChannels);
      if (axis.role == AxisRole::n && !known) return "how many channels it gives is not known";
      k_axes += axis.role == AxisRole::k;
      n_axes += axis.role == AxisRole::n;
    }
    if (k_axes == 1 && n_axes == 1) return "";
    return "it has not one axis of channels on either side";
  }

  winograd::Sizes sizes_of(const Contract& given, const std::optional<Phases>& phases,
                           const Contract& c, const std::vector<winograd::Axis>& axes,
                           const Shape& x) const {
    winograd::Sizes s;
    s.taps = winograd::points_of(c);
    for (size_t n = 0; n < c.axes.size(); ++n) {
      const ContractAxis& axis = c.axes[n];
      const bool tiled = std::ranges::find(axes, n, &winograd::Axis::out) != axes.end();
      if (axis.role == AxisRole::k) s.channels = typical(axis.extent);
      if (axis.role == AxisRole::n) s.columns = typical(axis.extent);
      if (axis.role == AxisRole::m && !tiled) s.places *= typical(axis.extent);
    }
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

  winograd::Along along(const Contract& given, const PhasedAxis* phased, const Contract& c,
                        const winograd::Axis& axis, const Shape& x) const {
    const std::string& window = c.axes[axis.window].name;
    size_t d = 0;
    while (!c.x_coords[d].mentions(window)) ++d;
    winograd::Along a{typical(c.axes[axis.out].extent), static_cast<double>(axis.step), 0};
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
const GraphPass pass_winograd = {"winograd", "convolutions by Winograd's F(m, r)", run};

}  // namespace mintor
