// SPDX-License-Identifier: Apache-2.0
// Names of kernels: "layer1_conv1_add", the place a group comes from and what it ends with.
// Takes groups; sets their names. A place is as many of the last parts of a scope as tell it from
// the other places: "jit/model/block_0/norm/sum" -> "block_0_norm_sum". Keeps true: C identifiers,
// unique in the plan.
#include <set>

#include "compiler/graph/fusion/draft.h"
#include "compiler/support/identifier.h"

namespace mintor::fusion {
namespace {

// One part says what is done ("conv"), the one before it where.
constexpr int kFewestParts = 2;

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

// The ends of a scope that begin with a part, shortest first: "a/b/c" -> "b/c", "a/b/c".
std::vector<std::string> ends_of(const std::string& place) {
  std::vector<std::string> ends;
  size_t slash = place.size();
  for (int parts = 1; slash != std::string::npos && slash > 0; ++parts) {
    slash = place.rfind('/', slash - 1);
    const bool whole = slash == std::string::npos;
    if (parts >= kFewestParts || whole) ends.push_back(whole ? place : place.substr(slash + 1));
  }
  return ends;
}

std::map<std::string, std::string> short_places(const std::set<std::string>& places) {
  std::map<std::string, int> shared;
  for (const std::string& place : places)
    for (const std::string& end : ends_of(place)) ++shared[end];
  std::map<std::string, std::string> shorter;
  for (const std::string& place : places) {
    shorter[place] = place;
    for (const std::string& end : ends_of(place))
      if (shared[end] == 1) {
        shorter[place] = end;
        break;
      }
  }
  return shorter;
}

}  // namespace

void name_groups(const Graph& graph, std::vector<Group>& groups) {
  std::set<std::string> places;
  for (const Group& group : groups) places.insert(place_of(graph, group));
  const std::map<std::string, std::string> shorter = short_places(places);
  std::map<std::string, int> given;  // how often
  std::set<std::string> taken;
  for (Group& group : groups) {
    const std::string& place = shorter.at(place_of(graph, group));
    const std::string name =
        joined_words(place + "_" + word_of(*group.outputs.front().node), "k");
    const int count = given[name]++;
    group.name = unique_name(count == 0 ? name : name + "_" + std::to_string(count + 1), taken);
  }
}

}  // namespace mintor::fusion
