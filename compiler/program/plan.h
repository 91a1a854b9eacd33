// SPDX-License-Identifier: Apache-2.0
// Graph + fusion plan + kernels -> Program without places in the arena (compiler/memory gives
// those). Takes one Kernel per group and level, whose parameters are the group's inputs, then its
// outputs. Gives buffers for inputs, outputs, weights, packed and intermediate values, views that
// share bytes, and one launch per group in order. Keeps true: a kernel that equals another up to
// names is stored once; a result that is an input, a weight or a second name of a value is copied
// by a kernel.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "compiler/graph/fusion.h"
#include "compiler/program/program.h"

namespace mintor {

// A kernel at each level; groups that are the same share one.
using LevelsOfKernel = std::shared_ptr<const std::vector<Kernel>>;
using GroupKernels = std::unordered_map<const Group*, LevelsOfKernel>;

// Of the plan's graph. Each group that has no bodies has a kernel.
Program plan(const FusionPlan& fusion, std::vector<TargetInfo> levels, const GroupKernels& kernels);

}  // namespace mintor
