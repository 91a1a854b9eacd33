// SPDX-License-Identifier: Apache-2.0
// Helpers that strategies and default schedules share: finding loops by role, applying steps
// leniently. Takes and changes a Kernel. Keeps true: only by steps, so bits stay.
#pragma once

#include <string>
#include <vector>

#include "compiler/loop/ir.h"
#include "compiler/support/error.h"

namespace mintor {

struct LoopInfo {
  std::string var;
  Index begin, end;
  LoopKind kind = LoopKind::serial;
  int depth = 0;  // number of loops around
  bool innermost = true;
  std::optional<int64_t> trip() const;  // when constant
};
// In order of appearance.
std::vector<LoopInfo> loops_of(const Kernel& kernel);
// `base` and its copies: base, base_t, base_first, ... (copies made by steps append `_<suffix>`).
std::vector<std::string> copies_of(const Kernel& kernel, const std::string& base);
// Applies a step; on refusal the kernel stays and the reason goes to kernel.because. True when
// applied.
bool try_step(Kernel& kernel, const std::string& name, const std::vector<std::string>& args);
// In a strategy: the step must apply, or the strategy refuses with its reason.
#define MINTOR_STEP(...)                                                                      \
  do {                                                                                        \
    if (Refusal r = apply_step(kernel, __VA_ARGS__); r) return {"step refused: " + r.reason}; \
  } while (false)

// The outermost perfect nest: loops that contain nothing but the next one.
std::vector<LoopInfo> outer_nest(const Kernel& kernel);
// Fuses outer loops until there are enough tasks, and makes that loop parallel.
void parallelise_outer(Kernel& kernel, size_t most_loops);

}  // namespace mintor
