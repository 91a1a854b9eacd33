// SPDX-License-Identifier: Apache-2.0
// Graph -> Program: fusion, one kernel per group and level, buffers, memory. Takes an optimised
// Graph and level names; gives the Program that packages and the JIT are made from. Keeps true:
// groups, launches and memory are decided once for all levels; only schedules differ.
#include <algorithm>
#include <iterator>
#include <mutex>

#include "compiler/codegen/target.h"
#include "compiler/contraction/strategy.h"
#include "compiler/driver/driver.h"
#include "compiler/graph/fusion.h"
#include "compiler/jit/backend.h"
#include "compiler/loop/lower.h"
#include "compiler/memory/plan_memory.h"
#include "compiler/program/plan.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

const Node* contract_of(const Group& group) {
  const auto found = std::ranges::find(group.nodes, Kind::contract, &Node::kind);
  return found == group.nodes.end() ? nullptr : *found;
}

std::vector<Kernel> kernels_of(CompileContext& context, const Graph& graph, const Group& group,
                               const std::vector<TargetInfo>& levels) {
  const Kernel plain = lower(context, graph, group);
  const Node* contract = contract_of(group);
  std::vector<Kernel> kernels;
  for (const TargetInfo& level : levels) {
    Kernel kernel = plain;
    if (contract != nullptr) {
      schedule_contraction(context, Contraction{graph, group, *contract, level}, kernel);
    } else {
      schedule_default(context, graph, group, level, kernel);
    }
    if (context.options.verify_passes) verify(kernel);
    kernels.push_back(std::move(kernel));
  }
  return kernels;
}

// Groups side by side. Each has a context of its own, so that what is explained keeps its order.
std::vector<std::vector<Kernel>> schedule_groups(CompileContext& context, const Graph& graph,
                                                 const FusionPlan& fusion,
                                                 const std::vector<TargetInfo>& levels) {
  const size_t count = fusion.groups.size();
  std::vector<std::vector<Kernel>> kernels(count);
  std::vector<CompileContext> own(count, CompileContext(context.options));
  std::mutex mutex;
  int64_t done = 0;
  for_each_parallel(count, [&](size_t g) {
    const Group& group = fusion.groups[g];
    for (const std::string& why : group.because) {
      own[g].explain("fusion: " + group.name + ": " + why);
    }
    kernels[g] = kernels_of(own[g], graph, group, levels);
    if (!context.progress) return;
    const std::lock_guard lock(mutex);
    context.progress("scheduling", ++done, static_cast<int64_t>(count));
  });
  for (CompileContext& one : own) {
    std::ranges::move(one.explanations, std::back_inserter(context.explanations));
    std::ranges::move(one.warnings, std::back_inserter(context.warnings));
  }
  return kernels;
}

}  // namespace

Program build_program(CompileContext& context, const Graph& graph,
                      const std::vector<std::string>& level_names) {
  std::vector<TargetInfo> levels;
  for (const std::string& name : level_names) levels.push_back(find_level(name));
  check(!levels.empty(), "build_program", "at least one level is needed");

  const FusionPlan fusion = fuse(context, graph);
  std::vector<std::vector<Kernel>> kernels = schedule_groups(context, graph, fusion, levels);
  Program program = plan(context, graph, fusion, std::move(levels), std::move(kernels));
  program.numerics_hash = graph.numerics_hash;
  plan_memory(context, program);
  if (context.options.verify_passes) verify(program);
  return program;
}

}  // namespace mintor
