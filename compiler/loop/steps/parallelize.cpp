// SPDX-License-Identifier: Apache-2.0
// Makes the iterations of the outermost loop tasks, in any order, on any threads.
//| for i in 0..n { S }     parallelize(i)       parallel i in 0..n { S }
//|                              ->
// Only the outermost loop of a kernel that is nothing else, with independent iterations.
#include "compiler/loop/step_support.h"

namespace mintor {
namespace {

// The only statement of the kernel beside scalar Lets.
const For* only_loop(const Stmt& body) {
  if (auto* f = std::get_if<For>(&body->node)) return f;
  auto* b = std::get_if<Block>(&body->node);
  const For* found = nullptr;
  if (b)
    for (const Stmt& s : b->body) {
      if (std::holds_alternative<Let>(s->node)) continue;
      if (found || !std::holds_alternative<For>(s->node)) return nullptr;
      found = &std::get<For>(s->node);
    }
  return found;
}

// Every task evaluates the Lets beside the loop: they must not read what tasks write.
Refusal lets_stay(const Kernel& kernel, const For& loop) {
  std::set<std::string> written;
  Ranges ranges;
  std::set<std::string> inner;
  for (const BufferAccess& a : outer_accesses(kernel, loop.body, ranges, inner))
    if (a.write) written.insert(a.buffer);
  Refusal refusal;
  visit_exprs(replace_loop(kernel.body, loop.var, [](const For&) { return k::block({}); }),
              [&](const Expr& e) {
                auto* l = std::get_if<LoadExpr>(&e->node);
                if (l && written.count(l->buffer))
                  refusal = {"what stands beside the loop " + loop.var + " reads " + l->buffer +
                             ", which it writes"};
              });
  return refusal;
}

}  // namespace

static Refusal parallelize(Kernel& kernel, StepArgs args) {
  const For* loop = &loop_named(kernel, args.name(0));
  const For* outer = only_loop(kernel.body);
  if (!outer || outer->var != args.name(0))
    return {"the kernel is more than the loop " + args.name(0) +
            "; what stands beside it would run in every task"};
  if (loop->kind != LoopKind::serial) return {"the loop " + args.name(0) + " is not serial"};
  if (Refusal r = independent(kernel, *loop)) return r;
  if (Refusal r = lets_stay(kernel, *loop)) return r;
  kernel.body = replace_loop(kernel.body, args.name(0), [](const For& f) {
    return k::loop(f.var, f.begin, f.end, f.body, LoopKind::parallel, f.origin);
  });
  return {};
}

extern const Step step_parallelize;
const Step step_parallelize = {"parallelize",
                               {{"axis", StepParamKind::loop}},
                               "makes the iterations of the outermost loop tasks",
                               parallelize};

}  // namespace mintor
