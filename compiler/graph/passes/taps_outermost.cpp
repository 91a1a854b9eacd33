// SPDX-License-Identifier: Apache-2.0
// Weight gradients of convolutions: the taps of the window are axes of the result there, short ones
// that move along what is summed. They go first, and the longest channel last, so that vectors have
// whole blocks of it and no guard cuts them.
//| y = contract (g[b, m0, n], x[b, k, m0 + w0 - 1]) out n, k, w0; sum b, m0
//|   ->  yt = contract (...) out w0, k, n
//|       y = transpose (yt)
// A contract's order is over logical axes: bits stay.
#include <algorithm>

#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"

namespace mintor {
namespace {

bool is_summed(const ContractAxis& a) {
  return a.role == AxisRole::k || a.role == AxisRole::window;
}

// An axis of the result that shares a coordinate with a summed one.
bool is_tap(const Contract& c, const ContractAxis& axis) {
  if (is_summed(axis)) return false;
  for (const auto* coords : {&c.x_coords, &c.y_coords})
    for (const Index& coord : *coords)
      if (coord.mentions(axis.name) && std::ranges::any_of(c.axes, [&](const ContractAxis& a) {
            return a.role == AxisRole::k && coord.mentions(a.name);
          }))
        return true;
  return false;
}

int64_t extent_or_large(const ContractAxis& axis) {
  return axis.extent.is_const() ? axis.extent.value() : int64_t{1} << 40;
}

// Positions in c.axes of the result's axes, in their new order; empty where they stay.
std::vector<size_t> new_order(const Contract& c) {
  std::vector<size_t> taps, channels;
  for (size_t i = 0; i < c.axes.size(); ++i) {
    if (is_summed(c.axes[i])) continue;
    (is_tap(c, c.axes[i]) ? taps : channels).push_back(i);
  }
  if (taps.empty() || channels.empty()) return {};
  const auto longest = std::ranges::max_element(channels, {}, [&](size_t i) {
    return c.axes[i].role == AxisRole::batch ? 0 : extent_or_large(c.axes[i]);
  });
  std::rotate(longest, longest + 1, channels.end());
  taps.insert(taps.end(), channels.begin(), channels.end());
  return std::ranges::is_sorted(taps) ? std::vector<size_t>{} : taps;
}

std::optional<std::vector<Value>> reordered(Builder& b, const Node& old,
                                            std::span<const Value> operands) {
  if (old.kind != Kind::contract) return std::nullopt;
  const Contract& c = old.as<Contract>();
  const bool windowed =
      std::ranges::any_of(c.axes, [](const ContractAxis& a) { return a.role == AxisRole::window; });
  const std::vector<size_t> order = new_order(c);
  if (windowed || order.empty()) return std::nullopt;
  Contract made = c;
  made.axes.clear();
  std::vector<int32_t> dims;
  for (const size_t i : order) {
    made.axes.push_back(c.axes[i]);
    dims.push_back(static_cast<int32_t>(
        std::count_if(c.axes.begin(), c.axes.begin() + static_cast<std::ptrdiff_t>(i),
                      [](const auto& a) { return !is_summed(a); })));
  }
  for (const ContractAxis& a : c.axes)
    if (is_summed(a)) made.axes.push_back(a);
  const Value y = b.contract(operands[0], operands[1], std::move(made));
  return std::vector<Value>{b.transpose(y, inverse(dims))};
}

Graph run(CompileContext&, const Graph& graph) { return rewrite(graph, reordered); }

}  // namespace

extern const GraphPass pass_taps_outermost;
const GraphPass pass_taps_outermost = {"taps_outermost",
                                       "puts the taps of weight gradients outermost", run};

}  // namespace mintor
