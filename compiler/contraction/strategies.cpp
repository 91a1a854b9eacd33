// SPDX-License-Identifier: Apache-2.0
// Takes a contract's plain loops; gives them scheduled by the first strategy that does not refuse.
// Keeps true: the order of the list is the only preference; every refusal is kept in `because`.
#include "compiler/contraction/strategy.h"

#include <algorithm>

#include "compiler/loop/lower.h"
#include "compiler/loop/pass.h"

namespace mintor {

extern const Strategy strategy_integer_dot, strategy_lanes_dot, strategy_register_tile,
    strategy_generic_loops;

static const Strategy* const kOrder[] = {
    &strategy_integer_dot,    // one instruction for many exact products: nothing beats it where it
                              // fits
    &strategy_lanes_dot,      // one output a row: only the summed index is left for vectors
    &strategy_register_tile,  // accumulators in registers: near peak for convolution, matmul and
                              // depthwise alike
    &strategy_generic_loops,  // takes anything
};

std::span<const Strategy* const> strategies_in_order() { return kOrder; }

void schedule_contraction(CompileContext& context, const Contraction& contraction, Kernel& kernel) {
  std::vector<std::string> refused;
  for (const Strategy* strategy : kOrder) {
    Kernel attempt = kernel;
    std::string because;
    bool disabled = false;
    for (const std::string& name : context.options.disable_pass)
      disabled = disabled || name == strategy->name;
    const Refusal refusal =
        disabled ? Refusal{"disabled"} : strategy->apply(contraction, attempt, because);
    if (refusal) {
      refused.push_back(std::string(strategy->name) + " (" + refusal.reason + ")");
      continue;
    }
    attempt.because.push_back(std::string(strategy->name) + ": " + because);
    for (const std::string& r : refused) attempt.because.push_back("refused: " + r);
    kernel = run_loop_pipeline(context, std::move(attempt));
    std::string line = "contraction: " + kernel.name + " on " + contraction.target.level + ": " +
                       strategy->name + ": " + because;
    for (const std::string& r : refused) line += "; refused: " + r;
    context.explain(line);
    return;
  }
}

void schedule(CompileContext& context, const Graph& graph, const Group& group,
              const TargetInfo& level, Kernel& kernel) {
  const auto contract = std::ranges::find(group.nodes, Kind::contract, &Node::kind);
  if (contract == group.nodes.end())
    schedule_default(context, graph, group, level, kernel);
  else
    schedule_contraction(context, {graph, group, **contract, level}, kernel);
}

}  // namespace mintor
