// SPDX-License-Identifier: Apache-2.0
// As peel_tail, with the tail as a branch inside the loop, so that the loop can still be fused or
// run in parallel.
//| for i_o in 0..ceil(n / f) {                    for i_o in 0..ceil(n / f) {
//|   for i_i in 0..f {                              if in_range(i_o, n // f) {
//|     if in_range(f*i_o + i_i, n) {                  for i_i in 0..f { S }
//|       S                    branch_tail(i_o)      } else {
//|     }                             ->               for i_i_t in 0..n % f { S }
//|   }                                              }
//| }                                              }
#include "compiler/loop/step_support.h"

namespace mintor {

static Refusal branch_tail(Kernel& kernel, StepArgs args) {
  const For* loop = &loop_named(kernel, args.name(0));
  auto tail = tail_of(kernel, *loop);
  if (!tail) return {};  // the split left no guard
  Ranges ranges = ranges_at(kernel, loop->var);
  Index whole = ranges.simplify(floordiv(tail->extent, tail->factor));
  Stmt rest = tail_body(kernel, *loop, *tail, true);
  // The range of the outer variable stays wide: where one block is whole, its number must not
  // become a constant.
  Stmt full = simplify_stmt(without_tail_guard(kernel, *loop, *tail), ranges);
  kernel.body = replace_loop(kernel.body, args.name(0), [&](const For& f) {
    Stmt body =
        whole.is_const(0) ? rest : k::if_(k::in_range(Index::var(f.var), whole), full, rest);
    return k::loop(f, body);
  });
  return {};
}

extern const Step step_branch_tail;
const Step step_branch_tail = {"branch_tail",
                               {{"axis_o", StepParamKind::loop}},
                               "gives the last block of a split its own branch in the loop",
                               branch_tail};

}  // namespace mintor
