// SPDX-License-Identifier: Apache-2.0
// Takes what clone.h says; makes operands before users, from a stack of what is still missing.
// Keeps true: types are copied, so sizes have to mean the same in both graphs; what binds a size is
// made with what mentions it.
#include "compiler/graph/clone.h"

#include <string>

namespace mintor {

namespace {

// What binds a symbol in the run of `from`; null where an input says it, or what is around.
const Node* binder_of(const Graph& from, const std::string& symbol) {
  const Node* definer = definer_of(from, symbol);
  return definer == nullptr || definer->kind == Kind::input ? nullptr : definer;
}

// What has to be made before a node: its operands, and what binds the sizes that it mentions.
std::vector<const Node*> needs_of(const Graph& from, const Node& node) {
  std::vector<const Node*> needs;
  for (const Value& v : node.operands) needs.push_back(v.node);
  if (from.symbols().empty()) return needs;
  for (const std::string& symbol : symbols_of(node))
    if (const Node* binder = binder_of(from, symbol); binder != nullptr && binder != &node)
      needs.push_back(binder);
  return needs;
}

}  // namespace

void clone_conditions(Builder& b, const Graph& from, Clones& made) {
  for (const Condition& condition : from.conditions())
    for (const Index* side : {&condition.left, &condition.right})
      for (const std::string& symbol : side->vars())
        if (const Node* binder = binder_of(from, symbol); binder != nullptr)
          clone(b, from, {binder, 0}, made);
}

Value clone(Builder& b, const Graph& from, const Value& value, Clones& made) {
  std::vector<const Node*> pending{value.node};
  while (!pending.empty()) {
    const Node* node = pending.back();
    const size_t before = pending.size();
    if (!made.contains(node))
      for (const Node* need : needs_of(from, *node))
        if (!made.contains(need)) pending.push_back(need);
    if (pending.size() > before) continue;
    pending.pop_back();
    if (made.contains(node)) continue;
    std::vector<Value> operands;
    for (const Value& v : node->operands)
      operands.push_back(made.at(v.node)[static_cast<size_t>(v.result)]);
    const std::vector<Value>& results = made[node] =
        b.node(node->kind, node->attr, operands, node->results);
    for (const std::string& scope : from.scopes(node)) b.graph().add_scope(results[0].node, scope);
  }
  return made.at(value.node)[static_cast<size_t>(value.result)];
}

}  // namespace mintor
