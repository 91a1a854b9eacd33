// SPDX-License-Identifier: Apache-2.0
// Fusion groups: which nodes of a frozen Graph become one kernel.
// Takes a Graph at stage `fused`; gives groups in an order in which each group's inputs come from
// earlier groups. Keeps true: every live node that computes is in exactly one group, or is
// recomputed inside all groups that use it (index and leaf nodes), or is a view; a group has at
// most one contract, or one a stage. A branch or a loop is a group that holds the plans of its
// regions.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/support/context.h"

namespace mintor {

struct FusionPlan;

struct Group {
  std::vector<const Node*> nodes;  // topological order; recomputed producers included
  std::vector<Value>
      inputs;  // from outside: graph inputs, parameters, large constants, other groups
  std::vector<Value> outputs;        // stored by the kernel
  std::vector<Value> materialised;   // values with their own loop nest (outputs, reductions, shared
                                     // producers), in order
  std::vector<const Node*> placed;   // concats whose parts are stored where they belong: the
                                     // output has a nest a part, along the dim of the first
  std::string name;                  // from the scopes it fused, unique in the plan, a C identifier
  std::vector<std::string> because;  // why it holds what it holds, and what refused to join
  Index work = 0;  // scalar operations, about
  // Of a kernel of several: each as a group of its own, the last with the outputs of the whole.
  // What one gives another stays in the kernel, as far as a block of rows needs it.
  std::vector<Group> stages;
  bool prepare = false;  // depends on parameters and constants alone: runs once, in entry `prepare`
  bool is_kernel = true;           // false: an if, loop or bind, its only node, which the host runs
  std::vector<FusionPlan> bodies;  // of an if or loop: one per region
};

// A value whose bytes are those of another (a reshape): no kernel.
struct View {
  Value value, of;
};

struct FusionPlan {
  const Graph* graph = nullptr;
  std::vector<Group> groups;
  std::vector<View> views;
};

// A scan, a sort, a scatter: a nest that goes through elements in an order of its own.
bool is_walk(const Node& node);

// `apart`: nodes that start a kernel of their own, whatever would join them.
FusionPlan fuse(const Graph& graph, const std::set<const Node*>& apart = {});

// Calls function(graph, group) for each group that becomes a kernel, those of bodies too.
template <class Function>
void visit_groups(const FusionPlan& plan, const Function& function) {
  for (const Group& group : plan.groups) {
    if (group.is_kernel) function(*plan.graph, group);
    for (const FusionPlan& body : group.bodies) visit_groups(body, function);
  }
}

}  // namespace mintor
