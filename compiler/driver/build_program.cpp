// SPDX-License-Identifier: Apache-2.0
// Graphs -> Program: fusion, one kernel per group and level, buffers, memory. Takes the optimised
// Graphs of its entries and level names; gives the Program that packages and the JIT are made from.
// Keeps true: groups, launches and memory are decided once for all levels; only schedules differ.
#include <algorithm>

#include "compiler/codegen/target.h"
#include "compiler/contraction/strategy.h"
#include "compiler/driver/driver.h"
#include "compiler/driver/schedule_groups.h"
#include "compiler/graph/pass.h"
#include "compiler/jit/check_code.h"
#include "compiler/loop/pass.h"
#include "compiler/memory/plan_memory.h"
#include "compiler/program/plan.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"
#include "compiler/support/sha256.h"
#include "compiler/tune/database.h"

namespace mintor {
namespace {

constexpr std::string_view kOrder = "order";  // the pass that decides the order of sums

// Smallest code: tiles as for a CPU of few registers, which are written out once each.
void keep_small(std::vector<TargetInfo>& levels) {
  for (TargetInfo& level : levels) level.vector_registers = std::min(level.vector_registers, 6);
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

std::vector<std::string_view> may_be_left_out() {
  std::vector<std::string_view> known;
  const auto add = [&](std::string_view name) {  // one name may be a pass and a strategy: winograd
    if (name != kOrder && std::ranges::find(known, name) == known.end()) known.push_back(name);
  };
  for (const GraphPass* pass : all_graph_passes()) add(pass->name);
  for (const LoopPass* pass : all_loop_passes()) add(pass->name);
  for (const Strategy* strategy : strategies_in_order()) add(strategy->name);
  return known;
}

void check_may_be_left_out(const std::string& name) {
  if (name == kOrder)
    throw CompileError("disable-pass", "'order' cannot be left out: it decides the order of sums");
  std::vector<std::string_view> known = may_be_left_out();
  if (std::ranges::find(known, name) != known.end()) return;
  known.push_back(kOrder);  // where it is meant, it is refused with the reason above
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
  machine_of(levels);  // one at most
  if (context.options.size) keep_small(levels);
  for (const Graph& graph : entries) check_code(context, graph);
  Measured measured;
  if (!context.options.db.empty()) measured = measured_in(context, context.options.db);
  const ScheduledGroups made = fuse_and_schedule(context, entries, levels, measured);
  const Parameters parameters =
      context.options.settable_parameters ? Parameters::settable : Parameters::shared;
  Program program = plan(made.fusions, std::move(levels), made.kernels, parameters);
  program.numerics_hash = numerics_hash_of(entries);
  plan_memory(context, program);
  if (context.options.verify_passes) verify(program);
  return program;
}

}  // namespace mintor
