// SPDX-License-Identifier: Apache-2.0
// Buffers and steps from fusion groups. Takes graphs, groups and their kernels; gives the Program
// that compiler/memory then places. Keeps true: entries come in their order, each with its inputs,
// outputs and steps (graph_planner.h).
#include "compiler/program/plan.h"

#include <algorithm>

#include "compiler/graph/join_entries.h"
#include "compiler/program/branch_sizes.h"
#include "compiler/program/graph_planner.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

void add_symbols(ProgramDraft& draft, const FusionPlan& fusion) {
  draft.add_symbols(*fusion.graph);
  for (const Group& group : fusion.groups)
    for (const FusionPlan& body : group.bodies) add_symbols(draft, body);
}

// In the order in which they are bound first.
void add_dynamic(ProgramDraft& draft, const FusionPlan& fusion) {
  for (const Group& group : fusion.groups) {
    const Node& node = *group.nodes[0];
    const auto carried = node.kind == Kind::loop ? node.as<RegionAttr>().carried : 0;
    for (const OpenSize& size : open_sizes(node))
      if (static_cast<int32_t>(size.result) < carried) draft.kept_size(*size.outside.as_var());
    for (const std::string& symbol : bound_inside(node)) draft.add_dynamic(symbol);
    for (const FusionPlan& body : group.bodies) add_dynamic(draft, body);
    for (const std::string& symbol : bound_by(node)) draft.add_dynamic(symbol);
  }
}

void plan_entry(ProgramDraft& draft, const std::string& name, const FusionPlan& fusion,
                std::span<const FusionPlan> all, const GroupKernels& kernels) {
  const Graph& graph = *fusion.graph;
  draft.begin_entry(name, graph);
  HostSteps steps;
  GraphPlanner planner(draft, fusion, kernels, steps, 0);
  planner.add_conditions(graph.conditions());
  for (const Node* node : inputs_of(graph)) planner.bind(*node, draft.add_input(*node));
  std::vector<int32_t> outputs;
  for (const Result& result : graph.results) outputs.push_back(draft.add_output(result));
  for (const FusionPlan& other : all) draft.add_states(*other.graph);
  planner.run(outputs);
  planner.update();
  draft.entry().steps = std::move(steps);
}

// What join_entries and unify_symbols see to.
void check_joined(const ProgramDraft& draft, const Graph& graph) {
  for (const Symbol& symbol : graph.symbols()) {
    const auto known = std::ranges::find(draft.program.symbols, symbol.name, &Symbol::name);
    check(known != draft.program.symbols.end() && known->lo == symbol.lo &&
              known->hi == symbol.hi && known->value == symbol.value,
          "plan", "a size is not the same in all entries");
  }
  for (const auto& node : graph.nodes()) {
    if (node->kind != Kind::parameter) continue;
    const std::string& name = node->as<ParameterAttr>().name;
    check(is_state(graph, name) || !draft.has_state(name), "plan",
          "an entry does not know that another one updates a parameter");
  }
}

}  // namespace

Program plan(std::span<const FusionPlan> entries, std::vector<TargetInfo> levels,
             const GroupKernels& kernels, Parameters parameters) {
  check(!levels.empty(), "plan", "a program has at least one level");
  check(!entries.empty(), "plan", "a program has at least one entry");
  ProgramDraft draft(std::move(levels), parameters);
  draft.program.name = entries.size() == 1 ? entries[0].graph->name() : "model";
  for (const FusionPlan& fusion : entries) add_symbols(draft, fusion);
  for (const FusionPlan& fusion : entries) add_dynamic(draft, fusion);
  for (const FusionPlan& fusion : entries) {
    plan_entry(draft, entry_name(*fusion.graph, entries.size()), fusion, entries, kernels);
    check_joined(draft, *fusion.graph);
  }
  Program program = draft.finish();
  for (Entry& entry : program.entries) check_sizes_in_branches(program, entry);
  return program;
}

}  // namespace mintor
