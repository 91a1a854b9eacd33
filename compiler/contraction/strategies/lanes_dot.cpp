// SPDX-License-Identifier: Apache-2.0
// A contract whose m and n are 1: its order is that of a reduce, so its lanes are a vector along
// the summed index. Takes plain loops of form `lanes`; gives vectors of that many lanes. Keeps
// true: the order of sums.
#include "compiler/contraction/strategy.h"
#include "compiler/loop/schedule.h"

namespace mintor {

static Refusal lanes_dot(const Contraction& contraction, Kernel& kernel, std::string& because) {
  const Order& order = contraction.node.as<Contract>().order;
  if (order.form != Order::Form::lanes) return {"m or n is larger than 1"};
  if (!contraction.target.vectors()) return {"the target has no vectors"};
  for (const LoopInfo& loop : loops_of(kernel)) {
    if (!loop.innermost || loop.origin.role != LoopRole::lane) continue;
    if (loop.trip() == order.lanes)
      try_step(kernel, "vectorize", {loop.var});
    else if (loop.trip())
      try_step(kernel, "unroll", {loop.var});
  }
  const size_t out_rank = contraction.node.results[0].shape.size();
  if (out_rank > 0) parallelise_outer(kernel, std::min(out_rank, outer_nest(kernel).size()));
  because = std::to_string(order.lanes) + " lanes along the summed index";
  return {};
}

extern const Strategy strategy_lanes_dot;
const Strategy strategy_lanes_dot = {"lanes_dot", only_way<lanes_dot>};

}  // namespace mintor
