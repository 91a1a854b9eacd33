// SPDX-License-Identifier: Apache-2.0
// Counts operations and bytes node by node. Takes a Graph; gives GraphCost.
// Element-wise nodes and reductions count one operation an element, casts and index kinds none:
// the unit is what the arithmetic units do, whatever a function costs inside.
#include "compiler/graph/cost.h"

#include <algorithm>
#include <set>

#include "compiler/graph/from_parameters.h"
#include "compiler/ir/sizes.h"
#include "compiler/ir/winograd.h"
#include "compiler/support/error.h"

namespace mintor {

int64_t value_of(const Index& index, const SymbolValues& symbols) {
  return index.evaluate([&](std::string_view name) {
    const auto found = symbols.find(std::string(name));
    return found == symbols.end() ? int64_t{1} : found->second;
  });
}

namespace {

int64_t product(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) {
    throw CompileError("cost", "the number of operations overflows 63 bits");
  }
  return result;
}

int64_t count_of(const Shape& shape, const SymbolValues& symbols) {
  int64_t count = 1;
  for (const Index& dim : shape) count = product(count, value_of(dim, symbols));
  return count;
}

// Of a winograd tile, the products of its points: one for each `tile` results along a window.
int64_t contract_flops(const Contract& contract, const SymbolValues& symbols) {
  int64_t flops = 2;
  for (const ContractAxis& axis : contract.axes) {
    flops = product(flops, value_of(axis.extent, symbols));
  }
  if (contract.order.form != Order::Form::winograd) return flops;
  for (size_t n = 0; n < winograd::axes_of(contract).size(); ++n) flops /= contract.order.tile;
  return flops;
}

bool is_weight(Kind kind) { return kind == Kind::parameter || kind == Kind::constant; }

bool is_leaf(Kind kind) { return kind == Kind::input || is_weight(kind); }

int64_t flops_of(const Node& node, const SymbolValues& symbols) {
  switch (node.kind) {
    case Kind::unary:
    case Kind::binary:
    case Kind::ternary:
    case Kind::random:
      return count_of(node.results[0].shape, symbols);
    case Kind::reduce:
    case Kind::scan:
    case Kind::sort:
      return product(count_of(node.operands[0].shape(), symbols),
                     static_cast<int64_t>(node.results.size()));
    case Kind::reindex_reduce:
      return count_of(node.operands[1].shape(), symbols);
    case Kind::contract:
      return contract_flops(node.as<Contract>(), symbols);
    case Kind::if_:
    case Kind::loop:
    case Kind::call: {
      const RegionAttr& region = node.as<RegionAttr>();
      int64_t most = 0;  // of a branch; a loop's body counts each time: once, if unknown how often
      for (const auto& body : region.regions) most = std::max(most, cost_of(*body, symbols).flops);
      const bool counted = node.kind == Kind::loop && !region.conditional;
      return counted ? product(most, value_of(region.trip, symbols)) : most;
    }
    case Kind::input:
    case Kind::parameter:
    case Kind::constant:
    case Kind::iota:
    case Kind::cast:
    case Kind::bitcast:
    case Kind::pack:
    case Kind::unpack:
    case Kind::broadcast:
    case Kind::reindex:
    case Kind::concat:
    case Kind::compact:
    case Kind::size:
    case Kind::bind:
    case Kind::code:
    case Kind::host:
      return 0;
  }
  return 0;
}

int64_t peak_live(const Graph& graph, const std::vector<NodeCost>& costs) {
  std::map<const Node*, size_t> last_use;
  for (size_t i = 0; i < costs.size(); ++i) {
    for (const Value& operand : costs[i].node->operands) last_use[operand.node] = i;
  }
  for (const Result& result : graph.results) last_use[result.value.node] = costs.size();
  std::vector<std::vector<size_t>> dying(costs.size() + 1);
  for (size_t i = 0; i < costs.size(); ++i) {
    const auto found = last_use.find(costs[i].node);
    dying[found == last_use.end() ? i : found->second].push_back(i);
  }
  int64_t live = 0, peak = 0;
  for (size_t i = 0; i < costs.size(); ++i) {
    if (!is_leaf(costs[i].node->kind)) live += costs[i].result_bytes;
    peak = std::max(peak, live);
    for (const size_t dead : dying[i]) {
      if (!is_leaf(costs[dead].node->kind)) live -= costs[dead].result_bytes;
    }
  }
  return peak;
}

}  // namespace

namespace {

// The symbols that a run gives of which an expression is made, also through computed ones.
void free_symbols(const Graph& graph, const Index& e, std::set<std::string>& names) {
  for (const Symbol& symbol : graph.symbols()) {
    if (!e.mentions(symbol.name)) continue;
    if (symbol.value)
      free_symbols(graph, *symbol.value, names);
    else if (symbol.hint <= 0)
      names.insert(symbol.name);
  }
}

// Those to which it is due that a contract has no terms or no results.
std::set<std::string> too_small(const Graph& graph, const SymbolValues& values) {
  std::set<std::string> names;
  for (const auto& node : graph.nodes()) {
    if (node->kind != Kind::contract) continue;
    for (const ContractAxis& axis : node->as<Contract>().axes)
      if (!axis.extent.is_const() && value_of(axis.extent, values) < 1)
        free_symbols(graph, axis.extent, names);
  }
  return names;
}

// Those of lines that a window moves along: of images, and of signals.
void walked_by_windows(const Graph& graph, const Graph& nodes, std::set<std::string>& names) {
  for (const auto& node : nodes.nodes()) {
    if (const auto* region = std::get_if<RegionAttr>(&node->attr))
      for (const auto& body : region->regions) walked_by_windows(graph, *body, names);
    if (node->kind != Kind::contract) continue;
    const Contract& c = node->as<Contract>();
    for (const ContractAxis& window : c.axes) {
      if (window.role != AxisRole::window || window.extent.is_const(1)) continue;
      for (size_t d = 0; d < c.x_coords.size(); ++d)
        if (c.x_coords[d].mentions(window.name))
          free_symbols(graph, node->operands[0].shape()[d], names);
    }
  }
}

int64_t legal(const Symbol& symbol, int64_t value) {
  const int64_t divisor = std::max<int64_t>(symbol.divisor, 1);
  value = (std::max(value, symbol.lo) + divisor - 1) / divisor * divisor;
  return symbol.hi >= 0 ? std::min(value, symbol.hi) : value;
}

// What an image measures along a side.
constexpr int64_t kPixels = 320;

}  // namespace

SymbolValues typical_symbols(const Graph& graph) {
  constexpr int kMostDoublings = 24;
  std::set<std::string> lines;
  walked_by_windows(graph, graph, lines);
  SymbolValues values;
  for (const Symbol& symbol : graph.symbols())
    values[symbol.name] = legal(symbol, symbol.hint > 0               ? symbol.hint
                                        : lines.contains(symbol.name) ? kPixels
                                                                      : 1);
  values = sizes_that_fit(graph.symbols(), graph.conditions(), std::move(values));
  for (int turn = 0; turn < kMostDoublings; ++turn) {
    const std::set<std::string> small = too_small(graph, values);
    if (small.empty()) break;
    SymbolValues grown = values;
    for (const Symbol& symbol : graph.symbols())
      if (small.contains(symbol.name)) grown[symbol.name] = legal(symbol, 2 * grown[symbol.name]);
    grown = sizes_that_fit(graph.symbols(), graph.conditions(), std::move(grown));
    if (grown == values || broken_condition(graph.conditions(), grown)) break;
    values = std::move(grown);
  }
  return values;
}

GraphCost cost_of(const Graph& graph, const SymbolValues& symbols) {
  GraphCost cost;
  FromParameters from_parameters(graph);  // those are computed once, when the model is opened
  for (const Node* node : live_nodes(graph)) {
    NodeCost one{node, flops_of(*node, symbols), 0};
    if (from_parameters({node, 0})) one.flops = 0;
    for (const Type& type : node->results) {
      one.result_bytes += product(count_of(type.shape, symbols), size_of(type.dtype));
    }
    cost.flops += one.flops;
    if (node->kind == Kind::contract) cost.contract_flops += one.flops;
    if (is_weight(node->kind)) {
      cost.parameter_bytes += one.result_bytes;
    } else if (node->kind != Kind::input) {
      cost.largest_value_bytes = std::max(cost.largest_value_bytes, one.result_bytes);
    }
    cost.nodes.push_back(one);
  }
  cost.peak_live_bytes = peak_live(graph, cost.nodes);
  return cost;
}

}  // namespace mintor
