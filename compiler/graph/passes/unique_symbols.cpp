// SPDX-License-Identifier: Apache-2.0
// Every size that a region binds has a name that nothing else has: a graph may hold one region
// twice, a program has one namespace.
//   loop { bind (m) symbol k } loop { bind (m) symbol k }
//   ->  loop { bind (m) symbol k } loop { bind (m) symbol k_ }
// Takes any graph; gives the same nodes, under other names of symbols where two were alike.
#include <algorithm>

#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/open_sizes.h"
#include "compiler/ir/rename_symbols.h"
#include "compiler/support/identifier.h"

namespace mintor {

namespace {

using Region = std::shared_ptr<const Graph>;

Region unique(const Region& region, const std::vector<std::string>& given,
              std::set<std::string>& taken);

// The graph with the regions of its nodes made unique; nullopt: they are.
std::optional<Graph> with_unique_regions(const Graph& graph, std::set<std::string>& taken) {
  bool changed = false;
  Graph out = rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value> operands) {
    std::optional<std::vector<Value>> values;
    const auto* regions = std::get_if<RegionAttr>(&old.attr);
    if (!regions) return values;
    RegionAttr attr = *regions;
    const std::vector<std::string> given = bound_inside(old);
    for (Region& region : attr.regions) region = unique(region, given, taken);
    if (std::ranges::equal(attr.regions, regions->regions)) return values;
    changed = true;
    values = b.node(old.kind, std::move(attr), operands, old.results);
    return values;
  });
  return changed ? std::optional(std::move(out)) : std::nullopt;
}

// `given`: symbols that carried values bind.
Region unique(const Region& region, const std::vector<std::string>& given,
              std::set<std::string>& taken) {
  SymbolNames names;
  const auto add = [&](const std::string& symbol) {
    if (!taken.insert(symbol).second) names.emplace(symbol, unique_name(symbol, taken));
  };
  for (const std::string& symbol : given) add(symbol);
  for (const auto& node : region->nodes())
    for (const std::string& symbol : bound_by(*node)) add(symbol);
  const Region own = names.empty() ? region : renamed(region, names);
  std::optional<Graph> inner = with_unique_regions(*own, taken);
  return inner ? std::make_shared<const Graph>(*std::move(inner)) : own;
}

Graph run(CompileContext&, const Graph& graph) {
  std::set<std::string> taken;
  for (const Symbol& symbol : graph.symbols()) taken.insert(symbol.name);
  std::optional<Graph> made = with_unique_regions(graph, taken);
  return made ? *std::move(made) : rewrite(graph, nullptr);
}

}  // namespace

extern const GraphPass pass_unique_symbols;
const GraphPass pass_unique_symbols = {"unique_symbols", "each size that is bound has its own name",
                                       run};

}  // namespace mintor
