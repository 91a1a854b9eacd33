// SPDX-License-Identifier: Apache-2.0
// Drafts -> groups: what each reads from outside, and which of its values get a loop nest.
// Takes finished drafts; gives Groups without names. Keeps true: nodes are in topological order,
// which is that of their ids; a free node is in every group that uses it.
#include <algorithm>

#include "compiler/graph/fusion/draft.h"
#include "compiler/graph/products.h"
#include "compiler/ir/sizes.h"

namespace mintor::fusion {
namespace {

bool by_place(const Value& a, const Value& b) {
  return std::pair(a.node->id, a.result) < std::pair(b.node->id, b.result);
}

// The draft's nodes with the free ones that they use; `inputs` receives what comes from outside.
std::vector<const Node*> close_over(const Drafts& all, const Draft& draft,
                                    std::vector<Value>& inputs) {
  const Role role = role_of(*draft.outputs.front().node);
  const bool in_memory = role == Role::control || role == Role::whole;
  std::unordered_set<const Node*> inside;
  for (const auto& [node, position] : draft.nodes) inside.insert(node);
  std::vector<const Node*> nodes(inside.begin(), inside.end());
  for (size_t next = 0; next < nodes.size(); ++next)
    for (const Value& v : nodes[next]->operands) {
      if (inside.contains(v.node)) continue;
      if (!in_memory && (all.free.contains(v.node) || is_uniform_constant(*v.node))) {
        inside.insert(v.node);
        nodes.push_back(v.node);
      } else {
        inputs.push_back(v);
      }
    }
  std::ranges::sort(nodes, {}, &Node::id);
  std::ranges::sort(inputs, by_place);
  inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
  return nodes;
}

// Values with a nest: outputs, anchors, and in a row block what several nests would compute again.
std::vector<Value> materialised(const Drafts& all, const Draft& draft, const Group& group) {
  std::vector<Value> values;
  int64_t kept = 0;
  for (const Node* node : group.nodes) {
    const bool output = std::ranges::find(group.outputs, node, &Value::node) != group.outputs.end();
    bool nest = output || role_of(*node) == Role::anchor;
    if (!nest && draft.first_reduce != nullptr && draft.holds(node) &&
        worth_keeping(all, draft, *node)) {
      const int64_t bytes = row_bytes(all, draft, {node, 0}).value_or(kMostKeptBytes + 1);
      nest = kept + bytes <= kMostKeptBytes;
      if (nest) kept += bytes;
    }
    if (!nest) continue;
    for (int32_t r = 0; r < static_cast<int32_t>(node->results.size()); ++r)
      values.push_back({node, r});
  }
  return values;
}

// An operation for each element that is read or made, or each product that is needed.
Index work_of(const Node& node) {
  if (node.kind == Kind::contract)
    return products_of(node.as<Contract>(), node.operands[0].shape(), node.operands[1].shape());
  const bool sums = role_of(node) == Role::anchor;
  return count_of(sums ? node.operands.back().shape() : node.results[0].shape);
}

Group group_from(const Drafts& all, Draft& draft) {
  Group group;
  group.because = std::move(draft.because);
  group.outputs = draft.outputs;
  group.placed = draft.placed;
  group.prepare = all.is_prepared(*draft.outputs.front().node);
  group.nodes = close_over(all, draft, group.inputs);
  group.materialised = materialised(all, draft, group);
  for (const Node* node : group.nodes) group.work = group.work + work_of(*node);
  return group;
}

}  // namespace

std::vector<Group> groups_from(Drafts& all) {
  std::vector<Group> groups;
  for (auto draft = all.drafts.rbegin(); draft != all.drafts.rend(); ++draft)
    if (!draft->outputs.empty())  // else it has become part of another
      groups.push_back(group_from(all, *draft));
  return groups;
}

}  // namespace mintor::fusion
