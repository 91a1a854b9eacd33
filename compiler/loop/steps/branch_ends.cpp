// SPDX-License-Identifier: Apache-2.0
// Gives the first and last iterations branches of their own inside the loop, which may be parallel.
//| for i in 0..n {                           for i in 0..n {
//|   S(i)             branch_ends(i, 1, 1)     if in_range(i - 1, n - 2) { S(i) }
//| }                       ->                  else if in_range(i, 1)    { S(0) }
//|                                             else                      { S(n - 1) }
//|                                           }
// As peel, for a loop that has to stay one: conditions on i (padding at the borders) become
// decidable in the branches. Names bound in copies end in `_first` and `_last`.
#include "compiler/loop/step_support.h"

namespace mintor {

static Refusal branch_ends(Kernel& kernel, StepArgs args) {
  const For* loop = &loop_named(kernel, args.name(0));
  const int64_t first = args.number(1), last = args.number(2);
  if (first < 0 || last < 0 || first > 16 || last > 16 - first || first + last == 0)
    return {"the numbers of iterations with branches must be small, and not both 0"};
  if (!loop->begin.is_const(0)) return {"the loop " + args.name(0) + " does not begin at 0"};
  Ranges ranges = ranges_at(kernel, loop->var);
  if (!ranges.proves_nonnegative(loop->end - first - last - 1))
    return {"the loop has " + loop->end.str() + " iterations, which may be fewer than " +
            std::to_string(first + last + 1)};
  auto taken = names_in(kernel);
  Ranges outside = ranges;
  outside.erase(loop->var);
  const auto copy = [&](const Index& at, std::string_view suffix, LoopPart part) {
    return copy_of_body(loop->body, loop->var, at, free_suffix(taken, loop->body, suffix), part,
                        outside);
  };
  Stmt ends;  // from the last iteration back
  const auto add = [&](const Index& at, const Stmt& branch) {
    ends = ends ? k::if_(k::in_range(Index::var(loop->var) - at, Index(1)), branch, ends) : branch;
  };
  for (int64_t n = 1; n <= last; ++n)
    add(loop->end - n, copy(loop->end - n, "_last", LoopPart::last));
  for (int64_t n = first; n-- > 0;) add(Index(n), copy(Index(n), "_first", LoopPart::first));
  ranges.set(loop->var, Index(first), loop->end - last - 1);
  const Stmt middle = simplify_stmt(loop->body, ranges);
  const Expr inside = k::in_range(Index::var(loop->var) - first, loop->end - first - last);
  kernel.body = replace_loop(kernel.body, args.name(0), [&](const For& f) {
    return k::loop(f, k::if_(inside, middle, ends));
  });
  return {};
}

extern const Step step_branch_ends;
const Step step_branch_ends = {"branch_ends",
                               {{"axis", StepParamKind::loop},
                                {"first", StepParamKind::number},
                                {"last", StepParamKind::number}},
                               "gives the first and last iterations branches in the loop",
                               branch_ends};

}  // namespace mintor
