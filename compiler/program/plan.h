// SPDX-License-Identifier: Apache-2.0
// Graph + fusion plan + kernels -> Program without places in the arena (compiler/memory gives
// those). Takes one Kernel per group and level, whose parameters are the group's inputs, then its
// outputs. Gives buffers for inputs, outputs, weights, packed and intermediate values, views that
// share bytes, and one launch per group in order. Keeps true: a kernel that equals another up to
// names is stored once; a result that is an input, a weight or a second name of a value is copied
// by a kernel.
#pragma once

#include <memory>
#include <vector>

#include "compiler/graph/fusion.h"
#include "compiler/program/program.h"

namespace mintor {

// For each group, its kernel at each level; groups that are the same share one.
using GroupKernels = std::vector<std::shared_ptr<const std::vector<Kernel>>>;

Program plan(const Graph& graph, const FusionPlan& fusion, std::vector<TargetInfo> levels,
             const GroupKernels& kernels);

// The trip count of a kernel's parallel loop, 1 when it has none. InternalError unless the loop
// starts at 0 and holds every store to a parameter.
Index tasks_of(const Kernel& kernel);

}  // namespace mintor
