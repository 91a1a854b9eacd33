// SPDX-License-Identifier: Apache-2.0
// Takes Graphs and levels; gives fusion groups and their kernels. Keeps true: groups are decided
// once for all levels, only schedules differ; what is explained has the order of the groups.
#include "compiler/driver/schedule_groups.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <set>
#include <unordered_map>

#include "compiler/graph/fusion.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/lower_expr.h"
#include "compiler/loop/stack.h"
#include "compiler/program/same_groups.h"
#include "compiler/support/parallel.h"

namespace mintor {
namespace {

std::vector<Kernel> kernels_of(CompileContext& context, const Graph& graph, const Group& group,
                               const std::vector<TargetInfo>& levels, const Measured& measured) {
  const Kernel plain = lower(graph, group);
  std::vector<Kernel> kernels;
  for (const TargetInfo& level : levels) {
    Kernel kernel = plain;
    schedule(context, graph, group, level, kernel, measured);
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

// Groups side by side, equal ones once. Each has a context of its own, so that what is explained
// keeps its order.
GroupKernels schedule_groups(CompileContext& context, const std::vector<PlannedGroup>& groups,
                             const std::vector<TargetInfo>& levels, const Measured& measured) {
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
        kernels_of(own[g], *groups[g].graph, *groups[g].group, levels, measured));
    if (!context.progress) return;
    const std::lock_guard lock(mutex);
    context.progress("scheduling", ++done, static_cast<int64_t>(firsts.size()));
  });
  GroupKernels kernels;
  for (const size_t g : firsts) kernels[groups[g].group] = made[g];
  for (size_t g = 0; g < count; ++g) {
    const PlannedGroup& one = groups[g];
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

}  // namespace

std::vector<PlannedGroup> planned_groups(std::span<const FusionPlan> fusions) {
  std::vector<PlannedGroup> all;
  for (const FusionPlan& fusion : fusions)
    visit_groups(fusion, [&](const Graph& graph, const Group& group) {
      all.push_back({&graph, &group, &group});
    });
  const std::unordered_map<const Group*, const Group*> same = same_groups(fusions);
  for (PlannedGroup& one : all) one.same = same.at(one.group);
  return all;
}

// Whether the rows of a group are bounded is known when they are scheduled: a value that turns out
// not to be starts a kernel of its own.
ScheduledGroups fuse_and_schedule(CompileContext& context, std::span<const Graph> graphs,
                                  const std::vector<TargetInfo>& levels, const Measured& measured) {
  std::set<const Node*> apart;
  for (;;) {
    CompileContext attempt(context.options);
    attempt.progress = context.progress;
    ScheduledGroups made;
    for (const Graph& graph : graphs) made.fusions.push_back(fuse(graph, apart));
    const std::vector<PlannedGroup> groups = planned_groups(made.fusions);
    made.kernels = schedule_groups(attempt, groups, levels, measured);
    const size_t before = apart.size();
    std::unordered_map<const Group*, std::set<size_t>> unbounded;
    for (const PlannedGroup& one : groups) {
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

}  // namespace mintor
