// SPDX-License-Identifier: Apache-2.0
// Sums over the launches of an entry. A kernel that multiplies and adds in one does so with every
// operation that is counted as its work, but for a tail of a few.
#include "compiler/report/kernel_costs.h"

#include <set>

namespace mintor {

bool multiplies_and_adds(const Kernel& kernel) {
  bool found = false;
  visit_exprs(kernel.body, [&](const Expr& e) {
    const auto* op = std::get_if<OpExpr>(&e->node);
    found |= op != nullptr && (op->op == ScalarOp::fma || op->op == ScalarOp::dot_bf16);
  });
  return found;
}

KernelCost cost_of(const Program& program, const Launch& launch, const SymbolValues& symbols) {
  const Kernel& kernel = program.kernels[find_kernel(program, launch.kernel)].levels.back();
  KernelCost cost;
  cost.multiplies = multiplies_and_adds(kernel);
  cost.flops = value_at(launch.work, symbols) * (cost.multiplies ? 2 : 1);
  for (const int32_t buffer : std::set<int32_t>(launch.args.begin(), launch.args.end()))
    cost.bytes += value_at(program.buffers[buffer].bytes(), symbols);
  return cost;
}

std::map<std::string, KernelCost> kernel_costs(const Program& program) {
  const SymbolValues symbols = hint_values(program);
  std::map<std::string, KernelCost> costs;
  for (const HostStep& step : program.entries.front().steps) {
    const auto* launch = std::get_if<Launch>(&step.node);
    if (launch == nullptr) continue;
    const KernelCost one = cost_of(program, *launch, symbols);
    KernelCost& sum = costs[launch->kernel];
    sum.multiplies = one.multiplies;
    sum.flops += one.flops;
    sum.bytes += one.bytes;
  }
  return costs;
}

}  // namespace mintor
