// SPDX-License-Identifier: Apache-2.0
// Memory that a kernel has to itself. Threads of a host may have stacks of 64 KiB, so local arrays
// stay well below that; larger ones are scratch: memory of the context, one piece a thread.
// Takes a scheduled Kernel; gives bytes, and moves what does not fit. Keeps true: a kernel means
// the same before and after; arrays without a bound stay where they are.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "compiler/loop/ir.h"

namespace mintor {

// What a frame may hold. A quarter of 64 KiB is left to spilled registers and to the callers.
inline constexpr int64_t kMostStackBytes = 48 * 1024;
// Larger arrays are no working memory of a row: who makes them has to find another way.
inline constexpr int64_t kMostScratchBytes = 1 << 20;

// Bytes that an Alloc takes at most, rounded up to 64; nothing: it has no bound.
std::map<std::string, std::optional<int64_t>> local_bytes(const Kernel& kernel);
// Bytes of local arrays, all counted as if they lived at one time.
int64_t stack_bytes(const Kernel& kernel);
// Offsets of the scratch arrays by name, and what they take together.
struct ScratchLayout {
  std::map<std::string, int64_t> offsets;
  int64_t bytes = 0;
};
ScratchLayout scratch_layout(const Kernel& kernel);
bool has_scratch(const Kernel& kernel);
// Moves the largest local arrays to scratch until the rest fits the stack.
void fit_stack(Kernel& kernel);

}  // namespace mintor
