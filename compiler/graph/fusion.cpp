// SPDX-License-Identifier: Apache-2.0
// Walks the Graph from the results upwards. A node joins the group of its users when all of them
// are in one group and the group's shape of work allows it; else it starts a group of its own. "All
// users in one group" keeps groups acyclic. Where they are in several, it may be one more output of
// one of them.
//
//   y = contract; b = broadcast; z = add(y, b); r = relu(z)     ->  one group: contract with tails
//   m = max; e = exp(x - m); s = sum(e); p = e / s              ->  one group: a row block with
//   local buffers
//
// The parts lie in fusion/: roles, position, legality, outputs, cost, materialise, stages,
// group_order, names.
#include "compiler/graph/fusion.h"

#include <algorithm>

#include "compiler/graph/from_parameters.h"
#include "compiler/graph/fusion/draft.h"
#include "compiler/support/error.h"

namespace mintor {
namespace fusion {

Drafts::Drafts(const Graph& graph, const std::set<const Node*>& apart)
    : graph(graph), apart(apart), live(live_nodes(graph)), users(users_of(graph)) {
  for (const Result& r : graph.results) wanted.insert(r.value.node);
  for (const Update& u : graph.updates) wanted.insert(u.value.node);
  FromParameters from_parameters(graph);
  for (const Node* node : live)
    if (from_parameters({node, 0})) prepared.insert(node);
  contract_tails = find_contract_tails(*this);
}

namespace {

[[noreturn]] void refuse_opaque(const Graph& graph, const Node& node) {
  throw CompileError(
      std::string(name_of(node.kind)), "this operator cannot be compiled yet, only evaluated",
      graph.scopes(&node).empty() ? "" : graph.scopes(&node).front(),
      "remove it from the model, or run the graph with the reference evaluator: mintor run "
      "MODEL --evaluate");
}

// The one group that holds all readers, or -1.
int common_group(const Drafts& all, const std::vector<Reader>& readers) {
  int group = -1;
  for (const Reader& reader : readers) {
    if (all.views.contains(reader.user)) return -1;  // a view needs bytes
    if (all.free.contains(reader.user)) return -1;   // read in several kernels
    const int g = all.group_of.at(reader.user);
    if (group != -1 && group != g) return -1;
    group = g;
  }
  return group;
}

void join(Drafts& all, const Node& node, const std::vector<Reader>& readers, int group) {
  Draft& draft = all.drafts[group];
  draft.nodes[&node] = position_in(draft, readers);
  const bool placed = node.kind == Kind::concat && may_place(draft, node, readers);
  draft.text = text_with(draft, node, readers);
  draft.copies[&node] = copies_in(draft, node, readers);
  if (role_of(node) == Role::anchor) draft.copies[&node] = {{{node.id + 1, 1}}, 0};  // its nest
  if (is_in_parts(draft, readers)) draft.in_parts.insert(&node);
  if (placed) draft.placed.push_back(&node);
  all.group_of[&node] = group;
  if (node.kind == Kind::contract) draft.contract = &node;
  if (node.kind == Kind::reduce && draft.first_reduce == nullptr) draft.first_reduce = &node;
  draft.because.push_back(describe(all.graph, node) + " joins");
}

void start(Drafts& all, const Node& node, const Refusal& refusal) {
  Draft draft;
  draft.nodes[&node] = all_dims(node.results[0].shape.size());
  draft.copies[&node] = {{{node.id + 1, 1}}, 0};
  draft.text.each_part = 1;
  if (node.kind == Kind::concat) {
    draft.placed.push_back(&node);
    draft.text = {0, 0, static_cast<int64_t>(node.operands.size())};
  }
  for (int32_t r = 0; r < static_cast<int32_t>(node.results.size()); ++r)
    draft.outputs.push_back({&node, r});
  if (node.kind == Kind::contract) draft.contract = &node;
  if (node.kind == Kind::reduce) draft.first_reduce = &node;
  draft.closed = is_walk(node) || role_of(node) == Role::whole;
  draft.because.push_back(describe(all.graph, node) + " starts a kernel: " + refusal.reason);
  all.group_of[&node] = static_cast<int>(all.drafts.size());
  all.drafts.push_back(std::move(draft));
}

// A read of windows: more elements than there are, which each kernel reads where they lie rather
// than all of them from a copy. Only where it stands in expressions, not as a contract's operand.
bool is_window(const Drafts& all, const Node& node, const std::vector<Reader>& readers) {
  if (node.kind != Kind::reindex || !node.as<ReindexAttr>().map.loads.empty()) return false;
  if (all.is_prepared(node) || !repeats(all.graph, node)) return false;
  return std::ranges::all_of(readers, [&](const Reader& reader) {
    return !all.free.contains(reader.user) &&
           (is_elementwise(*reader.user) || reader.user->kind == Kind::reduce);
  });
}

// By the host, or by the user's code.
bool is_read_in_memory(const Drafts& all, const Node& node) {
  return std::ranges::any_of(all.users[node.id], [](const Node* user) {
    return role_of(*user) == Role::control || role_of(*user) == Role::whole;
  });
}

void place(Drafts& all, const Node& node) {
  if (role_of(node) == Role::leaf) return;
  if (role_of(node) == Role::opaque) refuse_opaque(all.graph, node);
  if (role_of(node) == Role::control) return start(all, node, {"the host runs it"});
  if (role_of(node) == Role::whole) return start(all, node, {"it is the user's code"});
  const bool wanted = all.is_wanted(node), in_memory = is_read_in_memory(all, node);
  const bool stored = wanted || in_memory;
  if (is_free(node) && !stored) {
    all.free.insert(&node);
    return;
  }
  if (is_view(node, all.graph) && !wanted) {
    all.views.insert(&node);
    return;
  }
  const std::vector<Reader> readers = readers_of(all, node);
  const auto group_of_readers = [&] { return stored ? -1 : common_group(all, readers); };
  int group = group_of_readers();
  if (group < 0 && !stored && is_window(all, node, readers)) {
    all.free.insert(&node);
    return;
  }
  if (group < 0) {
    const int joined = join_readers(all, node, readers);
    group = group_of_readers();
    if (joined >= 0 && group < 0) return join_as_output(all, node, joined);
  }
  if (group < 0)
    return start(all, node,
                 {wanted      ? "it is a result"
                  : in_memory ? "it is read as a whole, from memory"
                              : "its users are in several kernels"});
  if (const Refusal refusal = refuse(all, node, readers, all.drafts[group]))
    start(all, node, refusal);
  else
    join(all, node, readers, group);
}

FusionPlan plan_from(Drafts& all) {
  FusionPlan plan;
  plan.graph = &all.graph;
  plan.groups = in_order(all, join_stages(all, groups_from(all)));
  name_groups(all.graph, plan.groups);
  for (const Node* node : all.live)
    if (all.views.contains(node)) plan.views.push_back({{node, 0}, node->operands[0]});
  for (Group& group : plan.groups) {
    const Node& node = *group.outputs.front().node;
    if (role_of(node) != Role::control) continue;
    group.is_kernel = false;
    if (node.kind == Kind::bind) continue;
    for (const auto& region : node.as<RegionAttr>().regions)
      group.bodies.push_back(fuse(*region, all.apart));
  }
  return plan;
}

}  // namespace
}  // namespace fusion

FusionPlan fuse(const Graph& graph, const std::set<const Node*>& apart) {
  fusion::Drafts all(graph, apart);
  for (size_t n = all.live.size(); n-- > 0;) fusion::place(all, *all.live[n]);
  return fusion::plan_from(all);
}

}  // namespace mintor
