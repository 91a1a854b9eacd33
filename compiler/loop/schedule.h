// SPDX-License-Identifier: Apache-2.0
// Helpers that strategies and default schedules share: finding loops by where they come from,
// applying steps leniently. Takes and changes a Kernel. Keeps true: only by steps, so bits stay.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/lanes.h"
#include "compiler/loop/ir.h"
#include "compiler/support/error.h"

namespace mintor {

struct LoopInfo {
  std::string var;
  Index begin, end;
  LoopKind kind = LoopKind::serial;
  LoopOrigin origin;
  int depth = 0;  // number of loops around
  bool innermost = true;
  std::optional<int64_t> trip() const;  // when constant
};
// In order of appearance.
std::vector<LoopInfo> loops_of(const Kernel& kernel);
// The number of iterations of a loop, when constant; nullopt too where there is no such loop.
std::optional<int64_t> trip_of(const Kernel& kernel, const std::string& var);
// Where a loop comes from; of a loop that is not there, an axis of its name.
LoopOrigin origin_of(const Kernel& kernel, const std::string& var);
// A loop that is all of these parts of its axis (tails of two axes are both `tail`, so there may be
// several), or, for the refusal of a step, the axis' name.
std::string loop_of(const Kernel& kernel, const LoopOrigin& origin);
// That loop and the copies of it that steps made: the first, the last, tails.
std::vector<std::string> copies_of(const Kernel& kernel, const LoopOrigin& origin);
// Applies a step; on refusal the kernel stays and the reason goes to kernel.because. True when
// applied.
bool try_step(Kernel& kernel, const std::string& name, const std::vector<StepArg>& args);
// The two loops that a split made; nullopt when it was refused.
struct Halves {
  std::string outer, inner;
};
std::optional<Halves> try_split(Kernel& kernel, const std::string& var, int64_t factor);
// Steps that must all apply, in a strategy: after the first refusal nothing more is done, and
// `refusal` says which it was.
struct Steps {
  Kernel& kernel;
  Refusal refusal = {};
  void operator()(const std::string& name, const std::vector<StepArg>& args);
  Halves split(const std::string& var, int64_t factor);
};

// A read of which the innermost loop of a nest crosses a line of memory with each lane: the loop
// that walks along the lines, and those between the two. Nothing where the lines stay in the cache.
struct Crossing {
  LoopInfo along;
  std::vector<std::string> between;
};
std::optional<Crossing> read_across(const Kernel& kernel, const std::string& innermost);
// A piece of that loop goes directly around the vector: inside of `vectors`, the loop over them
// that a split of the innermost one made, or empty.
void block_reads(Kernel& kernel, const Crossing& crossing, const std::string& vectors);

// Vectors over a loop whose iterations are independent, of `lanes` at most. `inside` other loops
// its tail is a loop of its own.
void vectorise_loop(Kernel& kernel, const LoopInfo& loop, bool inside, int64_t lanes = kLanes);

// The outermost perfect nest: loops that contain nothing but the next one.
std::vector<LoopInfo> outer_nest(const Kernel& kernel);
// Fuses outer loops until there are enough tasks, and makes that loop parallel. A loop in both
// sides of a branch counts as the innermost of the nest.
void parallelise_outer(Kernel& kernel, size_t most_loops);

}  // namespace mintor
