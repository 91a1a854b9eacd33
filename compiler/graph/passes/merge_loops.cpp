// SPDX-License-Identifier: Apache-2.0
// Loops over the same values that carry the same things are one loop, which stacks what either
// stacks: a recurrent layer, and what its gradient wants of the same steps.
//   h, y = loop (h0, x) { .. } stacked y;  g, s = loop (h0, x) { the same } stacked s
//   ->  h, y, s = loop (h0, x) { .. } stacked y, s
// Takes a graph before sums have their orders. Keeps true: the first loop stands where it stood;
// what the others stack does not need what lies between.
#include <algorithm>
#include <map>

#include "compiler/graph/clone.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/open_sizes.h"

namespace mintor {

namespace {

// A body of all that loops stack, and for each result of a loop its position in it.
struct Merged {
  std::shared_ptr<Graph> body;
  std::unordered_map<const Node*, std::vector<size_t>> places;  // by loop
};

Clones inputs_as(const Graph& body, const Graph& of) {
  const std::vector<const Node*> from = inputs_of(body), to = inputs_of(of);
  Clones clones;
  for (size_t i = 0; i < from.size(); ++i) clones[from[i]] = {{to[i], 0}};
  return clones;
}

std::shared_ptr<Graph> with_inputs_of(const Graph& body) {
  auto made = std::make_shared<Graph>(body.name());
  made->copy_sizes(body);
  Builder b(*made);
  for (const Node* input : inputs_of(body)) {
    const Type& type = input->results[0];
    b.input(input->as<InputAttr>().name, type.dtype, type.shape);
  }
  return made;
}

// Adds a loop's results; false, and nothing of use, where it carries something else.
bool add(Merged& merged, const Node& loop) {
  const auto& attr = loop.as<RegionAttr>();
  const Graph& body = *attr.regions[0];
  Builder b(*merged.body);
  Clones clones = inputs_as(body, *merged.body);
  std::vector<Result>& results = merged.body->results;
  const bool first = results.empty();
  std::vector<size_t> places;
  for (size_t r = 0; r < body.results.size(); ++r) {
    const Value value = clone(b, body, body.results[r].value, clones);
    const auto carried = static_cast<size_t>(attr.carried);
    if (r < carried && !first) {
      if (!(results[r].value == value)) return false;
      places.push_back(r);
      continue;
    }
    const auto stacked = results.begin() + static_cast<int64_t>(std::min(carried, results.size()));
    const auto known =
        std::find_if(stacked, results.end(), [&](const Result& one) { return one.value == value; });
    places.push_back(static_cast<size_t>(known - results.begin()));
    if (known == results.end() || r < carried) {
      places.back() = results.size();
      results.push_back({"r" + std::to_string(results.size()), value});
    }
  }
  merged.places[&loop] = std::move(places);
  return true;
}

bool may_merge(const Node& a, const Node& b) {
  const auto &x = a.as<RegionAttr>(), &y = b.as<RegionAttr>();
  return a.operands == b.operands && x.trip == y.trip && x.carried == y.carried &&
         x.scanned == y.scanned && !x.conditional && !y.conditional;
}

// What binds sizes does so once.
bool binds(const Node& loop) {
  const Graph& body = *loop.as<RegionAttr>().regions[0];
  return !bound_by(loop).empty() || std::ranges::any_of(body.nodes(), [](const auto& node) {
    return !bound_by(*node).empty();
  });
}

Graph run(CompileContext&, const Graph& graph) {
  std::vector<std::vector<const Node*>> groups;
  for (const Node* node : live_nodes(graph)) {
    if (node->kind != Kind::loop || binds(*node)) continue;
    const auto group = std::ranges::find_if(
        groups, [&](const auto& loops) { return may_merge(*loops[0], *node); });
    if (group == groups.end())
      groups.push_back({node});
    else
      group->push_back(node);
  }
  std::unordered_map<const Node*, std::shared_ptr<Merged>> merged_of;
  for (const auto& loops : groups) {
    if (loops.size() < 2) continue;
    auto merged = std::make_shared<Merged>();
    merged->body = with_inputs_of(*loops[0]->as<RegionAttr>().regions[0]);
    for (const Node* loop : loops)
      if (add(*merged, *loop)) merged_of[loop] = merged;
  }
  std::map<const Merged*, std::vector<Value>> made;
  return rewrite(graph,
                 [&](Builder& b, const Node& old,
                     std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   const auto found = merged_of.find(&old);
                   if (found == merged_of.end() || found->second->places.size() < 2)
                     return std::nullopt;
                   std::vector<Value>& results = made[found->second.get()];
                   if (results.empty()) {
                     RegionAttr attr = old.as<RegionAttr>();
                     attr.regions[0] = found->second->body;
                     results = b.node(Kind::loop, std::move(attr), operands, {});
                   }
                   std::vector<Value> own;
                   for (const size_t place : found->second->places.at(&old))
                     own.push_back(results[place]);
                   return own;
                 });
}

}  // namespace

extern const GraphPass pass_merge_loops;
const GraphPass pass_merge_loops = {"merge_loops",
                                    "loops over the same values with the same body are one", run};

}  // namespace mintor
