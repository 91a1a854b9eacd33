// SPDX-License-Identifier: Apache-2.0
// Takes Graphs; gives records. Keeps true: what is measured is what a compile of the same Graphs
// schedules, and it is found by the same key.
#include "compiler/driver/tune_model.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <set>

#include "compiler/codegen/target.h"
#include "compiler/driver/kernel_times.h"
#include "compiler/driver/schedule_groups.h"
#include "compiler/graph/cost.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/stack.h"
#include "compiler/program/canonical.h"
#include "compiler/tune/machine.h"
#include "compiler/tune/search.h"

namespace mintor {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// A kernel with more than one candidate.
struct Tunable {
  const Graph* graph = nullptr;
  const Group* group = nullptr;
  Kernel plain;
  std::string key;
  int64_t work = 0;      // scalar operations of a run
  int64_t launches = 0;  // groups that are this kernel
};

int64_t work_of(const PlannedGroup& planned) {
  return value_of(planned.group->work, typical_symbols(*planned.graph));
}

Contraction contraction_of(const Graph& graph, const Group& group, const Node& node,
                           const TargetInfo& level) {
  return {graph, group, node, level};
}

const Node* contract_of(const Group& group) {
  const auto found = std::ranges::find(group.nodes, Kind::contract, &Node::kind);
  return found == group.nodes.end() ? nullptr : *found;
}

// What depends on parameters alone runs once, and is not worth it.
std::vector<Tunable> tunable_kernels(const CompileContext& context,
                                     std::span<const FusionPlan> fusions, const TargetInfo& level) {
  std::vector<Tunable> found;
  std::map<const Group*, size_t> of_group;
  std::map<std::string, size_t> of_key;
  for (const PlannedGroup& planned : planned_groups(fusions)) {
    const Node* node = contract_of(*planned.group);
    if (planned.group->prepare || node == nullptr) continue;
    if (planned.same != planned.group) {
      const auto known = of_group.find(planned.same);
      if (known != of_group.end()) found[known->second].launches += 1;
      continue;
    }
    Tunable one{planned.graph, planned.group, lower(*planned.graph, *planned.group), "", 0, 1};
    const Contraction contraction = contraction_of(*one.graph, *one.group, *node, level);
    if (choices_of(context, contraction, one.plain).candidates.size() < 2) continue;
    one.key = kernel_key(one.plain);
    one.work = work_of(planned);
    const auto [known, is_new] = of_key.emplace(one.key, found.size());
    of_group[planned.group] = known->second;
    if (is_new)
      found.push_back(std::move(one));
    else
      found[known->second].launches += 1;
  }
  std::ranges::stable_sort(found, std::greater(),
                           [](const Tunable& one) { return one.work * one.launches; });
  return found;
}

// Candidates as kernels, the default first; those that come out the same once.
struct Compiled {
  std::vector<std::string> names;
  std::vector<Kernel> kernels;
};
Compiled candidates_of(CompileContext& context, const Tunable& one, const TargetInfo& level,
                       size_t most) {
  const Contraction contraction =
      contraction_of(*one.graph, *one.group, *contract_of(*one.group), level);
  Compiled made;
  std::set<std::string> texts;
  for (const Candidate& candidate : choices_of(context, contraction, one.plain).candidates) {
    if (made.kernels.size() == most) break;
    std::optional<Kernel> kernel = scheduled_as(context, candidate, one.plain);
    if (!kernel) continue;
    fit_stack(*kernel);
    if (!texts.insert(canonical_text(*kernel)).second) continue;
    made.names.push_back(candidate.text);
    made.kernels.push_back(std::move(*kernel));
  }
  return made;
}

std::string microseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f us", seconds * 1e6);
  return text;
}

TuningRecord measure(CompileContext& context, const Tunable& one, const TargetInfo& level,
                     size_t most) {
  const Compiled made = candidates_of(context, one, level, most);
  KernelTimes times(context, made.kernels, level, typical_symbols(*one.graph), one.work);
  const Fastest fastest =
      fastest_of(made.kernels.size(), [&](size_t candidate) { return times.time(candidate); });
  for (size_t c = 0; c < made.names.size(); ++c)
    context.explain("tuning: " + one.plain.name + " on " + level.level + ": " + made.names[c] +
                    ": " + microseconds(fastest.least[c]) + (c == 0 ? ", the default" : ""));
  TuningRecord record;
  record.level = level.level;
  record.cpu = cpu_name();
  record.threads = context.options.threads;
  record.kernel = one.key;
  record.candidate = made.names[fastest.candidate];
  record.seconds = fastest.seconds;
  record.default_seconds = fastest.default_seconds;
  return record;
}

}  // namespace

TuneSummary tune(CompileContext& context, std::span<const Graph> entries,
                 const std::string& level_name, Database& database, const TuneLimits& limits,
                 const std::function<void(const TuneStep&)>& tell) {
  const auto begin = Clock::now();
  const TargetInfo level = find_level(level_name);
  const ScheduledGroups made = fuse_and_schedule(context, entries, {level});
  const std::vector<Tunable> kernels = tunable_kernels(context, made.fusions, level);
  TuneSummary summary;
  summary.kernels = kernels.size();
  std::vector<const Tunable*> open;
  for (const Tunable& one : kernels) {
    const TuningRecord* known = database.find(one.key, level.level);
    const bool skip =
        known && Database::refusal(*known).empty() && known->threads == context.options.threads;
    if (!skip) open.push_back(&one);
  }
  summary.known = kernels.size() - open.size();
  for (const Tunable* one : open) {
    if (seconds_since(begin) >= limits.seconds) break;
    const TuningRecord record = measure(context, *one, level, limits.candidates);
    database.append(record);
    summary.measured += 1;
    summary.faster += record.seconds < record.default_seconds ? 1 : 0;
    const double elapsed = seconds_since(begin);
    const auto count = [](size_t number) { return static_cast<double>(number); };
    const double left = elapsed / count(summary.measured) * count(open.size() - summary.measured);
    if (tell)
      tell({summary.known + summary.measured, kernels.size(), elapsed, left, one->plain.name,
            &record});
  }
  summary.seconds = seconds_since(begin);
  return summary;
}

}  // namespace mintor
