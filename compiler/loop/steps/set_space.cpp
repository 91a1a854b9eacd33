// SPDX-License-Identifier: Apache-2.0
// acc: f32[14, 16] in local  ->  set_space(acc, reg)  ->  acc: f32[14, 16] in reg
// reg asks that every index but `lane` is a constant once unrolled loops are expanded.
#include "compiler/loop/step_support.h"

namespace mintor {
namespace {

// Indices may mention constants, lane and unrolled loops that begin with such an index.
bool constant_when_unrolled(const Kernel& kernel, const std::string& buffer) {
  std::set<std::string> allowed{std::string(kLane)};
  const auto constant = [&](const Index& e) {
    for (const auto& v : e.vars())
      if (!allowed.count(v)) return false;
    return true;
  };
  visit(kernel.body, [&](const Stmt& s) {  // loops before those inside of them
    auto* f = std::get_if<For>(&s->node);
    if (f && f->kind == LoopKind::unrolled && constant(f->begin)) allowed.insert(f->var);
  });
  bool ok = true;
  auto look = [&](const std::string& name, const std::vector<Index>& indices) {
    if (name != buffer) return;
    for (const Index& e : indices) ok &= constant(e);
  };
  visit_exprs(kernel.body, [&](const Expr& e) {
    if (auto* l = std::get_if<LoadExpr>(&e->node)) look(l->buffer, l->indices);
  });
  visit(kernel.body, [&](const Stmt& s) {
    if (auto* st = std::get_if<Store>(&s->node)) look(st->buffer, st->indices);
    if (auto* i = std::get_if<Instr>(&s->node))
      for (const auto& o : i->operands) look(o.buffer, o.indices);
  });
  return ok;
}

}  // namespace

static Refusal set_space(Kernel& kernel, StepArgs args) {
  if (args.name(1) != "local" && args.name(1) != "reg")
    return {"'" + args.name(1) + "' is neither local nor reg"};
  Space space = args.name(1) == "reg" ? Space::reg : Space::local;
  bool found = false, constant_shape = true;
  Stmt body = rewrite(kernel.body, nullptr, [&](const Stmt& s) -> Stmt {
    auto* a = std::get_if<Alloc>(&s->node);
    if (!a || a->name != args.name(0)) return nullptr;
    found = true;
    for (const Index& e : a->shape) constant_shape &= e.is_const();
    return k::alloc(a->name, a->dtype, a->shape, space);
  });
  if (!found) return {"'" + args.name(0) + "' is no local buffer"};
  if (space == Space::reg && !constant_shape)
    return {"the shape of " + args.name(0) + " is not constant"};
  if (space == Space::reg && !constant_when_unrolled(kernel, args.name(0)))
    return {"an index of " + args.name(0) + " is no constant once unrolled loops are expanded"};
  kernel.body = body;
  return {};
}

extern const Step step_set_space;
const Step step_set_space = {"set_space",
                             {{"buffer", StepParamKind::name}, {"space", StepParamKind::name}},
                             "moves a local buffer between local and reg",
                             set_space};

}  // namespace mintor
