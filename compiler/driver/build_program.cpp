// SPDX-License-Identifier: Apache-2.0
// Graphs -> Program: fusion, one kernel per group and level, buffers, memory. Takes the optimised
// Graphs of its entries and level names; gives the Program that packages and the JIT are made from.
// Keeps true: groups, launches and memory are decided once for all levels; only schedules differ.
#include <algorithm>
#include <iterator>
#include <mutex>
#include <set>
#include <unordered_map>

#include "compiler/codegen/target.h"
#include "compiler/contraction/strategy.h"
#include "compiler/driver/driver.h"
#include "compiler/graph/fusion.h"
#include "compiler/graph/pass.h"
#include "compiler/jit/check_code.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/lower_expr.h"
#include "compiler/loop/pass.h"
#include "compiler/loop/stack.h"
#include "compiler/memory/plan_memory.h"
#include "compiler/program/plan.h"
#include "compiler/program/same_groups.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"
#include "compiler/support/parallel.h"
#include "compiler/support/sha256.h"

namespace mintor {
namespace {

std::vector<Kernel> kernels_of(CompileContext& context, const Graph& graph, const Group& group,
                               const std::vector<TargetInfo>& levels) {
  const Kernel plain = lower(graph, group);
  std::vector<Kernel> kernels;
  for (const TargetInfo& level : levels) {
    Kernel kernel = plain;
    schedule(context, graph, group, level, kernel);
    fit_stack(kernel);
    if (context.options.verify_passes) verify(kernel);
    kernels.push_back(std::move(kernel));
  }
  return kernels;
}

void explain_fusion(CompileContext& context, const Group& group) {
  for (const std::string& why : group.because)
    context.explain("fusion: " + group.name + ": " + why);
}

struct Planned {
  const Graph* graph = nullptr;
  const Group* group = nullptr;
  const Group* same = nullptr;  // the first that becomes the same kernel
};

std::vector<Planned> planned_groups(std::span<const FusionPlan> fusions) {
  std::vector<Planned> all;
  for (const FusionPlan& fusion : fusions)
    visit_groups(fusion, [&](const Graph& graph, const Group& group) {
      all.push_back({&graph, &group, &group});
    });
  const std::unordered_map<const Group*, const Group*> same = same_groups(fusions);
  for (Planned& one : all) one.same = same.at(one.group);
  return all;
}

// Groups side by side, equal ones once. Each has a context of its own, so that what is explained
// keeps its order.
GroupKernels schedule_groups(CompileContext& context, const std::vector<Planned>& groups,
                             const std::vector<TargetInfo>& levels) {
  const size_t count = groups.size();
  std::vector<LevelsOfKernel> made(count);
  std::vector<CompileContext> own(count, CompileContext(context.options));
  std::vector<size_t> firsts;
  for (size_t g = 0; g < count; ++g)
    if (groups[g].same == groups[g].group) firsts.push_back(g);
  std::mutex mutex;
  int64_t done = 0;
  for_each_parallel(firsts.size(), [&](size_t n) {
    const size_t g = firsts[n];
    explain_fusion(own[g], *groups[g].group);
    made[g] = std::make_shared<const std::vector<Kernel>>(
        kernels_of(own[g], *groups[g].graph, *groups[g].group, levels));
    if (!context.progress) return;
    const std::lock_guard lock(mutex);
    context.progress("scheduling", ++done, static_cast<int64_t>(firsts.size()));
  });
  GroupKernels kernels;
  for (const size_t g : firsts) kernels[groups[g].group] = made[g];
  for (size_t g = 0; g < count; ++g) {
    const Planned& one = groups[g];
    if (one.same == one.group) continue;
    explain_fusion(own[g], *one.group);
    own[g].explain("schedule: " + one.group->name + ": that of " + one.same->name);
    kernels[one.group] = kernels.at(one.same);
  }
  for (CompileContext& one : own) {
    std::ranges::move(one.explanations, std::back_inserter(context.explanations));
    std::ranges::move(one.warnings, std::back_inserter(context.warnings));
  }
  return kernels;
}

// Values that a kernel keeps in a local buffer whose size no range bounds, so that no text can
// declare it, or that is no working memory of a thread: their positions in `materialised`.
std::set<size_t> unbounded_locals(const Graph& graph, const Group& group, const Kernel& kernel) {
  std::set<std::string> names;
  for (const auto& [name, bytes] : local_bytes(kernel))
    if (!bytes || *bytes > kMostScratchBytes) names.insert(name);
  std::set<size_t> found;
  for (size_t m = 0; m < group.materialised.size(); ++m)
    if (names.contains(value_name(graph, group.materialised[m]))) found.insert(m);
  return found;
}

struct Scheduled {
  std::vector<FusionPlan> fusions;  // by entry
  GroupKernels kernels;
};

// Whether the rows of a group are bounded is known when they are scheduled: a value that turns out
// not to be starts a kernel of its own.
Scheduled fuse_and_schedule(CompileContext& context, std::span<const Graph> graphs,
                            const std::vector<TargetInfo>& levels) {
  std::set<const Node*> apart;
  for (;;) {
    CompileContext attempt(context.options);
    attempt.progress = context.progress;
    Scheduled made;
    for (const Graph& graph : graphs) made.fusions.push_back(fuse(graph, apart));
    const std::vector<Planned> groups = planned_groups(made.fusions);
    made.kernels = schedule_groups(attempt, groups, levels);
    const size_t before = apart.size();
    std::unordered_map<const Group*, std::set<size_t>> unbounded;
    for (const Planned& one : groups) {
      std::set<size_t>& found = unbounded[one.same];
      if (one.same == one.group)
        for (const Kernel& kernel : *made.kernels.at(one.group))
          found.merge(unbounded_locals(*one.graph, *one.group, kernel));
      for (const size_t m : found) apart.insert(one.group->materialised[m].node);
    }
    if (apart.size() > before) continue;
    std::ranges::move(attempt.explanations, std::back_inserter(context.explanations));
    std::ranges::move(attempt.warnings, std::back_inserter(context.warnings));
    return made;
  }
}

// A package takes the last of its levels that the CPU runs: wider vectors come later, then more
// features. A level named twice is one.
std::vector<TargetInfo> lowest_first(const std::vector<std::string>& names) {
  check(!names.empty(), "build_program", "at least one level is needed");
  std::vector<TargetInfo> levels;
  for (const std::string& name : names) {
    TargetInfo level = find_level(name);
    if (std::ranges::find(levels, level.level, &TargetInfo::level) == levels.end())
      levels.push_back(std::move(level));
  }
  std::ranges::stable_sort(levels, {}, [](const TargetInfo& level) {
    return std::pair(level.vector_bytes, level.features.size());
  });
  return levels;
}

// Of a model of several entries, that of their names and hashes.
std::string numerics_hash_of(std::span<const Graph> entries) {
  if (entries.size() == 1) return entries[0].numerics_hash;
  std::string text;
  for (const Graph& graph : entries) text += graph.name() + " " + graph.numerics_hash + "\n";
  return sha256_hex(text);
}

}  // namespace

void check_may_be_left_out(const std::string& name) {
  if (name == "order")
    throw CompileError("disable-pass", "'order' cannot be left out: it decides the order of sums");
  std::vector<std::string_view> known;
  for (const GraphPass* pass : all_graph_passes()) known.push_back(pass->name);
  for (const LoopPass* pass : all_loop_passes()) known.push_back(pass->name);
  for (const Strategy* strategy : strategies_in_order()) known.push_back(strategy->name);
  if (std::ranges::find(known, name) == known.end())
    throw CompileError("disable-pass", "there is no pass or strategy '" + name + "'", "",
                       did_you_mean(name, known));
}

Program build_program(CompileContext& context, const Graph& graph,
                      const std::vector<std::string>& level_names) {
  return build_program(context, {&graph, 1}, level_names);
}

Program build_program(CompileContext& context, std::span<const Graph> entries,
                      const std::vector<std::string>& level_names) {
  std::vector<TargetInfo> levels = lowest_first(level_names);
  for (const Graph& graph : entries) check_code(context, graph);
  Scheduled made = fuse_and_schedule(context, entries, levels);
  const Parameters parameters =
      context.options.settable_parameters ? Parameters::settable : Parameters::shared;
  Program program = plan(made.fusions, std::move(levels), made.kernels, parameters);
  program.numerics_hash = numerics_hash_of(entries);
  plan_memory(context, program);
  if (context.options.verify_passes) verify(program);
  return program;
}

}  // namespace mintor
