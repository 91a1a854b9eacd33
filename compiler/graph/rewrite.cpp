// SPDX-License-Identifier: Apache-2.0
// Graph -> Graph, node by node. See rewrite.h.
// Keeps true: inputs stay though nothing reads them, in their order: they are the entry's
// signature.
#include "compiler/graph/rewrite.h"

#include <vector>

namespace mintor {

namespace {

std::vector<const Node*> kept_nodes(const Graph& graph) {
  std::vector<bool> live(graph.nodes().size(), false);
  for (const Node* node : live_nodes(graph)) live[static_cast<size_t>(node->id)] = true;
  std::vector<const Node*> nodes;
  for (const auto& node : graph.nodes()) {
    if (live[static_cast<size_t>(node->id)] || node->kind == Kind::input)
      nodes.push_back(node.get());
  }
  return nodes;
}

// Keeps live nodes and inputs; `changed` becomes true where `fn` replaced or added one.
Graph rewrite_once(const Graph& graph, const NodeRewrite& fn, bool& changed) {
  Graph out(graph.name());
  out.copy_sizes(graph);
  Builder builder(out);
  std::vector<std::vector<Value>> made(graph.nodes().size());  // by id
  const auto now = [&](const Value& v) {
    return made[static_cast<size_t>(v.node->id)].at(static_cast<size_t>(v.result));
  };
  for (const Node* old : kept_nodes(graph)) {
    std::vector<Value> operands;
    for (const Value& v : old->operands) operands.push_back(now(v));
    const size_t before = out.nodes().size();
    std::optional<std::vector<Value>> values;
    if (fn) values = fn(builder, *old, operands);
    changed = changed || values || out.nodes().size() > before;
    if (!values) {
      const Node* kept = out.keep(graph, *old, std::move(operands));
      values.emplace();
      for (size_t r = 0; r < old->results.size(); ++r)
        values->push_back({kept, static_cast<int32_t>(r)});
    } else {
      for (size_t n = before; n < out.nodes().size(); ++n)
        for (const std::string& scope : graph.scopes(old))
          out.add_scope(out.nodes()[n].get(), scope);
    }
    made[static_cast<size_t>(old->id)] = std::move(*values);
  }
  for (const Result& r : graph.results) out.results.push_back({r.name, now(r.value)});
  for (const Update& u : graph.updates) out.updates.push_back({u.parameter, now(u.value)});
  out.states = graph.states;
  return out;
}

}  // namespace

Graph rewrite(const Graph& graph, const NodeRewrite& fn) {
  bool changed = false;
  Graph out = rewrite_once(graph, fn, changed);
  if (!changed) return out;
  return rewrite_once(out, nullptr, changed);  // drops what the replacements left behind
}

}  // namespace mintor
