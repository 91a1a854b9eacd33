// SPDX-License-Identifier: Apache-2.0
// What a branch or a loop captures of parameters and constants, its regions compute themselves: as
// in any other graph that happens once, when the model is opened.
//   t = transpose (w); loop (h, t) { c = matmul (h, t) }
//   ->  loop (h) { w = parameter; t = transpose (w); c = matmul (h, t) }
// Takes any graph; leaves no capture that depends on parameters alone. Outer regions come first:
// what they are given their own regions capture. Nodes that nothing reads any more are dropped.
#include "compiler/graph/clone.h"
#include "compiler/graph/from_parameters.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"

namespace mintor {

namespace {

// A region of the graph with inputs in order, those that `known` has a value for left out.
Graph with_values(const Graph& graph, const Graph& region,
                  const std::vector<std::optional<Value>>& known) {
  size_t next = 0;
  Clones made;
  return rewrite(region, [&](Builder& b, const Node& old, std::span<const Value>) {
    std::optional<std::vector<Value>> values;
    if (old.kind != Kind::input) return values;
    const std::optional<Value>& value = known[next++];
    if (value) values = {clone(b, graph, *value, made)};
    return values;
  });
}

Graph run(CompileContext& context, const Graph& graph) {
  FromParameters from_parameters(graph);
  const auto sink = [&](Builder& b, const Node& old,
                        std::span<const Value> operands) -> std::optional<std::vector<Value>> {
    if (old.kind != Kind::if_ && old.kind != Kind::loop) return std::nullopt;
    RegionAttr attr = old.as<RegionAttr>();
    const bool is_loop = old.kind == Kind::loop;
    const size_t first = is_loop ? static_cast<size_t>(attr.carried + attr.scanned) : 1;
    std::vector<Value> kept(operands.begin(), operands.begin() + static_cast<int64_t>(first));
    // By input of a region: a loop's first is the number of the iteration, a branch has no
    // condition.
    std::vector<std::optional<Value>> known(is_loop ? first + 1 : 0);
    for (size_t i = first; i < operands.size(); ++i) {
      known.emplace_back();
      if (from_parameters(old.operands[i]))
        known.back() = old.operands[i];
      else
        kept.push_back(operands[i]);
    }
    if (kept.size() == operands.size()) return std::nullopt;
    for (auto& region : attr.regions)
      region = std::make_shared<const Graph>(run(context, with_values(graph, *region, known)));
    return b.node(old.kind, std::move(attr), kept, old.results);
  };
  return rewrite(graph, sink);
}

}  // namespace

extern const GraphPass pass_parameters_into_regions;
const GraphPass pass_parameters_into_regions = {
    "parameters_into_regions", "branches and loops hold the parameters that they read", run};

}  // namespace mintor
