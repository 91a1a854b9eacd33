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

// Loops and arrays inside that are as long as what is left of the last block: in each branch it is
// known which block that is. Addresses keep the variable.
static Stmt with_extents(const Stmt& body, const std::function<Index(const Index&)>& known) {
  return rewrite(body, nullptr, [&](const Stmt& s) -> Stmt {
    if (auto* f = std::get_if<For>(&s->node))
      return k::loop(*f, known(f->begin), known(f->end), f->body);
    if (auto* a = std::get_if<Alloc>(&s->node)) {
      std::vector<Index> shape;
      for (const Index& e : a->shape) shape.push_back(known(e));
      return k::alloc(a->name, a->dtype, std::move(shape), a->space);
    }
    return nullptr;
  });
}

static Refusal branch_tail(Kernel& kernel, StepArgs args) {
  const For* loop = &loop_named(kernel, args.name(0));
  auto tail = tail_of(kernel, *loop);
  if (!tail) return {};  // the split left no guard
  Ranges ranges = ranges_at(kernel, loop->var);
  Index whole = ranges.simplify(floordiv(tail->extent, tail->factor));
  Ranges full_ranges = ranges, rest_ranges = ranges;
  full_ranges.set(loop->var, Index(0), whole - 1);
  rest_ranges.erase(loop->var);
  Stmt rest = with_extents(tail_body(kernel, *loop, *tail, true), [&](const Index& e) {
    return e.mentions(loop->var) ? rest_ranges.simplify(e.substitute({{loop->var, whole}})) : e;
  });
  rest = simplify_stmt(rest, ranges);
  // The range of the outer variable stays wide: where one block is whole, its number must not
  // become a constant.
  Stmt full = with_extents(without_tail_guard(kernel, *loop, *tail), [&](const Index& e) {
    return e.mentions(loop->var) ? full_ranges.simplify(e) : e;
  });
  full = simplify_stmt(full, ranges);
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
