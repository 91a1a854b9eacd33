// SPDX-License-Identifier: Apache-2.0
// Groups in an order in which each finds its inputs made. Takes groups; gives them ordered.
// Keeps true: ties go to the id of the first output; no recursion, a chain may be a million long.
#include <algorithm>
#include <numeric>

#include "compiler/graph/fusion/draft.h"
#include "compiler/ir/open_sizes.h"

namespace mintor::fusion {
namespace {

// The node whose bytes a chain of views renames.
std::unordered_map<const Node*, const Node*> roots_of_views(const Drafts& all) {
  std::unordered_map<const Node*, const Node*> roots;
  for (const Node* node : all.live) {
    if (!all.views.contains(node)) continue;
    const Node* of = node->operands[0].node;
    const auto known = roots.find(of);
    roots[node] = known == roots.end() ? of : known->second;
  }
  return roots;
}

// For each group, the groups that make its inputs, in order of the inputs.
std::vector<std::vector<size_t>> needs_of(const Drafts& all, const std::vector<Group>& groups) {
  std::unordered_map<const Node*, size_t> maker;
  for (size_t g = 0; g < groups.size(); ++g)
    for (const Value& v : groups[g].outputs) maker[v.node] = g;
  const auto roots = roots_of_views(all);
  std::unordered_map<std::string, size_t> binders;  // of symbols that are bound as it runs
  for (size_t g = 0; g < groups.size(); ++g)
    for (const std::string& symbol : bound_by(*groups[g].nodes[0])) binders[symbol] = g;
  std::vector<std::vector<size_t>> needs(groups.size());
  for (size_t g = 0; g < groups.size(); ++g)
    for (const Value& v : groups[g].inputs) {
      const auto root = roots.find(v.node);
      const auto made = maker.find(root == roots.end() ? v.node : root->second);
      if (made != maker.end()) needs[g].push_back(made->second);
    }
  for (size_t g = 0; g < groups.size(); ++g)
    for (const Node* node : groups[g].nodes)
      for (const std::string& symbol : symbols_of(*node)) {
        const auto binder = binders.find(symbol);
        if (binder != binders.end() && binder->second != g) needs[g].push_back(binder->second);
      }
  return needs;
}

}  // namespace

std::vector<Group> in_order(const Drafts& all, std::vector<Group> groups) {
  const std::vector<std::vector<size_t>> needs = needs_of(all, groups);
  std::vector<size_t> starts(groups.size());
  std::iota(starts.begin(), starts.end(), size_t{0});
  std::ranges::sort(starts, {}, [&](size_t g) { return groups[g].outputs.front().node->id; });

  enum class State { unseen, open, done };
  std::vector<State> state(groups.size(), State::unseen);
  std::vector<Group> ordered;
  struct Visit {
    size_t group, next = 0;  // the next of its needs
  };
  std::vector<Visit> path;
  for (const size_t start : starts) {
    if (state[start] == State::unseen) path.push_back({start});
    while (!path.empty()) {
      Visit& visit = path.back();
      state[visit.group] = State::open;
      if (visit.next == needs[visit.group].size()) {
        state[visit.group] = State::done;
        ordered.push_back(std::move(groups[visit.group]));
        path.pop_back();
        continue;
      }
      const size_t need = needs[visit.group][visit.next++];
      check(state[need] != State::open, "fusion", "groups depend on each other in a circle");
      if (state[need] == State::unseen) path.push_back({need});
    }
  }
  return ordered;
}

}  // namespace mintor::fusion
