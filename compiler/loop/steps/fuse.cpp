// SPDX-License-Identifier: Apache-2.0
// Makes one loop of two.
//| for a in 0..m {          fuse(a, b, t)       for t in 0..m*n {
//|   for b in 0..n {             ->               S(t // n, t % n)
//|     S(a, b)                                  }
//|   }
//| }
// The order of iterations is the same, so nothing has to be independent. `b` may stand in both
// sides of a branch, a tail beside full blocks: the branch goes inside.
#include <algorithm>

#include "compiler/loop/loop_inside.h"
#include "compiler/loop/step_support.h"

namespace mintor {

static bool is_symbol(const Kernel& kernel, const std::string& name) {
  return std::any_of(kernel.symbols.begin(), kernel.symbols.end(),
                     [&](const SymbolParam& s) { return s.name == name; });
}

static Refusal fuse(Kernel& kernel, StepArgs args) {
  const For* outer = &loop_named(kernel, args.name(0));
  const LoopInside inside = loop_inside(*outer);
  const For* inner = inside.loop;
  if (!inner || inner->var != args.name(1))
    return {"the body of " + args.name(0) + " is more than the loop " + args.name(1)};
  if (inner->begin.mentions(outer->var) || inner->end.mentions(outer->var))
    return {"the bounds of " + args.name(1) + " depend on " + args.name(0)};
  if (outer->kind != LoopKind::serial || inner->kind != LoopKind::serial)
    return {"both loops must be serial"};
  Ranges ranges = ranges_at(kernel, outer->var);
  ranges.erase(outer->var);
  Index m = ranges.simplify(outer->end - outer->begin),
        n = ranges.simplify(inner->end - inner->begin);
  // An empty loop stays empty: a product of two negative extents would not be.
  if (!ranges.proves_nonnegative(m) || !ranges.proves_nonnegative(n))
    return {"an extent may be negative"};
  for (const auto& v : n.vars())
    if (!is_symbol(kernel, v) && !ranges.proves_nonnegative(n - 1))
      return {"the extent " + n.str() + " of " + args.name(1) +
              " would be a divisor, and may be 0"};
  Index t = Index::var(args.name(2));
  ranges.set(args.name(2), Index(0), m * n - 1);
  const bool none = n.is_const(0);
  const Index at_outer = outer->begin + (none ? Index(0) : ranges.simplify(floordiv(t, n)));
  const Index at_inner = inner->begin + (none ? Index(0) : ranges.simplify(mod(t, n)));
  Stmt body = inner->body;
  if (inside.cond)
    body = k::if_(inside.cond, body,
                  substitute(inside.otherwise->body, {{inside.otherwise->var, at_inner}}));
  body = simplify_stmt(
      substitute(body, {{outer->var, at_outer}, {inner->var, at_inner}}), ranges);
  LoopOrigin origin;
  if (outer->origin.role == inner->origin.role) origin.role = outer->origin.role;
  kernel.body = replace_loop(kernel.body, args.name(0), [&](const For&) {
    return k::loop(args.name(2), 0, m * n, body, LoopKind::serial, origin);
  });
  return {};
}

extern const Step step_fuse;
const Step step_fuse = {"fuse",
                        {{"outer", StepParamKind::loop},
                         {"inner", StepParamKind::name},
                         {"name", StepParamKind::fresh}},
                        "makes one loop of two",
                        fuse};

}  // namespace mintor
