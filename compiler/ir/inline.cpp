// SPDX-License-Identifier: Apache-2.0
// Node by node, operands first (inline.h).
// Keeps true: scope names of the region stay, below the builder's own; a symbol that the region
// binds does not become another one that the graph has bound already.
#include "compiler/ir/inline.h"

#include "compiler/ir/open_sizes.h"
#include "compiler/ir/rename_symbols.h"
#include "compiler/support/error.h"
#include "compiler/support/identifier.h"

namespace mintor {

namespace {

// New names of symbols that the region binds, where the graph has others of these names.
SymbolNames new_names(const Graph& graph, const Graph& region,
                      const std::vector<const Node*>& nodes) {
  SymbolNames names;
  for (const Node* node : nodes) {
    for (const std::string& symbol : bound_by(*node)) {
      if (definer_of(graph, symbol) == nullptr) continue;
      std::set<std::string> taken;
      for (const Graph* g : {&graph, &region})
        for (const Symbol& s : g->symbols()) taken.insert(s.name);
      for (const auto& [from, to] : names) taken.insert(to);
      names.emplace(symbol, unique_name(symbol, taken));
    }
  }
  return names;
}

// Symbols and conditions that are the region's own.
void add_sizes(Graph& graph, const Graph& region, const SymbolNames& names) {
  for (const Symbol& symbol : region.symbols()) {
    Symbol now = renamed(symbol, names);
    if (graph.find_symbol(now.name) == nullptr) graph.add_symbol(std::move(now));
  }
  for (const Condition& c : region.conditions()) graph.add_condition(renamed(c, names));
}

}  // namespace

std::vector<Value> inline_region(Builder& b, const Graph& region, std::span<const Value> operands,
                                 InnerCalls calls) {
  Copies made;
  return inline_region(b, region, operands, made, calls);
}

std::vector<Value> inline_region(Builder& b, const Graph& region, std::span<const Value> operands,
                                 Copies& made, InnerCalls calls) {
  const std::vector<const Node*> inputs = inputs_of(region);
  check(inputs.size() == operands.size(), "inline", "a region has another number of inputs");
  for (size_t i = 0; i < inputs.size(); ++i) made[inputs[i]] = {operands[i]};
  const auto now = [&](const Value& v) { return made.at(v.node)[static_cast<size_t>(v.result)]; };
  const std::vector<const Node*> nodes = live_nodes(region);
  const SymbolNames names = new_names(b.graph(), region, nodes);
  add_sizes(b.graph(), region, names);
  for (const Node* node : nodes) {
    if (made.contains(node)) continue;
    const std::vector<std::string>& scopes = region.scopes(node);
    const Builder::Scope scope(b, scopes.empty() ? "" : scopes.front());
    std::vector<Value> given;
    for (const Value& v : node->operands) given.push_back(now(v));
    made[node] = node->kind == Kind::call && calls == InnerCalls::inlined
                     ? inline_region(b, *node->as<RegionAttr>().regions[0], given, calls)
                 : names.empty() ? b.node(node->kind, node->attr, given, node->results)
                                 : b.node(node->kind, renamed(node->attr, names), given,
                                          renamed(node->results, names));
  }
  std::vector<Value> results;
  for (const Result& r : region.results) results.push_back(now(r.value));
  return results;
}

}  // namespace mintor
