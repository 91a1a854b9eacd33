// SPDX-License-Identifier: Apache-2.0
// Node by node, operands first (inline.h).
// Keeps true: scope names of the region stay, below the builder's own.
#include "compiler/ir/inline.h"

#include <unordered_map>

#include "compiler/support/error.h"

namespace mintor {

std::vector<Value> inline_region(Builder& b, const Graph& region, std::span<const Value> operands,
                                 InnerCalls calls) {
  std::unordered_map<const Node*, std::vector<Value>> made;
  const std::vector<const Node*> inputs = inputs_of(region);
  check(inputs.size() == operands.size(), "inline", "a region has another number of inputs");
  for (size_t i = 0; i < inputs.size(); ++i) made[inputs[i]] = {operands[i]};
  const auto now = [&](const Value& v) { return made.at(v.node)[static_cast<size_t>(v.result)]; };
  for (const Node* node : live_nodes(region)) {
    if (made.contains(node)) continue;
    const std::vector<std::string>& scopes = region.scopes(node);
    const Builder::Scope scope(b, scopes.empty() ? "" : scopes.front());
    std::vector<Value> given;
    for (const Value& v : node->operands) given.push_back(now(v));
    made[node] = node->kind == Kind::call && calls == InnerCalls::inlined
                     ? inline_region(b, *node->as<RegionAttr>().regions[0], given, calls)
                     : b.node(node->kind, node->attr, given, node->results);
  }
  std::vector<Value> results;
  for (const Result& r : region.results) results.push_back(now(r.value));
  return results;
}

}  // namespace mintor
