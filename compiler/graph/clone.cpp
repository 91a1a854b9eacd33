// SPDX-License-Identifier: Apache-2.0
// Takes what clone.h says; makes operands before users, from a stack of what is still missing.
// Keeps true: types are copied, so sizes have to mean the same in both graphs.
#include "compiler/graph/clone.h"

namespace mintor {

Value clone(Builder& b, const Value& value, Clones& made) {
  std::vector<const Node*> pending{value.node};
  while (!pending.empty()) {
    const Node* node = pending.back();
    const size_t before = pending.size();
    for (const Value& v : node->operands)
      if (!made.contains(v.node)) pending.push_back(v.node);
    if (made.contains(node)) pending.resize(before);
    if (pending.size() > before) continue;
    pending.pop_back();
    if (made.contains(node)) continue;
    std::vector<Value> operands;
    for (const Value& v : node->operands)
      operands.push_back(made.at(v.node)[static_cast<size_t>(v.result)]);
    made[node] = b.node(node->kind, node->attr, operands, node->results);
  }
  return made.at(value.node)[static_cast<size_t>(value.result)];
}

}  // namespace mintor
