// SPDX-License-Identifier: Apache-2.0
// Cuts a loop into blocks.
//| for i in 0..n {                      for i_o in 0..ceil(n / f) {
//|   S(i)                                 for i_i in 0..f {
//| }                                        if in_range(f*i_o + i_i, n) {
//|                       split(i, f)          S(f*i_o + i_i)
//|                           ->             }
//|                                        }
//|                                      }
// The guard is left out where n is known to be a multiple of f. peel_tail and branch_tail remove it
// elsewhere.
#include "compiler/loop/step_support.h"

namespace mintor {

static Refusal split(Kernel& kernel, StepArgs args) {
  const For* loop = &loop_named(kernel, args.name(0));
  const int64_t factor = args.number(1);
  if (factor < 1) return {"the factor " + std::to_string(factor) + " is not positive"};
  if (loop->kind == LoopKind::unrolled)
    return {"the loop " + args.name(0) + " is unrolled; split it before"};
  const std::string outer = args.name(0) + "_o", inner = args.name(0) + "_i";
  for (const auto& name : {outer, inner})
    if (Refusal r = expect_fresh(kernel, name)) return r;
  Ranges ranges = ranges_inside(kernel, *loop);
  Index extent = ranges.simplify(loop->end - loop->begin);
  Index position = Index(factor) * Index::var(outer) + Index::var(inner);
  Ranges inside = ranges;
  // A single block keeps its variable in the text, so that peel_tail and branch_tail find the
  // guard.
  bool single = ranges.simplify(ceildiv(extent, factor)).is_const(1);
  inside.set(outer, Range{Index(0),
                          single ? std::nullopt : std::optional(ceildiv(extent, factor) - 1), 1});
  inside.set(inner, Index(0), Index(factor - 1));
  Stmt body = substitute(loop->body, {{loop->var, loop->begin + position}});
  bool divides = ranges.simplify(mod(extent, factor)).is_const(0);
  if (!divides) body = k::if_(k::in_range(position, extent), body);
  body = simplify_stmt(body, inside);
  const LoopKind kind = loop->kind;
  const LoopOrigin origin = origin_of(*loop);
  kernel.body = replace_loop(kernel.body, args.name(0), [&](const For&) {
    return k::loop(
        outer, 0, ranges.simplify(ceildiv(extent, factor)),
        k::loop(inner, 0, factor, body, LoopKind::serial, part_of(origin, LoopPart::inner)), kind,
        part_of(origin, LoopPart::outer));
  });
  return {};
}

extern const Step step_split;
const Step step_split = {"split",
                         {{"axis", StepParamKind::loop}, {"factor", StepParamKind::number}},
                         "cuts a loop into blocks: axis_o, axis_i",
                         split};

}  // namespace mintor
