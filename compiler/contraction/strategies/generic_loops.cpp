// SPDX-License-Identifier: Apache-2.0
// The loops as they were lowered, the outermost in parallel. Never refuses; the last of the list.
// Takes plain loops; gives the same. Keeps true: never refuses, never changes a bit.
#include "compiler/contraction/strategy.h"
#include "compiler/loop/schedule.h"

namespace mintor {

static Refusal generic_loops(const Contraction& contraction, Kernel& kernel, std::string& because) {
  const size_t out_rank = contraction.node.results[0].shape.size();
  if (out_rank > 0) parallelise_outer(kernel, std::min(out_rank, outer_nest(kernel).size()));
  because = "plain loops";
  return {};
}

extern const Strategy strategy_generic_loops;
const Strategy strategy_generic_loops = {"generic_loops", only_way<generic_loops>, true};

}  // namespace mintor
