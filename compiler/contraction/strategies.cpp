// SPDX-License-Identifier: Apache-2.0
// Takes a contract's plain loops; gives them scheduled by the first strategy that does not refuse,
// as what was measured says, or else by its cheapest candidate. Keeps true: the order of the list
// is the only preference among strategies; every refusal is kept in `because`.
#include "compiler/contraction/strategy.h"

#include <algorithm>

#include "compiler/loop/lower.h"
#include "compiler/loop/pass.h"

namespace mintor {

extern const Strategy strategy_row_blocks, strategy_winograd, strategy_integer_dot,
    strategy_lanes_dot, strategy_register_tile, strategy_generic_loops;

static const Strategy* const kOrder[] = {
    &strategy_row_blocks,     // several contracts: the others take one
    &strategy_winograd,       // nests of its own: the others take none of them
    &strategy_integer_dot,    // one instruction for many exact products: nothing beats it where it
                              // fits
    &strategy_lanes_dot,      // one output a row: only the summed index is left for vectors
    &strategy_register_tile,  // accumulators in registers: near peak for convolution, matmul and
                              // depthwise alike
    &strategy_generic_loops,  // takes anything
};

std::span<const Strategy* const> strategies_in_order() { return kOrder; }

namespace {

bool left_out(const CompileContext& context, const Strategy& strategy) {
  return std::ranges::find(context.options.disable_pass, strategy.name) !=
         context.options.disable_pass.end();
}

// The candidates of a strategy, cheapest first, by their whole names.
Refusal list_of(const Strategy& strategy, const Contraction& contraction,
                std::vector<Candidate>& candidates) {
  candidates.clear();
  if (Refusal refusal = strategy.candidates(contraction, candidates); refusal) return refusal;
  check(!candidates.empty(), "schedule", "a strategy neither refuses nor has a candidate");
  for (Candidate& candidate : candidates)
    candidate.text = std::string(strategy.name) + " " + candidate.text;
  std::ranges::stable_sort(candidates, {}, &Candidate::cost);
  return {};
}

// Another candidate than the first, where a record says so and it can be done.
void take_measured(CompileContext& context, const Contraction& contraction, const Kernel& plain,
                   const Measured& measured, Choices& choices) {
  const std::optional<Recorded> wanted = measured(plain, contraction.target);
  if (!wanted) return;
  const auto say = [&](const std::string& what) {
    context.explain("record: " + plain.name + " on " + contraction.target.level + ": " +
                    wanted->candidate + what);
  };
  if (!wanted->refused.empty()) return say(": refused: " + wanted->refused);
  const auto found = std::ranges::find(choices.candidates, wanted->candidate, &Candidate::text);
  if (found == choices.candidates.end())
    return say(": refused: " + std::string(choices.strategy->name) + " has no such candidate");
  if (found == choices.candidates.begin()) return say(", the default");
  Kernel attempt = plain;
  std::string because;
  if (const Refusal refusal = found->apply(attempt, because); refusal)
    return say(": refused: " + refusal.reason);
  say("");
  choices.kernel = std::move(attempt);
  choices.because = because;
}

}  // namespace

Choices choices_of(const CompileContext& context, const Contraction& contraction,
                   const Kernel& plain) {
  Choices choices;
  for (const Strategy* strategy : kOrder) {
    Refusal refusal{"disabled"};
    if (!contraction.group.stages.empty() && !strategy->takes_stages)
      refusal = {"the kernel has several stages"};
    else if (!left_out(context, *strategy))
      refusal = list_of(*strategy, contraction, choices.candidates);
    choices.kernel = plain;
    if (!refusal) refusal = choices.candidates[0].apply(choices.kernel, choices.because);
    if (!refusal) {
      choices.strategy = strategy;
      break;
    }
    choices.refused.push_back(std::string(strategy->name) + " (" + refusal.reason + ")");
  }
  return choices;
}

std::optional<Kernel> scheduled_as(CompileContext& context, const Candidate& candidate,
                                   const Kernel& plain) {
  Kernel kernel = plain;
  std::string because;
  if (candidate.apply(kernel, because)) return std::nullopt;
  return run_loop_pipeline(context, std::move(kernel));
}

void schedule_contraction(CompileContext& context, const Contraction& contraction, Kernel& kernel,
                          const Measured& measured) {
  Choices choices = choices_of(context, contraction, kernel);
  if (!choices.strategy) return;  // all are disabled
  if (measured) take_measured(context, contraction, kernel, measured, choices);
  std::vector<std::string>& reasons = choices.kernel.because;
  reasons.push_back(std::string(choices.strategy->name) + ": " + choices.because);
  for (const std::string& r : choices.refused) reasons.push_back("refused: " + r);
  kernel = run_loop_pipeline(context, std::move(choices.kernel));
  std::string line = "contraction: " + kernel.name + " on " + contraction.target.level + ": " +
                     choices.strategy->name + ": " + choices.because;
  for (const std::string& r : choices.refused) line += "; refused: " + r;
  context.explain(line);
}

void schedule(CompileContext& context, const Graph& graph, const Group& group,
              const TargetInfo& level, Kernel& kernel, const Measured& measured) {
  const auto contract = std::ranges::find(group.nodes, Kind::contract, &Node::kind);
  if (contract == group.nodes.end())
    schedule_default(context, graph, group, level, kernel);
  else
    schedule_contraction(context, {graph, group, **contract, level}, kernel, measured);
}

}  // namespace mintor
