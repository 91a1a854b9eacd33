// SPDX-License-Identifier: Apache-2.0
// Attribute by attribute, region by region (rename_symbols.h).
// Keeps true: variables of maps and axes of contracts are no symbols and stay.
#include "compiler/ir/rename_symbols.h"

#include <algorithm>

namespace mintor {

namespace {

std::string renamed(const std::string& name, const SymbolNames& names) {
  const auto found = names.find(name);
  return found == names.end() ? name : found->second;
}

struct Renamer {
  const SymbolNames& names;

  void index(Index& e) const { e = mintor::renamed(e, names); }
  void indices(std::vector<Index>& all) const {
    for (Index& e : all) index(e);
  }
  void conditions(std::vector<IndexCondition>& all) const {
    for (IndexCondition& c : all) index(c.value), index(c.extent);
  }
  void map(IndexMap& m) const {
    for (IndexLoad& load : m.loads) indices(load.coords);
    indices(m.coords);
    conditions(m.conditions);
  }

  template <class T>
  void operator()(T&) const {}
  void operator()(ReindexAttr& a) const { map(a.map); }
  void operator()(ReindexReduceAttr& a) const { map(a.map); }
  void operator()(Contract& a) const {
    for (ContractAxis& axis : a.axes) index(axis.extent);
    indices(a.x_coords);
    indices(a.y_coords);
    conditions(a.conditions);
  }
  void operator()(SizeAttr& a) const { index(a.expr); }
  void operator()(BindAttr& a) const { a.symbol = renamed(a.symbol, names); }
  void operator()(CompactAttr& a) const { a.symbol = renamed(a.symbol, names); }
  void operator()(RegionAttr& a) const {
    index(a.trip);
    for (auto& region : a.regions) region = mintor::renamed(region, names);
  }

  Graph graph(const Graph& from) const {
    Graph to(from.name());
    for (const Symbol& s : from.symbols()) to.add_symbol(mintor::renamed(s, names));
    for (const Condition& c : from.conditions()) to.add_condition(mintor::renamed(c, names));
    std::vector<const Node*> made;
    const auto now = [&](const Value& v) {
      return Value{made[static_cast<size_t>(v.node->id)], v.result};
    };
    for (const auto& node : from.nodes()) {
      std::vector<Value> operands;
      for (const Value& v : node->operands) operands.push_back(now(v));
      made.push_back(to.add(node->kind, mintor::renamed(node->attr, names), operands,
                            mintor::renamed(node->results, names)));
      for (const std::string& scope : from.scopes(node.get())) to.add_scope(made.back(), scope);
    }
    for (const Result& r : from.results) to.results.push_back({r.name, now(r.value)});
    for (const Update& u : from.updates) to.updates.push_back({u.parameter, now(u.value)});
    to.states = from.states;
    to.numerics_hash = from.numerics_hash;
    return to;
  }
};

}  // namespace

Index renamed(const Index& index, const SymbolNames& names) {
  if (index.is_const()) return index;
  std::map<std::string, Index> values;
  for (const auto& [from, to] : names) values.emplace(from, Index::var(to));
  return index.substitute(values);
}

Attr renamed(const Attr& attr, const SymbolNames& names) {
  Attr out = attr;
  std::visit(Renamer{names}, out);
  return out;
}

std::vector<Type> renamed(const std::vector<Type>& types, const SymbolNames& names) {
  std::vector<Type> out = types;
  for (Type& type : out)
    for (Index& size : type.shape) size = renamed(size, names);
  return out;
}

Symbol renamed(const Symbol& symbol, const SymbolNames& names) {
  Symbol out = symbol;
  out.name = renamed(symbol.name, names);
  if (out.value) out.value = renamed(*symbol.value, names);
  return out;
}

Condition renamed(const Condition& condition, const SymbolNames& names) {
  Condition out = condition;
  out.left = renamed(condition.left, names);
  out.right = renamed(condition.right, names);
  return out;
}

std::shared_ptr<const Graph> renamed(const std::shared_ptr<const Graph>& region,
                                     const SymbolNames& names) {
  const bool mentioned = std::ranges::any_of(
      region->symbols(), [&](const Symbol& symbol) { return names.contains(symbol.name); });
  if (!mentioned) return region;
  return std::make_shared<const Graph>(renamed(*region, names));
}

Graph renamed(const Graph& graph, const SymbolNames& names) { return Renamer{names}.graph(graph); }

}  // namespace mintor
