// SPDX-License-Identifier: Apache-2.0
// Gives the first and last iterations copies of their own.
//| for i in 0..n {                      S(0)
//|   S(i)             peel(i, 1, 1)     for i in 1..n - 1 {
//| }                       ->             S(i)
//|                                      }
//|                                      S(n - 1)
// Conditions on i (padding at the borders) become decidable in the copies and disappear from the
// middle. Names bound in copies end in `_first` and `_last`, once more where that name is taken.
#include "compiler/loop/step_support.h"

namespace mintor {

static Refusal peel(Kernel& kernel, StepArgs args) {
  const For* loop = &loop_named(kernel, args.name(0));
  if (loop->kind != LoopKind::serial) return {"the loop " + args.name(0) + " is not serial"};
  const int64_t first = args.number(1), last = args.number(2);
  if (first < 0 || last < 0 || first > 16 || last > 16 - first)
    return {"the numbers of peeled iterations must be small and not negative"};
  Ranges ranges = ranges_at(kernel, loop->var);
  Index extent = ranges.simplify(loop->end - loop->begin);
  if (!ranges.proves_nonnegative(extent - first - last))
    return {"the loop has " + extent.str() + " iterations, which may be fewer than " +
            std::to_string(first + last)};
  auto taken = names_in(kernel);
  Ranges outside = ranges;
  outside.erase(loop->var);
  std::vector<Stmt> out;
  auto copy = [&](const Index& at, std::string_view suffix, LoopPart part) {
    out.push_back(copy_of_body(loop->body, loop->var, at, free_suffix(taken, loop->body, suffix),
                               part, outside));
  };
  for (int64_t n = 0; n < first; ++n) copy(loop->begin + n, "_first", LoopPart::first);
  Index begin = loop->begin + first, end = loop->end - last;
  if (!ranges.simplify(end - begin).is_const(0)) {
    ranges.set(loop->var, begin, end - 1);
    out.push_back(k::loop(*loop, begin, end, simplify_stmt(loop->body, ranges)));
  }
  for (int64_t n = 0; n < last; ++n) copy(end + n, "_last", LoopPart::last);
  kernel.body = replace_loop(kernel.body, args.name(0), [&](const For&) { return k::block(out); });
  return {};
}

extern const Step step_peel;
const Step step_peel = {"peel",
                        {{"axis", StepParamKind::loop},
                         {"first", StepParamKind::number},
                         {"last", StepParamKind::number}},
                        "gives the first and last iterations copies of their own",
                        peel};

}  // namespace mintor
