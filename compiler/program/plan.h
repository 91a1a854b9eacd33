// SPDX-License-Identifier: Apache-2.0
// Graphs + fusion plans + kernels -> Program without places in the arena (compiler/memory gives
// those), an entry per Graph. Takes one Kernel per group and level, whose parameters are the
// group's inputs, then its outputs. Gives buffers for inputs, outputs, weights, packed and
// intermediate values, views that share bytes, and one launch per group in order. Keeps true: a
// kernel that equals another up to names is stored once; a result that is an input, a weight or a
// second name of a value is copied by a kernel; what `prepare` makes for one entry serves the
// others.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "compiler/graph/fusion.h"
#include "compiler/program/program.h"

namespace mintor {

// A kernel at each level; groups that are the same share one.
using LevelsOfKernel = std::shared_ptr<const std::vector<Kernel>>;
using GroupKernels = std::unordered_map<const Group*, LevelsOfKernel>;

// Parameters that no entry updates: equal ones share a place, or each has its own, so that a
// program can be given other values for it by name.
enum class Parameters : uint8_t { shared, settable };

// Entries that know of each other (graph/join_entries.h). Each group that has no bodies has a
// kernel.
Program plan(std::span<const FusionPlan> entries, std::vector<TargetInfo> levels,
             const GroupKernels& kernels, Parameters parameters);

}  // namespace mintor
