// SPDX-License-Identifier: Apache-2.0
// for i in 0..4 { S }  ->  unrolled i in 0..4 { S }; the pass expand_unrolled writes the copies
// out. Takes a loop of constant extent; gives the same loop, marked. Keeps true: the order.
#include "compiler/loop/step_support.h"

namespace mintor {

// Beyond this the text of one loop alone would take longer to compile than it can save.
static constexpr int64_t kMostCopies = 1024;

static Refusal unroll(Kernel& kernel, StepArgs args) {
  const For* loop = &loop_named(kernel, args.name(0));
  if (loop->kind == LoopKind::parallel) return {"the loop " + args.name(0) + " is parallel"};
  Index extent = ranges_at(kernel, loop->var).simplify(loop->end - loop->begin);
  if (!extent.is_const())
    return {"the extent " + extent.str() + " is not constant; split it first"};
  if (extent.value() > kMostCopies)
    return {"the extent " + extent.str() + " is larger than " + std::to_string(kMostCopies) +
            "; split it first"};
  kernel.body = replace_loop(kernel.body, args.name(0), [&](const For& f) {
    return k::loop(f.var, f.begin, f.begin + extent, f.body, LoopKind::unrolled, f.origin);
  });
  return {};
}

extern const Step step_unroll;
const Step step_unroll = {"unroll",
                          {{"axis", StepParamKind::loop}},
                          "marks a loop of constant extent to be written out",
                          unroll};

}  // namespace mintor
