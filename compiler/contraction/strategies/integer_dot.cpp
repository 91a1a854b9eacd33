// SPDX-License-Identifier: Apache-2.0
// Sums of integer products by a dot-product instruction of the target: `lanes` sums, each of `pair`
// products. Needs panels [n / lanes, k / pair, lanes, pair] of the operand that moves along n
// (pack_operands makes them). Integer sums wrap, so any order gives the same bits.
//| for m, n {                                  for n_o, m {
//|   acc = 0                                     acc[lanes] = 0
//|   for k { acc += x[m, k] * y[..] }     ->     for k_o { dot(acc, x + pair * k_o, panel) }
//| }                                           }
#include "compiler/contraction/strategy.h"
#include "compiler/loop/instruction.h"
#include "compiler/loop/schedule.h"
#include "compiler/loop/step.h"

namespace mintor {
namespace {

Refusal schedule_for(const Contraction& c, const Instruction& instruction, Kernel& kernel) {
  const auto& contract = c.node.as<Contract>();
  const Kernel meaning = parse_kernel(instruction.meaning);
  if (meaning.params.size() != 3 || meaning.params[1].dtype != c.node.operands[0].dtype() ||
      meaning.params[2].dtype != c.node.operands[1].dtype() ||
      meaning.params[0].dtype != c.node.results[0].dtype)
    return {std::string(instruction.name) + " takes other dtypes"};
  const int64_t lanes = meaning.params[0].shape[0].value();
  const int64_t pair = meaning.params[1].shape[0].value();
  std::vector<std::string> out, summed;
  for (const ContractAxis& a : contract.axes)
    (a.role == AxisRole::k || a.role == AxisRole::window ? summed : out)
        .push_back(loop_of(kernel, {LoopRole::axis, a.name, {}}));
  if (out.empty() || summed.size() != 1) return {"there is not exactly one summed axis"};
  const std::string n = out.back(), k = summed[0];
  Steps step{kernel};
  const auto [n_o, n_i] = step.split(n, lanes);
  std::vector<StepArg> order{n_o};
  order.insert(order.end(), out.begin(), out.end() - 1);
  order.push_back(n_i);
  step("reorder", order);
  try_step(kernel, "branch_tail", {n_o});  // nothing to do where no tail is
  const auto [k_o, k_i] = step.split(k, pair);
  try_step(kernel, "peel_tail", {k_o});
  step("jam", {n_i});
  step("use_instr", {instruction.name, k_i});
  step("parallelize", {n_o});
  return step.refusal;
}

Refusal integer_dot(const Contraction& c, Kernel& kernel, std::string& because) {
  if (is_float(c.node.results[0].dtype)) return {"the sum is of floats"};
  std::string reason = "the target has no instruction for it";
  for (const Instruction* instruction : all_instructions()) {
    if (!c.target.has(instruction->feature)) continue;
    Kernel attempt = kernel;
    const Refusal refusal = schedule_for(c, *instruction, attempt);
    if (!refusal) {
      kernel = attempt;
      because = instruction->name;
      return {};
    }
    reason = std::string(instruction->name) + ": " + refusal.reason;
  }
  return {reason};
}

}  // namespace

extern const Strategy strategy_integer_dot;
const Strategy strategy_integer_dot = {"integer_dot", only_way<integer_dot>};

}  // namespace mintor
