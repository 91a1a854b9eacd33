// SPDX-License-Identifier: Apache-2.0
// Which out axis of a contract is innermost, so that vectors run along it: the one for which the
// fewest elements are copied. An operand that moves along it and is not contiguous there becomes
// panels, or, where taps leave it, is transposed (pack_operands), a copy in every run unless it
// comes from parameters; where neither can be done there are no vectors. A result that is wanted in
// another order is transposed; lanes that an extent leaves over compute nothing.
//| y = contract (x[b, k], w[n, k]) out b, n         w larger than x, no parameter
//|   ->  y = transpose (contract (x[b, k], w[n, k]) out n, b)
// So in training it is the few rows of a batch that are laid out anew, not the weights. Contracts
// with windows keep channels innermost. Order is over logical axes: bits stay.
#include <algorithm>
#include <numeric>

#include "compiler/graph/cost.h"
#include "compiler/graph/from_parameters.h"
#include "compiler/graph/fusion/draft.h"
#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/flat_index.h"
#include "compiler/ir/lanes.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

// Copying an element takes as long as that many fused multiply-adds (AMD EPYC, v4, 2026-11-29).
constexpr int64_t kCopy = 12;

using fusion::is_elementwise;

// The operand whose layout an element-wise node takes on; none where all are broadcast.
Value first_full(const Node& node) {
  for (const Value& operand : node.operands)
    if (operand.node->kind != Kind::broadcast) return operand;
  return {};
}

// Where an element of an operand will lie: read through index nodes; element-wise results lie as
// their first full operand does, for sink_transpose makes them so.
Index address_of(Value value, std::vector<Index> coords, const Graph& graph, const Ranges& ranges) {
  for (;;) {
    const Node& node = *value.node;
    if (const auto inner = plain_coords(node, graph)) {
      const auto values = index_values(coords);
      coords.clear();
      for (const Index& e : *inner) coords.push_back(e.substitute(values));
      value = node.operands[0];
    } else if (is_elementwise(node)) {
      const Value full = first_full(node);
      if (full.node == nullptr) break;
      value = full;
    } else {
      break;
    }
  }
  return ranges.simplify(flat_index(coords, value.shape()));
}

class Orientation {
 public:
  Orientation(const Graph& graph, const SymbolValues& typical, FromParameters& from_parameters,
              const Contract& contract, std::span<const Value> operands)
      : contract_(contract), typical_(typical), ranges_(graph.ranges()) {
    for (const ContractAxis& a : contract.axes) ranges_.set(a.name, Index(0), a.extent - 1);
    for (size_t o = 0; o < 2; ++o) {
      const auto& coords = o == 0 ? contract.x_coords : contract.y_coords;
      Operand& operand = operands_[o];
      operand.is_made_once = from_parameters(operands[o]);
      operand.address = address_of(operands[o], coords, graph, ranges_);
      operand.coords = coords;
      operand.is_inside = proves_inside(coords, operands[o].shape(), ranges_);
      for (const Index& e : operands[o].shape()) operand.stored *= number(e);
      for (const ContractAxis& a : contract.axes) {
        const bool moves =
            std::ranges::any_of(coords, [&](const Index& e) { return e.mentions(a.name); });
        if (moves) operand.elements *= number(a.extent);
      }
    }
    for (const ContractAxis& a : contract.axes) terms_ *= number(a.extent);
  }

  // In fused multiply-adds, when vectors run along `axis`.
  int64_t cost(const ContractAxis& axis) const {
    const int64_t extent = std::max<int64_t>(1, number(axis.extent));
    const int64_t lanes = (extent + kLanes - 1) / kLanes * kLanes;
    int64_t sum = terms_ / extent * (lanes - extent);
    for (const Operand& operand : operands_) {
      if (!operand.address.mentions(axis.name)) continue;
      const auto linear = operand.address.linear_in(axis.name);
      if (linear && linear->first.is_const(1)) continue;
      if (!operand.is_inside && !dim_along(operand.coords, axis.name))
        sum += (kLanes - 1) * terms_;  // each term takes as long as a vector of them
      else if (!operand.is_made_once)
        sum += kCopy * (operand.is_inside ? operand.elements : operand.stored);
    }
    return sum;
  }

  int64_t result_elements() const {
    int64_t elements = 1;
    for (const ContractAxis& a : contract_.axes)
      if (a.role != AxisRole::k) elements *= number(a.extent);
    return elements;
  }

  bool is_wide(const ContractAxis& axis) const { return number(axis.extent) >= kLanes; }

 private:
  struct Operand {
    bool is_made_once = false, is_inside = true;
    std::vector<Index> coords;
    Index address;
    int64_t elements = 1, stored = 1;  // that the contract has coordinates of; that there are
  };

  int64_t number(const Index& extent) const {
    return extent.evaluate([&](std::string_view name) { return typical_.at(std::string(name)); });
  }

  const Contract& contract_;
  const SymbolValues& typical_;
  Ranges ranges_;
  Operand operands_[2];
  int64_t terms_ = 1;
};

using Perm = std::vector<int32_t>;

Perm plain_order(size_t rank) {
  Perm plain(rank);
  std::iota(plain.begin(), plain.end(), 0);
  return plain;
}

// The orders that contracts were given, and what follows from them.
class Orders {
 public:
  explicit Orders(const Graph& graph) : graph_(graph), users_(users_of(graph)) {}

  void set(const Node& contract, Perm order) { orders_[&contract] = std::move(order); }

  // The order in which the result of a contract is wanted: by its only user, where that transposes
  // it or joins it with a value that lies otherwise.
  Perm wanted(const Node& contract) const {
    const Perm plain = plain_order(contract.results[0].shape.size());
    const auto& own = users_[static_cast<size_t>(contract.id)];
    if (own.size() != 1) return plain;
    for (const Result& result : graph_.results)
      if (result.value.node == &contract) return plain;
    if (is_elementwise(*own[0])) {
      for (const Value& other : own[0]->operands)
        if (other.node != &contract && other.node->kind != Kind::broadcast) return order_of(other);
      return plain;
    }
    return as_transpose(*own[0]).value_or(plain);
  }

 private:
  // In which order the dimensions of a value will lie, as sink_transpose carries on what contracts
  // were given.
  Perm order_of(Value value) const {
    Perm perm = plain_order(value.shape().size());  // dimension d is perm[d] of `value`
    for (int steps = 0; steps < kFarthest; ++steps) {
      const Node& node = *value.node;
      if (const auto at = orders_.find(&node); at != orders_.end()) {
        Perm order = at->second;
        const Perm back = inverse(perm);
        for (int32_t& d : order) d = back[static_cast<size_t>(d)];
        return order;
      }
      if (const auto inner = as_transpose(node)) {
        for (int32_t& d : perm) d = (*inner)[static_cast<size_t>(d)];
      } else if (!is_elementwise(node)) {
        break;
      }
      const Value full = first_full(node);
      if (full.node == nullptr) break;
      value = full;
    }
    return inverse(perm);
  }

  static constexpr int kFarthest = 64;  // chains of element-wise nodes may be very long
  const Graph& graph_;
  const std::vector<std::vector<const Node*>> users_;
  std::map<const Node*, Perm> orders_;
};

// Of all orders the cheapest, the one as it is among equals; positions of out axes.
Perm cheapest_order(const Orientation& orientation, const std::vector<ContractAxis>& out,
                    const Perm& wanted) {
  Perm best;
  int64_t least = 0;
  const int64_t transpose = kCopy * orientation.result_elements();
  const auto consider = [&](const Perm& order, int64_t cost) {
    if (best.empty() || cost < least) {
      best = order;
      least = cost;
    }
  };
  const Perm plain = plain_order(out.size());
  consider(plain, orientation.cost(out.back()) + (plain == wanted ? 0 : transpose));
  if (wanted != plain && orientation.is_wide(out[static_cast<size_t>(wanted.back())]))
    consider(wanted, orientation.cost(out[static_cast<size_t>(wanted.back())]));
  for (const int32_t d : plain) {
    const ContractAxis& axis = out[static_cast<size_t>(d)];
    if (axis.role == AxisRole::batch || !orientation.is_wide(axis)) continue;
    Perm order = plain;
    std::rotate(order.begin() + d, order.begin() + d + 1, order.end());
    consider(order, orientation.cost(axis) + transpose);
  }
  return best;
}

Graph run(CompileContext&, const Graph& graph) {
  const SymbolValues typical = typical_symbols(graph);
  Orders orders(graph);
  FromParameters from_parameters(graph);
  return rewrite(graph,
                 [&](Builder& b, const Node& old,
                     std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (old.kind != Kind::contract || !is_float(old.results[0].dtype))
                     return std::nullopt;
                   Contract c = old.as<Contract>();
                   if (c.order.form != Order::Form::chain) return std::nullopt;
                   std::vector<ContractAxis> out, summed;
                   for (const ContractAxis& a : c.axes) {
                     if (a.role == AxisRole::window) return std::nullopt;
                     (a.role == AxisRole::k ? summed : out).push_back(a);
                   }
                   if (out.size() < 2) return std::nullopt;
                   const Orientation orientation(b.graph(), typical, from_parameters, c, operands);
                   const Perm order = cheapest_order(orientation, out, orders.wanted(old));
                   if (is_identity(order)) return std::nullopt;
                   orders.set(old, order);
                   c.axes.clear();
                   for (const int32_t d : order) c.axes.push_back(out[static_cast<size_t>(d)]);
                   c.axes.insert(c.axes.end(), summed.begin(), summed.end());
                   return std::vector<Value>{
                       b.transpose(b.contract(operands[0], operands[1], c), inverse(order))};
                 });
}

}  // namespace

extern const GraphPass pass_orient_contracts;
const GraphPass pass_orient_contracts = {
    "orient_contracts", "chooses the out axis along which vectors of a contract run", run};

}  // namespace mintor
