// SPDX-License-Identifier: Apache-2.0
// The kernels of a model's fusion groups. Takes the optimised Graphs of its entries, levels, and
// what measurements say; gives the groups, and for each a Kernel per level. Keeps true: equal
// groups are scheduled once; no kernel has a local array that no text could declare.
#pragma once

#include <span>
#include <vector>

#include "compiler/contraction/strategy.h"
#include "compiler/program/plan.h"
#include "compiler/support/context.h"

namespace mintor {

struct PlannedGroup {
  const Graph* graph = nullptr;
  const Group* group = nullptr;
  const Group* same = nullptr;  // the first that becomes the same kernel
};
// All that become kernels, in order.
std::vector<PlannedGroup> planned_groups(std::span<const FusionPlan> fusions);

struct ScheduledGroups {
  std::vector<FusionPlan> fusions;  // by entry
  GroupKernels kernels;
};
ScheduledGroups fuse_and_schedule(CompileContext& context, std::span<const Graph> graphs,
                                  const std::vector<TargetInfo>& levels,
                                  const Measured& measured = {});

}  // namespace mintor
