// SPDX-License-Identifier: Apache-2.0
// Strategies: how the kernel of a contract is scheduled. An ordered list; the first that does not
// refuse wins. A strategy starts from the generic loops of lower() and applies steps, so it cannot
// change bits.
#pragma once

#include <span>

#include "compiler/graph/fusion.h"
#include "compiler/loop/ir.h"
#include "compiler/support/error.h"
#include "compiler/support/target_info.h"

namespace mintor {

struct Contraction {
  const Graph& graph;
  const Group& group;
  const Node& node;  // the contract
  const TargetInfo& target;
};

struct Strategy {
  const char* name;  // = the file name
  // Schedules `kernel`, says why in `because`; on refusal the kernel may be left half done (the
  // caller copies).
  Refusal (*apply)(const Contraction& contraction, Kernel& kernel, std::string& because);
};

std::span<const Strategy* const>
strategies_in_order();  // contraction/strategies.cpp: by hand, a reason per line
void schedule_contraction(CompileContext& context, const Contraction& contraction, Kernel& kernel);
// The plain kernel of any group, for a level: by the strategies where the group has a contract, as
// row blocks, windows and vectors of loops (schedule_default) where it has none.
void schedule(CompileContext& context, const Graph& graph, const Group& group,
              const TargetInfo& level, Kernel& kernel);

}  // namespace mintor
