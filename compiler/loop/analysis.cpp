// SPDX-License-Identifier: Apache-2.0
// Takes statements and expressions; gives their buffers, names, conditions, and what in them varies
// with a loop. Keeps true: what is not listed as varying is the same in every iteration.
#include "compiler/loop/analysis.h"

#include "compiler/support/index_poly.h"

namespace mintor {

std::map<std::string, BufferType> buffers_of(const Kernel& kernel) {
  std::map<std::string, BufferType> out;
  for (const Param& p : kernel.params) out[p.name] = {p.dtype, p.shape};
  visit(kernel.body, [&](const Stmt& s) {
    if (auto* a = std::get_if<Alloc>(&s->node)) out[a->name] = {a->dtype, a->shape};
  });
  return out;
}

std::set<std::string> bound_in(const Stmt& stmt) {
  std::set<std::string> out;
  visit(stmt, [&](const Stmt& s) {
    if (auto* f = std::get_if<For>(&s->node)) out.insert(f->var);
    if (auto* l = std::get_if<Let>(&s->node)) out.insert(l->name);
    if (auto* a = std::get_if<Alloc>(&s->node)) out.insert(a->name);
  });
  return out;
}

std::set<std::string> mentioned_in(const Stmt& stmt) {
  std::set<std::string> out;
  map_indices(stmt, [&](const Index& e) {
    for (const std::string& v : e.vars()) out.insert(v);
    return e;
  });
  visit_exprs(stmt, [&](const Expr& e) {
    if (auto* v = std::get_if<VariableExpr>(&e->node)) out.insert(v->name);
    if (auto* l = std::get_if<LoadExpr>(&e->node)) out.insert(l->buffer);
  });
  visit(stmt, [&](const Stmt& s) {
    if (auto* st = std::get_if<Store>(&s->node)) out.insert(st->buffer);
    if (auto* i = std::get_if<Instr>(&s->node))
      for (const InstrOperand& o : i->operands) out.insert(o.buffer);
    if (auto* p = std::get_if<Prefetch>(&s->node)) out.insert(p->buffer);
    if (auto* c = std::get_if<Code>(&s->node))
      for (const auto* operands : {&c->inputs, &c->outputs})
        for (const CodeOperand& o : *operands) out.insert(o.buffer);
  });
  return out;
}

std::vector<Param> params_of(const Kernel& kernel, const Stmt& stmt) {
  const std::set<std::string> names = mentioned_in(stmt);
  std::vector<Param> out;
  for (const Param& p : kernel.params)
    if (names.contains(p.name)) out.push_back(p);
  return out;
}

std::vector<Expr> conjuncts(const Expr& cond) {
  if (auto* o = std::get_if<OpExpr>(&cond->node); o && o->op == ScalarOp::and_) {
    auto out = conjuncts(o->args[0]);
    auto more = conjuncts(o->args[1]);
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  return {cond};
}

Expr conjunction(const std::vector<Expr>& parts) {
  Expr out;
  for (const Expr& p : parts) out = out ? k::op(ScalarOp::and_, {out, p}) : p;
  return out;
}

bool has_loads(const Expr& e) {
  bool found = false;
  rewrite(e, [&](const Expr& x) -> Expr {
    found |= std::holds_alternative<LoadExpr>(x->node);
    return nullptr;
  });
  return found;
}

bool varies(const Index& e, const std::set<std::string>& varying) {
  for (const auto& v : e.vars())
    if (varying.count(v)) return true;
  return false;
}

bool varies(const Expr& expr, const std::set<std::string>& varying) {
  bool found = false;
  auto any = [&](const std::vector<Index>& indices) {
    for (const Index& e : indices) found |= varies(e, varying);
  };
  rewrite(expr, [&](const Expr& e) -> Expr {
    if (auto* v = std::get_if<VariableExpr>(&e->node)) found |= varying.count(v->name) > 0;
    if (auto* i = std::get_if<IndexExpr>(&e->node)) any({i->value});
    if (auto* r = std::get_if<InRangeExpr>(&e->node)) any({r->value, r->extent});
    if (auto* l = std::get_if<LoadExpr>(&e->node)) {
      found |= varying.count(l->buffer) > 0;
      any(l->indices);
      if (l->count) any({*l->count});
    }
    return nullptr;
  });
  return found;
}

bool defined_anywhere(const Index& e, const Ranges& ranges) {
  using Kind = Index::Atom::Kind;
  if (e.poly().plain) return true;
  for (const AtomRef& atom : index_detail::atoms_of(e)) {
    if (atom->kind == Kind::variable) continue;
    const bool divides = atom->kind == Kind::floordiv || atom->kind == Kind::mod;
    if (divides && !ranges.proves_nonnegative(atom->b - 1)) return false;
    if (!defined_anywhere(atom->a, ranges) || !defined_anywhere(atom->b, ranges)) return false;
  }
  return true;
}

bool defined_anywhere(const Expr& expr, const Ranges& ranges) {
  bool defined = true;
  map_indices(k::if_(expr, k::block({})), [&](const Index& e) {
    defined = defined && defined_anywhere(e, ranges);
    return e;
  });
  return defined;
}

namespace {

class Varying {
 public:
  Varying(const For& loop) : own_(bound_in(loop.body)) {
    names.insert(loop.var);
    for (size_t before = 0; before != names.size();) {
      before = names.size();
      walk(loop.body, false);
    }
  }
  std::set<std::string> names;

 private:
  std::set<std::string> own_;

  void mark(const std::string& name, bool is) {
    if (is && own_.count(name)) names.insert(name);
  }
  void walk(const Stmt& stmt, bool under) {
    if (!stmt) return;
    if (auto* b = std::get_if<Block>(&stmt->node)) {
      for (const Stmt& s : b->body) walk(s, under);
    } else if (auto* f = std::get_if<For>(&stmt->node)) {
      bool moves = varies(f->begin, names) || varies(f->end, names);
      mark(f->var, moves);
      walk(f->body, under || moves);
    } else if (auto* i = std::get_if<If>(&stmt->node)) {
      bool moves = varies(i->cond, names);
      walk(i->then_body, under || moves);
      walk(i->else_body, under || moves);
    } else if (auto* l = std::get_if<Let>(&stmt->node)) {
      mark(l->name, varies(l->value, names));
    } else if (auto* s = std::get_if<Store>(&stmt->node)) {
      bool moves = under || varies(s->value, names) || (s->count && varies(*s->count, names));
      for (const Index& e : s->indices) moves |= varies(e, names);
      mark(s->buffer, moves);
    } else if (auto* a = std::get_if<Alloc>(&stmt->node)) {
      for (const Index& e : a->shape) mark(a->name, varies(e, names));
    } else if (auto* in = std::get_if<Instr>(&stmt->node)) {
      bool moves = under;
      for (const auto& o : in->operands) {
        moves |= names.count(o.buffer) > 0;
        for (const Index& e : o.indices) moves |= varies(e, names);
      }
      for (const auto& o : in->operands) mark(o.buffer, moves);
    } else if (auto* c = std::get_if<Code>(&stmt->node)) {
      for (const CodeOperand& o : c->outputs) mark(o.buffer, true);
    }
  }
};

}  // namespace

std::set<std::string> varying_in(const For& loop) { return Varying(loop).names; }

}  // namespace mintor
