// SPDX-License-Identifier: Apache-2.0
// Text of groups with values named by position. Takes groups; gives the first of each text.
// Keeps true: everything that lowering and schedules read of a group stands in its text, except
// names; a value that the text cannot name is a group of its own.
#include "compiler/program/same_groups.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include "compiler/ir/text.h"

namespace mintor {
namespace {

using Key = std::pair<const Node*, int32_t>;

Key key_of(const Value& value) { return {value.node, value.result}; }

// Whose memory a value lies in.
class Places {
 public:
  Places(const Graph& graph, const FusionPlan& fusion) {
    for (const View& view : fusion.views) views_[key_of(view.value)] = view.of;
    for (const Result& result : graph.results) homes_.insert(key_of(root(result.value)));
    for (const Group& group : fusion.groups) {
      if (!group.prepare) continue;
      for (const Value& value : group.outputs) homes_.erase(key_of(value));
    }
  }

  const char* operator()(const Value& value) const {
    const Value home = root(value);
    if (home.node->kind == Kind::input) return "given";
    return homes_.contains(key_of(home)) ? "result" : "own";
  }

 private:
  Value root(Value value) const {
    for (auto at = views_.find(key_of(value)); at != views_.end(); at = views_.find(key_of(value)))
      value = at->second;
    return value;
  }

  std::map<Key, Value> views_;
  std::set<Key> homes_;  // results that `forward` computes
};

class GroupText {
 public:
  GroupText(const Group& group, const Places& places) : group_(group), places_(places) {
    for (const Value& input : group.inputs)
      inputs_.emplace(key_of(input), "p" + std::to_string(inputs_.size()));
    for (const Node* node : group.nodes) nodes_.emplace(node, "n" + std::to_string(nodes_.size()));
  }

  // "" where a value is neither an input nor made in the group.
  std::string text() {
    std::string out;
    for (const Value& input : group_.inputs) {
      const bool leaf = input.node->kind == Kind::input;
      out += std::string(leaf ? "input " : "value ") + places_(input) + " " +
             to_string(input.type()) + "\n";
    }
    for (const Node* node : group_.nodes) out += node_line(*node);
    for (const auto* values : {&group_.outputs, &group_.materialised}) {
      out += "values";
      for (const Value& value : *values) out += " " + name(value) + " " + places_(value);
      out += "\n";
    }
    for (const Group& stage : group_.stages) {
      out += "stage";
      for (const Value& value : stage.outputs) out += " " + name(value);
      out += "\n";
    }
    out += "placed";
    for (const Node* node : group_.placed) out += " " + name({node, 0});
    return complete_ ? out : "";
  }

 private:
  std::string name(const Value& value) {
    if (const auto input = inputs_.find(key_of(value)); input != inputs_.end())
      return input->second;
    if (const auto node = nodes_.find(value.node); node != nodes_.end())
      return node->second + "." + std::to_string(value.result);
    complete_ = false;
    return "";
  }

  std::string node_line(const Node& node) {
    std::string line(op_name(node.kind, node.attr));
    for (const Type& type : node.results) line += " " + to_string(type);
    line += " (";
    for (const Value& operand : node.operands) line += name(operand) + " ";
    return line + ") " + attributes_text(node) + "\n";
  }

  const Group& group_;
  const Places& places_;
  std::map<Key, std::string> inputs_;
  std::unordered_map<const Node*, std::string> nodes_;
  bool complete_ = true;
};

using Same = std::unordered_map<const Group*, const Group*>;

void add_groups(const FusionPlan& fusion, std::unordered_map<std::string, const Group*>& first,
                Same& same) {
  const Places places(*fusion.graph, fusion);
  for (const Group& group : fusion.groups) {
    for (const FusionPlan& body : group.bodies) add_groups(body, first, same);
    if (!group.is_kernel) continue;
    std::string text = GroupText(group, places).text();
    same[&group] = text.empty() ? &group : first.emplace(std::move(text), &group).first->second;
  }
}

}  // namespace

Same same_groups(std::span<const FusionPlan> entries) {
  std::unordered_map<std::string, const Group*> first;
  Same same;
  for (const FusionPlan& fusion : entries) add_groups(fusion, first, same);
  return same;
}

}  // namespace mintor
