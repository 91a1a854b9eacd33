// SPDX-License-Identifier: Apache-2.0
// Takes the Graphs of a model's entries; compares their parameters and sizes by name (regions
// included). Keeps true: the first entry keeps all its names, so that it is the same beside others
// as alone.
#include "compiler/graph/join_entries.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>

#include "compiler/ir/open_sizes.h"
#include "compiler/ir/rename_symbols.h"
#include "compiler/support/error.h"
#include "compiler/support/identifier.h"

namespace mintor {

namespace {

void visit_nodes(const Graph& graph, const std::function<void(const Node&)>& visit) {
  for (const auto& node : graph.nodes()) {
    visit(*node);
    if (const auto* attr = std::get_if<RegionAttr>(&node->attr))
      for (const auto& region : attr->regions) visit_nodes(*region, visit);
  }
}

constexpr size_t kLongestName = 64;

void check_names(std::span<const Graph> graphs) {
  std::set<std::string> names{"prepare"};  // what runs when a model is opened
  for (const Graph& graph : graphs) {
    const std::string& name = graph.name();
    if (!is_identifier(name) || name.size() > kLongestName)
      throw CompileError("entries", "'" + name + "' is no name of an entry", "",
                         "an entry is called from C: at most 64 letters, digits and '_'");
    if (!names.insert(name).second)
      throw CompileError("entries",
                         name == "prepare" ? "an entry cannot be called 'prepare'"
                                           : "two entries are called '" + name + "'",
                         "", "give each graph a name of its own");
  }
}

struct Known {
  const Node* node;
  const std::string* entry;
};

void check_same(const Node& node, const std::string& entry, const Known& known) {
  const auto& [name, value] = node.as<ParameterAttr>();
  const Tensor& other = known.node->as<ParameterAttr>().value;
  const Type &type = node.results[0], &type_before = known.node->results[0];
  if (!(type == type_before))
    throw CompileError("entries", "the parameter '" + name + "' is " + to_string(type_before) +
                                      " in '" + *known.entry + "' and " + to_string(type) +
                                      " in '" + entry + "'");
  const auto bytes = static_cast<size_t>(value.bytes());
  if (value.data == other.data || std::memcmp(value.data, other.data, bytes) == 0) return;
  throw CompileError("entries", "the parameter '" + name + "' has other values in '" + entry +
                                    "' than in '" + *known.entry + "'");
}

void check_parameters(std::span<const Graph> graphs) {
  std::map<std::string_view, Known> known;
  for (const Graph& graph : graphs) {
    visit_nodes(graph, [&](const Node& node) {
      if (node.kind != Kind::parameter) return;
      const auto [at, is_new] =
          known.try_emplace(node.as<ParameterAttr>().name, Known{&node, &graph.name()});
      if (!is_new) check_same(node, graph.name(), at->second);
    });
  }
}

std::set<std::string> parameters_of(const Graph& graph) {
  std::set<std::string> names;
  visit_nodes(graph, [&](const Node& node) {
    if (node.kind == Kind::parameter) names.insert(node.as<ParameterAttr>().name);
  });
  return names;
}

std::set<std::string> symbols_bound_in(const Graph& graph) {
  std::set<std::string> bound;
  visit_nodes(graph, [&](const Node& node) {
    for (const auto& symbols : {bound_by(node), bound_inside(node)})
      bound.insert(symbols.begin(), symbols.end());
  });
  return bound;
}

// Of the graph and its regions, each once, in order.
std::vector<Symbol> all_symbols(const Graph& graph) {
  std::vector<Symbol> all = graph.symbols();
  visit_nodes(graph, [&](const Node& node) {
    const auto* attr = std::get_if<RegionAttr>(&node.attr);
    if (attr == nullptr) return;
    for (const auto& region : attr->regions)
      for (const Symbol& symbol : region->symbols())
        if (std::ranges::find(all, symbol.name, &Symbol::name) == all.end()) all.push_back(symbol);
  });
  return all;
}

// Hints apart.
bool same_size(const Symbol& a, const Symbol& b) {
  return a.lo == b.lo && a.hi == b.hi && a.divisor == b.divisor && a.value == b.value;
}

}  // namespace

std::string entry_name(const Graph& graph, size_t entries) {
  return entries == 1 ? "forward" : graph.name();
}

std::string model_name(std::span<const Graph> graphs) {
  return graphs.size() == 1 ? graphs[0].name() : "model";
}

void join_entries(std::span<Graph> graphs) {
  if (graphs.size() < 2) return;
  check_names(graphs);
  check_parameters(graphs);
  std::set<std::string> updated;
  for (const Graph& graph : graphs)
    for (const Update& update : graph.updates) updated.insert(update.parameter);
  for (Graph& graph : graphs) {
    graph.states.clear();
    for (const std::string& name : parameters_of(graph))
      if (updated.contains(name) && !is_state(graph, name)) graph.states.push_back(name);
  }
}

void unify_symbols(std::span<Graph> graphs) {
  std::map<std::string, Symbol> known;
  std::set<std::string> taken, bound_before;
  for (Graph& graph : graphs) {
    const std::set<std::string> bound = symbols_bound_in(graph);
    const std::vector<Symbol> symbols = all_symbols(graph);
    for (const Symbol& symbol : symbols) taken.insert(symbol.name);
    SymbolNames names;
    for (const Symbol& symbol : symbols) {
      const auto before = known.find(symbol.name);
      const bool by_run = bound.contains(symbol.name) || bound_before.contains(symbol.name);
      if (before != known.end() && (by_run || !same_size(renamed(symbol, names), before->second)))
        names.emplace(symbol.name, unique_name(symbol.name, taken));
    }
    for (const Symbol& symbol : symbols) {
      const Symbol now = renamed(symbol, names);
      known.try_emplace(now.name, now);
      if (bound.contains(symbol.name)) bound_before.insert(now.name);
    }
    if (!names.empty()) graph = renamed(graph, names);
  }
}

}  // namespace mintor
