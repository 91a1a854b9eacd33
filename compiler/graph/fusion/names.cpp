// SPDX-License-Identifier: Apache-2.0
// Names of kernels: "layer1_conv1_add", the place a group comes from and what it ends with.
// Takes groups; sets their names. Keeps true: C identifiers, unique in the plan.
#include "compiler/graph/fusion/draft.h"

namespace mintor::fusion {
namespace {

// The first scope of an anchor, else of any node.
std::string place_of(const Graph& graph, const Group& group) {
  std::string place;
  for (const Node* node : group.nodes) {
    const auto& scopes = graph.scopes(node);
    if (scopes.empty()) continue;
    if (role_of(*node) == Role::anchor) return scopes.front();
    if (place.empty()) place = scopes.front();
  }
  return place;
}

std::string plain(const std::string& text) {
  std::string name;
  for (char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain)
      name += c;
    else if (!name.empty() && name.back() != '_')
      name += '_';
  }
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) name = "k_" + name;
  return name;
}

}  // namespace

void name_groups(const Graph& graph, std::vector<Group>& groups) {
  std::map<std::string, int> taken;
  for (Group& group : groups) {
    const std::string name =
        plain(place_of(graph, group) + "_" + word_of(*group.outputs.front().node));
    const int count = taken[name]++;
    group.name = count == 0 ? name : name + "_" + std::to_string(count + 1);
    while (count != 0 && taken.contains(group.name)) group.name += "_";
  }
}

}  // namespace mintor::fusion
