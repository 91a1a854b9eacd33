// SPDX-License-Identifier: Apache-2.0
// What a target folder gives: its levels' facts and the texts around emitted kernels. One
// targets/<t>/target.cpp each. Keeps true: facts and texts only; what a level can do is decided by
// who asks.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compiler/loop/ir.h"
#include "compiler/support/options.h"
#include "compiler/support/target_info.h"

namespace mintor {

// Whether other files name a kernel: a level's kernels may be spread over several.
enum class Linkage { internal, external };

struct Target {
  const char* name;                     // = the folder name
  const char* machine;                  // as `uname -m` says it; "": any
  std::vector<TargetInfo> (*levels)();  // lowest first
  // Names of embedded prelude files (compiler/support/embedded.h) that a kernels_<level>.cpp
  // includes, in order.
  std::vector<std::string> (*prelude)(const TargetInfo& level);
  // A kernel as C++ text. Most targets call emit_cpp (codegen/emit_cpp.h) with their facts.
  std::string (*emit)(const Kernel& kernel, const TargetInfo& level, Linkage linkage);
  // C++ expression of type bool in program.cpp: does this CPU run the level? And the runtime file
  // it needs.
  std::string (*supported)(const TargetInfo& level);
  bool (*host_supports)(
      const TargetInfo& level);  // the same question, asked of this machine by the compiler
};

std::span<const Target* const> all_targets();  // generated from targets/*/target.cpp
// "v3" -> its facts; CompileError with the nearest name otherwise. `native`: the best level this
// CPU runs.
TargetInfo find_level(std::string_view level);
const Target& target_of(const TargetInfo& level);
// The machine that a program of these levels is for, "" where any will do. CompileError where two
// levels are of different machines.
std::string machine_of(std::span<const TargetInfo> levels);
// CompileError where that is not this one, for which alone code is made in process.
void check_is_for_host(std::span<const TargetInfo> levels);
// Whether a level has the evaluator's bits: not where --numerics native-bf16 lets it use units that
// round in their own way. What differs is small: kOwnRounding of the largest result.
bool keeps_bits(const Options& options, const TargetInfo& level);
inline constexpr double kOwnRounding = 1e-2;

}  // namespace mintor
