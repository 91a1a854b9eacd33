// SPDX-License-Identifier: Apache-2.0
// Takes the spelling of a level; gives its facts and its target.
// Keeps true: `native` is a level that this machine runs; unknown names get the nearest.
#include "compiler/codegen/target.h"

#include "compiler/support/error.h"
#include "compiler/support/machine.h"
#include "compiler/support/nearest.h"

namespace mintor {

const Target& target_of(const TargetInfo& level) {
  for (const Target* target : all_targets())
    if (level.target == target->name) return *target;
  throw InternalError("target", "no target " + level.target);
}

std::string machine_of(std::span<const TargetInfo> levels) {
  std::string machine, of;
  for (const TargetInfo& level : levels) {
    const std::string own = target_of(level).machine;
    if (own.empty() || own == machine) continue;
    if (!machine.empty())
      throw CompileError(
          "target",
          "'" + of + "' is a level of " + machine + ", '" + level.level + "' one of " + own, "",
          "compile once for each: a package is for one machine");
    machine = own;
    of = level.level;
  }
  return machine;
}

void check_is_for_host(std::span<const TargetInfo> levels) {
  const std::string machine = machine_of(levels);
  if (machine.empty() || machine == host_machine()) return;
  throw CompileError(
      "target",
      "level '" + levels.back().level + "' is for " + machine + ", this machine is " +
          host_machine(),
      "", "write a package: mintor compile MODEL -o DIR --target " + levels.back().level);
}

bool keeps_bits(const Options& options, const TargetInfo& level) {
  return options.numerics != "native-bf16" || !level.has("bf16");
}

namespace {

// The host's best: most vector bytes among the levels it runs, the highest of those.
TargetInfo native_level() {
  TargetInfo best;
  bool found = false;
  for (const Target* target : all_targets())
    for (const TargetInfo& level : target->levels())
      if (target->host_supports(level) && (!found || level.vector_bytes >= best.vector_bytes)) {
        best = level;
        found = true;
      }
  check(found, "target", "no target runs on this machine");
  return best;
}

}  // namespace

TargetInfo find_level(std::string_view name) {
  if (name == "native") return native_level();
  std::vector<std::string> names{"native"};
  for (const Target* target : all_targets())
    for (const TargetInfo& level : target->levels()) {
      if (level.level == name) return level;
      names.push_back(level.level);
    }
  std::string all;
  for (const std::string& n : names) all += (all.empty() ? "" : ", ") + n;
  std::vector<std::string_view> views(names.begin(), names.end());
  const std::string near = did_you_mean(name, views);
  throw CompileError("target", "there is no target level '" + std::string(name) + "'", "",
                     (near.empty() ? "" : near + " ") + "levels: " + all);
}

}  // namespace mintor
