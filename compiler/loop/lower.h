// SPDX-License-Identifier: Apache-2.0
// Graph group -> Kernel, unscheduled: one plain loop nest per materialised value, in the order that
// the node's Order says. Parameters of the kernel: the group's inputs, then its outputs, in order,
// named from the values; symbols: those used. Loop variables of the nest of a value are its axes:
// contract axis names, else `<value>_<dim>` (see lower.cpp).
#pragma once

#include "compiler/graph/fusion.h"
#include "compiler/loop/ir.h"
#include "compiler/support/target_info.h"

namespace mintor {

Kernel lower(const Graph& graph, const Group& group);

// What a task of a contract in order winograd computes: tiles of all places, and columns.
struct WinogradBlock {
  int64_t tiles = 0, columns = 0;
};
WinogradBlock winograd_block(const Graph& graph, const Node& contract);

// Parts of the default schedule, also of a stage's nests in a larger kernel: everything that the
// output needs of a row is computed where the row is; vectors, sums as trees, a few rows at once.
void place_rows(const Graph& graph, const Group& group, Kernel& kernel);
void vectorise_rows(const Graph& graph, const Group& group, const TargetInfo& target,
                    Kernel& kernel);

// The default schedule of a group without a contract: row blocks, vectors, one parallel loop. The
// facts decide.
void schedule_default(CompileContext& context, const Graph& graph, const Group& group,
                      const TargetInfo& target, Kernel& kernel);

}  // namespace mintor
