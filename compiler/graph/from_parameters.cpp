// SPDX-License-Identifier: Apache-2.0
// Takes a value; walks its operands. Keeps true: an input is not from parameters; neither is a
// parameter that is a state, nor what has effects, nor a value whose size depends on a call, for it
// is kept for all calls; branches and loops run where they stand.
#include "compiler/graph/from_parameters.h"

#include <algorithm>

namespace mintor {

FromParameters::FromParameters(const Graph& graph) {
  for (const Update& update : graph.updates) states_.insert(update.parameter);
  states_.insert(graph.states.begin(), graph.states.end());
}

bool FromParameters::answer(const Node& node) const {
  if (node.kind == Kind::parameter) return !states_.contains(node.as<ParameterAttr>().name);
  if (node.kind == Kind::constant) return true;
  if (node.kind == Kind::code || node.kind == Kind::host) return false;
  if (node.kind == Kind::if_ || node.kind == Kind::loop || node.kind == Kind::bind) return false;
  if (!symbols_of(node).empty()) return false;
  if (node.kind == Kind::iota) return true;
  return !node.operands.empty() && std::ranges::all_of(node.operands, [&](const Value& v) {
    return known_.at(v.node);
  });
}

bool FromParameters::operator()(const Value& value) {
  std::vector<const Node*> pending{value.node};
  while (!pending.empty()) {
    const Node* node = pending.back();
    const size_t before = pending.size();
    if (!known_.contains(node))
      for (const Value& v : node->operands)
        if (!known_.contains(v.node)) pending.push_back(v.node);
    if (pending.size() > before) continue;
    pending.pop_back();
    if (!known_.contains(node)) known_[node] = answer(*node);
  }
  return known_.at(value.node);
}

}  // namespace mintor
