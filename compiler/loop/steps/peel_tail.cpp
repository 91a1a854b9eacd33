// SPDX-License-Identifier: Apache-2.0
// Gives the last, incomplete block of a split its own copy.
//| for i_o in 0..ceil(n / f) {                  for i_o in 0..n // f {
//|   for i_i in 0..f {                            for i_i in 0..f {
//|     if in_range(f*i_o + i_i, n) {                S
//|       S                    peel_tail(i_o)      }
//|     }                            ->          }
//|   }                                          for i_i_t in 0..n % f {
//| }                                              S at i_o = n // f
//|                                              }
// Nothing changes where n is a multiple of f. Names bound in the tail end in `_t`.
#include "compiler/loop/step_support.h"

namespace mintor {

static Refusal peel_tail(Kernel& kernel, StepArgs args) {
  const For* loop = &loop_named(kernel, args.name(0));
  if (loop->kind != LoopKind::serial)
    return {"the loop " + args.name(0) + " is not serial; peel it before"};
  auto tail = tail_of(kernel, *loop);
  if (!tail) return {};  // the split left no guard
  Ranges ranges = ranges_at(kernel, loop->var);
  Index whole = ranges.simplify(floordiv(tail->extent, tail->factor));
  Stmt rest = tail_body(kernel, *loop, *tail);
  ranges.set(loop->var, Index(0), whole - 1);
  Stmt full = simplify_stmt(without_tail_guard(kernel, *loop, *tail), ranges);
  kernel.body = replace_loop(kernel.body, args.name(0), [&](const For& f) {
    if (whole.is_const(0)) return rest;
    return k::block({k::loop(f, 0, whole, full), rest});
  });
  return {};
}

extern const Step step_peel_tail;
const Step step_peel_tail = {"peel_tail",
                             {{"axis_o", StepParamKind::loop}},
                             "gives the last, incomplete block of a split its own copy",
                             peel_tail};

}  // namespace mintor
