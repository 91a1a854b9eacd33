// SPDX-License-Identifier: Apache-2.0
// The verifier: structure that holds at every stage, and one table per stage of what each kind must
// satisfy. Takes a Graph; gives the first fault: the node, its scopes and the broken rule. Keeps
// true: it derives every type again, so that what passes would have been made by the Builder.
//
// Stages narrow each other: `frozen` is `imported` with all orders set; `fused` also has no
// contract without its order form, no argument reduction outside `serial`, and no opaque node
// inside what lowering will see.
#include "compiler/ir/verify.h"

#include <algorithm>
#include <functional>
#include <unordered_set>

#include "compiler/ir/builder.h"
#include "compiler/ir/derive.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/lanes.h"
#include "compiler/ir/pairs.h"
#include "compiler/ir/sizes.h"
#include "compiler/ir/text.h"
#include "compiler/ir/winograd.h"
#include "compiler/support/lexer.h"
#include "compiler/support/reserved_names.h"

namespace mintor {

namespace {

// A rule gives what is wrong with a node, or "".
using Check = std::string (*)(const Graph& graph, const Node& node);

struct Rule {
  const char* name;
  Stage from;  // the first stage at which it holds
  Check check;
};

const Order* order_of(const Node& node) {
  if (node.kind == Kind::reduce) return &node.as<ReduceAttr>().order;
  if (node.kind == Kind::scan) return &node.as<ScanAttr>().reduce.order;
  if (node.kind == Kind::contract) return &node.as<Contract>().order;
  return nullptr;
}

std::vector<std::shared_ptr<const Graph>> regions_of(const Node& node) {
  if (const auto* attr = std::get_if<RegionAttr>(&node.attr)) return attr->regions;
  return {};
}

std::string derived_types(const Graph& graph, const Node& node) {
  try {
    const std::vector<Type> types =
        derive({graph, "", node.kind, node.attr, node.operands, node.results});
    if (types == node.results) return "";
    std::string text;
    for (const Type& type : types) text += (text.empty() ? "" : ", ") + to_string(type);
    return "its parts give " + text;
  } catch (const CompileError& error) {
    return error.problem();
  }
}

// f16 and bf16 only move, are converted, or are operands of contract.
std::string storage_types(const Graph&, const Node& node) {
  switch (node.kind) {
    case Kind::unary:
    case Kind::binary:
    case Kind::ternary:
      if (node.as<ScalarAttr>().op == ScalarOp::where) return "";  // selection moves bits
      break;
    case Kind::reduce:
    case Kind::scan:
    case Kind::random:
      break;
    default:
      return "";
  }
  for (const Value& v : node.operands) {
    if (is_storage_float(v.dtype()))
      return "arithmetic on the storage type " + std::string(name_of(v.dtype()));
  }
  return "";
}

// Named combiners start from their identity: lanes start from it many times over.
std::string identities(const Graph&, const Node& node) {
  if (node.kind != Kind::reduce) return "";
  const ReduceAttr& attr = node.as<ReduceAttr>();
  if (attr.combiner == Combiner::custom) return "";
  const Scalar wanted = identity_of(attr.combiner, node.operands[0].dtype());
  return attr.identities[0].same_bits(wanted)
             ? ""
             : "the identity is not that of " + std::string(name_of(attr.combiner));
}

std::string combiner_body(const Graph&, const Node& node) {
  const ReduceAttr* attr = nullptr;
  if (node.kind == Kind::reduce) attr = &node.as<ReduceAttr>();
  if (node.kind == Kind::scan) attr = &node.as<ScanAttr>().reduce;
  if (attr == nullptr || !attr->body) return "";
  if (attr->combiner != Combiner::custom) return "a named combiner has a body";
  for (const Node* n : live_nodes(*attr->body)) {
    switch (n->kind) {
      case Kind::input:
      case Kind::constant:
      case Kind::unary:
      case Kind::binary:
      case Kind::ternary:
      case Kind::cast:
        break;
      default:
        return "its body has a node of kind " + std::string(name_of(n->kind));
    }
  }
  return "";
}

// The tree halves the lanes until one is left, and blocks of blocks become fewer.
std::string lanes_fault(const Order& order) {
  if (order.lanes < 2 || order.lanes > kMostLanes || (order.lanes & (order.lanes - 1)) != 0)
    return "its lanes are " + std::to_string(order.lanes) + ", no power of two from 2 to " +
           std::to_string(kMostLanes);
  if (order.block < order.lanes)
    return "a block has " + std::to_string(order.block) + " positions for " +
           std::to_string(order.lanes) + " lanes";
  return "";
}

std::string winograd_fault(const Node& node) {
  const Contract& c = node.as<Contract>();
  const int64_t points = winograd::points_of(c);
  if (std::ranges::find(winograd::kPoints, points) == std::end(winograd::kPoints) ||
      c.order.tile < 2 || c.order.tile >= points)
    return "there are no tiles of " + std::to_string(c.order.tile) + " results and " +
           std::to_string(points) + " points";
  if (!winograd::axes_of(c, points))
    return "a window has not the points of a tile, or does not move along an out axis of its own";
  if (std::ranges::count(c.axes, AxisRole::k, &ContractAxis::role) != 1)
    return "order winograd needs exactly one k axis";
  return node.results[0].dtype == DType::f32 ? "" : "order winograd is for f32";
}

// An order that is set must be one that the kind can have.
std::string order_form(const Graph&, const Node& node) {
  const Order* order = order_of(node);
  if (order == nullptr) return "";
  switch (order->form) {
    case Order::Form::unset:
      return "";
    case Order::Form::serial:
      return node.kind == Kind::contract ? "a contract has order chain or lanes" : "";
    case Order::Form::lanes:
      if (node.kind == Kind::scan) return "a scan is serial";
      if (node.kind == Kind::reduce) {
        const Combiner c = node.as<ReduceAttr>().combiner;
        if (c == Combiner::argmin || c == Combiner::argmax) return "argmin and argmax are serial";
      }
      return lanes_fault(*order);
    case Order::Form::winograd:
      return node.kind == Kind::contract ? winograd_fault(node)
                                         : "only a contract has order winograd";
    case Order::Form::chain:
      break;
  }
  if (node.kind != Kind::contract) return "only a contract has order chain";
  if (order->pairs && !pair_axis(node.as<Contract>(), node.operands[0], node.operands[1]))
    return "pairs are of two bf16 operands and one k axis, the innermost of the sequence";
  if (order->chunk <= 0) return "a chunk has no positions";
  if (order->inner <= 1) return "";
  const Contract& c = node.as<Contract>();
  const auto k = std::ranges::count(c.axes, AxisRole::k, &ContractAxis::role);
  return k == 1 ? "" : "a blocked order needs exactly one k axis, there are " + std::to_string(k);
}

// Axis names are variables of index text.
std::string axis_names(const Graph&, const Node& node) {
  if (node.kind != Kind::contract) return "";
  for (const ContractAxis& axis : node.as<Contract>().axes) {
    if (!is_name(axis.name) || axis.name == "min" || axis.name == "max") {
      return "an axis cannot be named '" + axis.name + "'";
    }
  }
  return "";
}

std::string order_set(const Graph&, const Node& node) {
  const Order* order = order_of(node);
  return order != nullptr && order->form == Order::Form::unset ? "its order is not set" : "";
}

std::string lowerable(const Graph&, const Node& node) {
  switch (node.kind) {
    case Kind::call:
    case Kind::host:
    case Kind::random:
    case Kind::sort:
    case Kind::compact:
      return "the kind " + std::string(name_of(node.kind)) + " cannot be lowered yet";
    default:
      return "";
  }
}

std::string operands_first(const Graph& graph, const Node& node) {
  for (const Value& v : node.operands) {
    const auto id = static_cast<size_t>(v.node->id);
    if (id >= graph.nodes().size() || graph.nodes()[id].get() != v.node)
      return "an operand belongs to another graph";
    if (v.node->id >= node.id) return "an operand comes after its user";
    if (v.result < 0 || static_cast<size_t>(v.result) >= v.node->results.size())
      return "an operand is no result";
  }
  return "";
}

std::string symbols_defined(const Graph& graph, const Node& node) {
  for (const std::string& name : symbols_of(node)) {
    if (graph.find_symbol(name) == nullptr) return "the symbol '" + name + "' is not declared";
    const Node* definer = definer_of(graph, name);
    if (definer != nullptr && definer->kind != Kind::input && definer->id > node.id) {
      return "it mentions '" + name + "' before its definition";
    }
  }
  return "";
}

// In the order in which they are checked: later rules may rely on earlier ones.
constexpr Rule kRules[] = {
    {"operands come first", Stage::imported, operands_first},
    {"symbols are defined", Stage::imported, symbols_defined},
    {"types follow from the parts", Stage::imported, derived_types},
    {"storage types do not compute", Stage::imported, storage_types},
    {"reductions start from the identity", Stage::imported, identities},
    {"combiners are scalar", Stage::imported, combiner_body},
    {"axes have names", Stage::imported, axis_names},
    {"orders fit their kind", Stage::imported, order_form},
    {"orders are set", Stage::frozen, order_set},
    {"everything can be lowered", Stage::fused, lowerable},
};

std::string describe(const Graph& graph, const Node& node) {
  std::string text =
      "node " + std::to_string(node.id) + ", " + std::string(op_name(node.kind, node.attr));
  for (const Type& type : node.results) text += " " + to_string(type);
  for (const std::string& scope : graph.scopes(&node)) text += " @ " + scope;
  return text;
}

std::string symbol_fault(const Graph& graph) {
  for (const Symbol& s : graph.symbols()) {
    if (!is_name(s.name) || !why_reserved(NameIn::index_text, s.name).empty())
      return "a symbol cannot be named '" + s.name + "'";
    if (s.lo < 0 || s.divisor < 1 || (s.hi >= 0 && s.hi < s.lo))
      return "the range of symbol '" + s.name + "' is empty or negative";
    const auto is_later = [&](const std::string& name) {
      const Symbol* other = graph.find_symbol(name);
      return other == nullptr || other >= &s;
    };
    if (s.value && std::ranges::any_of(s.value->vars(), is_later))
      return "symbol '" + s.name + "' is computed from what stands behind it: " + s.value->str();
  }
  for (const Condition& c : graph.conditions())
    for (const Index* side : {&c.left, &c.right})
      for (const std::string& name : side->vars())
        if (graph.find_symbol(name) == nullptr)
          return "the condition " + to_string(c) + " mentions the unknown symbol '" + name + "'";
  return "";
}

std::string end_fault(const Graph& graph) {
  auto belongs = [&](const Value& v) {
    if (!v) return false;
    const auto id = static_cast<size_t>(v.node->id);
    return id < graph.nodes().size() && graph.nodes()[id].get() == v.node && v.result >= 0 &&
           static_cast<size_t>(v.result) < v.node->results.size();
  };
  std::unordered_set<std::string_view> names;
  for (const Result& r : graph.results) {
    if (!belongs(r.value)) return "result '" + r.name + "' is no value of this graph";
    if (!names.insert(r.name).second) return "two results are named '" + r.name + "'";
  }
  for (const Update& u : graph.updates) {
    if (!belongs(u.value)) return "the update of '" + u.parameter + "' is no value of this graph";
    const Node* parameter = graph.find_leaf(Kind::parameter, u.parameter);
    if (parameter == nullptr) return "the updated parameter '" + u.parameter + "' does not exist";
    if (!(parameter->results[0] == u.value.type())) {
      return "parameter '" + u.parameter + "' is " + to_string(parameter->results[0]) +
             ", its update " + to_string(u.value.type());
    }
  }
  return "";
}

// The first of these parameters that a region of the node reads by itself.
std::string read_in_region(const Node& node, const std::unordered_set<std::string_view>& names) {
  const auto* attr = std::get_if<RegionAttr>(&node.attr);
  if (attr == nullptr) return "";
  for (const auto& region : attr->regions) {
    for (const auto& inner : region->nodes()) {
      const bool reads =
          inner->kind == Kind::parameter && names.contains(inner->as<ParameterAttr>().name);
      std::string name = reads ? inner->as<ParameterAttr>().name : read_in_region(*inner, names);
      if (!name.empty()) return name;
    }
  }
  return "";
}

// What is computed of a parameter in a region is kept from run to run.
std::string state_fault(const Graph& graph) {
  std::unordered_set<std::string_view> states(graph.states.begin(), graph.states.end());
  for (const Update& update : graph.updates) states.insert(update.parameter);
  if (states.empty()) return "";
  for (const auto& node : graph.nodes())
    if (const std::string name = read_in_region(*node, states); !name.empty())
      return "runs update the parameter '" + name + "': a region captures it, as an operand of '" +
             std::string(name_of(node->kind)) + "'";
  return "";
}

}  // namespace

std::string find_fault(const Graph& graph, Stage stage) {
  if (std::string fault = symbol_fault(graph); !fault.empty()) return fault;
  if (std::string fault = end_fault(graph); !fault.empty()) return fault;
  if (std::string fault = state_fault(graph); !fault.empty()) return fault;
  for (const auto& node : graph.nodes()) {
    for (const Rule& rule : kRules) {
      if (rule.from > stage) continue;
      const std::string wrong = rule.check(graph, *node);
      if (!wrong.empty())
        return describe(graph, *node) + ": " + wrong + " (rule: " + rule.name + ")";
    }
    // A region may use symbols of the graph around it; it has copies of their declarations.
    for (const auto& region : regions_of(*node))
      if (std::string fault = find_fault(*region, stage); !fault.empty()) return fault;
  }
  return "";
}

void verify(const Graph& graph, Stage stage) {
  const std::string fault = find_fault(graph, stage);
  if (fault.empty()) return;
  std::string text;
  try {
    text = print(graph);
  } catch (const std::exception&) {
    text = "";  // what is broken may not print
  }
  throw InternalError("verify " + graph.name(), fault, text);
}

void verify_text(const Graph& graph) {
  const std::string fault = find_fault(graph);
  if (!fault.empty()) throw CompileError("graph " + graph.name(), fault);
}

}  // namespace mintor
