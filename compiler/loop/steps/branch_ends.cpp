// SPDX-License-Identifier: Apache-2.0
// Gives the first or the last iteration a branch of its own inside the loop, which may be parallel.
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
  if (first < 0 || last < 0 || first > 1 || last > 1 || first + last == 0)
    return {"one iteration of an end at most, and one of both at least, gets a branch"};
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
  Stmt ends;
  if (last > 0) ends = copy(loop->end - 1, "_last", LoopPart::last);
  if (first > 0) {
    const Stmt begin = copy(Index(0), "_first", LoopPart::first);
    ends = last > 0 ? k::if_(k::in_range(Index::var(loop->var), Index(1)), begin, ends) : begin;
  }
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
                               "gives the first or last iteration its own branch in the loop",
                               branch_ends};

}  // namespace mintor
