// SPDX-License-Identifier: Apache-2.0
// Walking and rewriting of loop IR. Trees are shared: a rewrite gives the same node back where
// nothing changed. Keeps true: lanes of a rebuilt expression are derived from its arguments; a leaf
// that no longer mentions `lane` has 1.
#include <algorithm>

#include "compiler/loop/ir.h"
#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"

namespace mintor {
namespace {

bool mentions_lane(const std::vector<Index>& indices) {
  return std::any_of(indices.begin(), indices.end(),
                     [](const Index& e) { return e.mentions(kLane); });
}

template <class Node>
Expr leaf(const Expr& old, Node node, bool uses_lane) {
  auto out = std::make_shared<ExprNode>();
  out->dtype = old->dtype;
  out->lanes = uses_lane ? old->lanes : 1;
  out->node = std::move(node);
  return out;
}

template <class Node>
Stmt stmt_of(Node node) {
  auto out = std::make_shared<StmtNode>();
  out->node = std::move(node);
  return out;
}

// Children rebuilt, the node itself kept when none changed.
Expr rebuild_children(const Expr& expr, const ExprRewrite& fn) {
  if (auto* o = std::get_if<OpExpr>(&expr->node)) {
    std::vector<Expr> args;
    bool changed = false;
    for (const Expr& a : o->args) {
      args.push_back(rewrite(a, fn));
      changed |= args.back() != a;
    }
    return changed ? k::op(o->op, std::move(args)) : expr;
  }
  if (auto* c = std::get_if<CastExpr>(&expr->node)) {
    Expr arg = rewrite(c->arg, fn);
    return arg != c->arg ? k::cast(arg, expr->dtype) : expr;
  }
  if (auto* b = std::get_if<BitcastExpr>(&expr->node)) {
    Expr arg = rewrite(b->arg, fn);
    return arg != b->arg ? k::bitcast(arg, expr->dtype) : expr;
  }
  if (auto* g = std::get_if<GuardExpr>(&expr->node)) {
    Expr cond = rewrite(g->cond, fn), value = rewrite(g->value, fn), fill = rewrite(g->fill, fn);
    bool changed = cond != g->cond || value != g->value || fill != g->fill;
    return changed ? k::guard(cond, value, fill) : expr;
  }
  return expr;
}

Expr map_leaf(const Expr& e, const std::function<Index(const Index&)>& fn) {
  if (auto* load = std::get_if<LoadExpr>(&e->node)) {
    LoadExpr out{load->buffer, {}, {}, load->words};
    bool changed = false;
    for (const Index& i : load->indices) {
      out.indices.push_back(fn(i));
      changed |= !(out.indices.back() == i);
    }
    if (load->count) {
      out.count = fn(*load->count);
      changed |= !(*out.count == *load->count);
    }
    if (!changed) return nullptr;
    const bool lane = mentions_lane(out.indices);
    if (lane || !out.count) return leaf(e, std::move(out), lane);
    // The lanes of a partial load have become one element: zero beyond the count all the same.
    const Expr some = k::with_lanes(k::in_range(Index::var(kLane), *out.count), e->lanes);
    out.count.reset();
    return k::guard(some, leaf(e, std::move(out), false), k::constant(Scalar::of(e->dtype, 0.0)));
  }
  if (auto* i = std::get_if<IndexExpr>(&e->node)) {
    Index value = fn(i->value);
    return value == i->value ? nullptr : leaf(e, IndexExpr{value}, value.mentions(kLane));
  }
  if (auto* r = std::get_if<InRangeExpr>(&e->node)) {
    Index value = fn(r->value), extent = fn(r->extent);
    if (value == r->value && extent == r->extent) return nullptr;
    return leaf(e, InRangeExpr{value, extent}, value.mentions(kLane) || extent.mentions(kLane));
  }
  return nullptr;
}

}  // namespace

Expr rewrite(const Expr& expr, const ExprRewrite& on_expr) {
  Expr rebuilt = rebuild_children(expr, on_expr);
  Expr replaced = on_expr(rebuilt);
  return replaced ? replaced : rebuilt;
}

Stmt rewrite(const Stmt& stmt, const ExprRewrite& on_expr, const StmtRewrite& on_stmt) {
  if (!stmt) return stmt;
  auto expr = [&](const Expr& e) { return on_expr ? rewrite(e, on_expr) : e; };
  Stmt out = stmt;
  if (auto* b = std::get_if<Block>(&stmt->node)) {
    std::vector<Stmt> body;
    bool changed = false;
    for (const Stmt& s : b->body) {
      body.push_back(rewrite(s, on_expr, on_stmt));
      changed |= body.back() != s;
    }
    if (changed) out = k::block(std::move(body));
  } else if (auto* f = std::get_if<For>(&stmt->node)) {
    Stmt body = rewrite(f->body, on_expr, on_stmt);
    if (body != f->body) out = k::loop(*f, body);
  } else if (auto* l = std::get_if<Let>(&stmt->node)) {
    Expr value = expr(l->value);
    if (value != l->value) out = k::let(l->name, value);
  } else if (auto* s = std::get_if<Store>(&stmt->node)) {
    Expr value = expr(s->value);
    if (value != s->value) out = k::vector_store(s->buffer, s->indices, value, s->lanes, s->count);
  } else if (auto* i = std::get_if<If>(&stmt->node)) {
    Expr cond = expr(i->cond);
    Stmt then_body = rewrite(i->then_body, on_expr, on_stmt),
         else_body = rewrite(i->else_body, on_expr, on_stmt);
    if (cond != i->cond || then_body != i->then_body || else_body != i->else_body)
      out = k::if_(cond, then_body, else_body);
  }
  if (!on_stmt) return out;
  Stmt replaced = on_stmt(out);
  return replaced ? replaced : out;
}

Expr map_indices(const Expr& expr, const std::function<Index(const Index&)>& fn) {
  return rewrite(expr, [&](const Expr& e) { return map_leaf(e, fn); });
}

Stmt map_indices(const Stmt& stmt, const std::function<Index(const Index&)>& fn) {
  auto map_all = [&](const std::vector<Index>& in) {
    std::vector<Index> out;
    for (const Index& e : in) out.push_back(fn(e));
    return out;
  };
  return rewrite(
      stmt, [&](const Expr& e) { return map_leaf(e, fn); },
      [&](const Stmt& s) -> Stmt {
        if (auto* f = std::get_if<For>(&s->node)) {
          Index begin = fn(f->begin), end = fn(f->end);
          if (begin == f->begin && end == f->end) return nullptr;
          return k::loop(*f, begin, end, f->body);
        }
        if (auto* st = std::get_if<Store>(&s->node)) {
          auto count = st->count ? std::optional(fn(*st->count)) : std::nullopt;
          return k::vector_store(st->buffer, map_all(st->indices), st->value, st->lanes, count);
        }
        if (auto* a = std::get_if<Alloc>(&s->node))
          return k::alloc(a->name, a->dtype, map_all(a->shape), a->space);
        if (auto* i = std::get_if<Instr>(&s->node)) {
          std::vector<InstrOperand> operands;
          for (const auto& o : i->operands) operands.push_back({o.buffer, map_all(o.indices)});
          return k::instr(i->name, std::move(operands));
        }
        if (auto* p = std::get_if<Prefetch>(&s->node))
          return k::prefetch(p->buffer, map_all(p->indices));
        return nullptr;
      });
}

Stmt substitute(const Stmt& stmt, const std::map<std::string, Index>& values) {
  return map_indices(stmt, [&](const Index& e) { return e.substitute(values); });
}

void visit(const Stmt& stmt, const std::function<void(const Stmt&)>& fn) {
  if (!stmt) return;
  fn(stmt);
  if (auto* b = std::get_if<Block>(&stmt->node)) {
    for (const Stmt& s : b->body) visit(s, fn);
  } else if (auto* f = std::get_if<For>(&stmt->node)) {
    visit(f->body, fn);
  } else if (auto* i = std::get_if<If>(&stmt->node)) {
    visit(i->then_body, fn);
    visit(i->else_body, fn);
  }
}

namespace {

void visit_tree(const Expr& expr, const std::function<void(const Expr&)>& fn) {
  fn(expr);
  if (auto* o = std::get_if<OpExpr>(&expr->node)) {
    for (const Expr& a : o->args) visit_tree(a, fn);
  } else if (auto* c = std::get_if<CastExpr>(&expr->node)) {
    visit_tree(c->arg, fn);
  } else if (auto* b = std::get_if<BitcastExpr>(&expr->node)) {
    visit_tree(b->arg, fn);
  } else if (auto* g = std::get_if<GuardExpr>(&expr->node)) {
    visit_tree(g->cond, fn);
    visit_tree(g->value, fn);
    visit_tree(g->fill, fn);
  }
}

}  // namespace

void visit_exprs(const Stmt& stmt, const std::function<void(const Expr&)>& fn, bool deep) {
  auto one = [&](const Stmt& s) {
    if (auto* l = std::get_if<Let>(&s->node)) visit_tree(l->value, fn);
    if (auto* st = std::get_if<Store>(&s->node)) visit_tree(st->value, fn);
    if (auto* i = std::get_if<If>(&s->node)) visit_tree(i->cond, fn);
  };
  if (deep)
    visit(stmt, one);
  else
    one(stmt);
}

const For* find_loop(const Stmt& body, std::string_view var) {
  const For* found = nullptr;
  visit(body, [&](const Stmt& s) {
    if (auto* f = std::get_if<For>(&s->node); f && f->var == var) found = f;
  });
  return found;
}

Stmt replace_loop(const Stmt& body, std::string_view var,
                  const std::function<Stmt(const For&)>& fn) {
  return rewrite(body, nullptr, [&](const Stmt& s) -> Stmt {
    auto* f = std::get_if<For>(&s->node);
    return f && f->var == var ? fn(*f) : nullptr;
  });
}

namespace {

// Names that a statement binds itself (not inside).
const std::string* bound_name(const Stmt& s) {
  if (auto* f = std::get_if<For>(&s->node)) return &f->var;
  if (auto* l = std::get_if<Let>(&s->node)) return &l->name;
  if (auto* a = std::get_if<Alloc>(&s->node)) return &a->name;
  return nullptr;
}

}  // namespace

std::set<std::string> names_in(const Kernel& kernel) {
  std::set<std::string> names{std::string(kLane)};
  for (const Param& p : kernel.params) names.insert(p.name);
  for (const SymbolParam& s : kernel.symbols) names.insert(s.name);
  visit(kernel.body, [&](const Stmt& s) {
    if (auto* name = bound_name(s)) names.insert(*name);
  });
  return names;
}

std::string fresh_name(const Kernel& kernel, std::string_view wish) {
  auto names = names_in(kernel);
  std::string name(wish);
  for (int n = 2; names.count(name); ++n) name = std::string(wish) + "_" + std::to_string(n);
  return name;
}

namespace {

bool divides_by(const Index& e, const std::string& name) {
  using Kind = Index::Atom::Kind;
  return std::ranges::any_of(index_detail::atoms_of(e), [&](const AtomRef& atom) {
    if (atom->kind == Kind::variable) return false;
    const bool divides = atom->kind == Kind::floordiv || atom->kind == Kind::mod;
    return (divides && atom->b.mentions(name)) || divides_by(atom->a, name) ||
           divides_by(atom->b, name);
  });
}

// Inside of a loop there is an iteration: what would make their number 0 where it is 0 is at
// least 1.
void set_running(const For& loop, Ranges& ranges) {
  const Index count = loop.end - loop.begin;
  for (const std::string& name : count.vars()) {
    const Range* known = ranges.find(name);
    if (!known || !known->lo || !known->lo->is_const(0) || divides_by(count, name)) continue;
    const Index without = count.substitute({{name, Index(0)}});
    if (!without.is_const() || without.value() > 0) continue;
    Range range = *known;
    range.lo = Index(1);
    ranges.set(name, std::move(range));
  }
}

// Puts the loops and integer Lets before and around loop `var` into ranges; true when it was found.
bool collect_ranges(const Stmt& stmt, std::string_view var, Ranges& ranges) {
  if (!stmt) return false;
  if (auto* b = std::get_if<Block>(&stmt->node)) {
    std::vector<std::string> lets;
    for (const Stmt& s : b->body) {
      if (auto* l = std::get_if<Let>(&s->node)) {
        if (auto* e = std::get_if<IndexExpr>(&l->value->node); e && l->value->lanes == 1) {
          ranges.set(l->name, e->value, e->value);
          lets.push_back(l->name);
        }
      }
      if (collect_ranges(s, var, ranges)) return true;
    }
    for (const auto& name : lets) ranges.erase(name);
    return false;
  }
  if (auto* f = std::get_if<For>(&stmt->node)) {
    ranges.set(f->var, f->begin, f->end - 1);
    if (f->var == var) return true;
    if (collect_ranges(f->body, var, ranges)) {
      set_running(*f, ranges);
      return true;
    }
    ranges.erase(f->var);
    return false;
  }
  if (auto* i = std::get_if<If>(&stmt->node))
    return collect_ranges(i->then_body, var, ranges) || collect_ranges(i->else_body, var, ranges);
  return false;
}

}  // namespace

Ranges ranges_at(const Kernel& kernel, std::string_view var) {
  Ranges ranges;
  for (const SymbolParam& s : kernel.symbols) {
    Range r{Index(s.lo), std::nullopt, s.divisor};
    if (s.hi >= s.lo) r.hi = Index(s.hi);
    ranges.set(s.name, r);
  }
  if (!var.empty()) collect_ranges(kernel.body, var, ranges);
  return ranges;
}

LoopOrigin origin_of(const For& loop) {
  LoopOrigin out = loop.origin;
  if (out.axis.empty()) out.axis = loop.var;
  return out;
}

LoopOrigin part_of(LoopOrigin of, LoopPart part) {
  of.parts.push_back(part);
  return of;
}

bool same_loop(const LoopOrigin& a, const LoopOrigin& b) {
  return a.axis == b.axis && a.parts == b.parts;
}

namespace {

// With the origin that each loop then has.
Stmt rename(const Stmt& stmt, const std::map<std::string, std::string>& names,
            const std::function<LoopOrigin(const For&)>& origin) {
  std::map<std::string, Index> indices;
  for (const auto& [from, to] : names) indices[from] = Index::var(to);
  const auto renamed = [&](const std::string& name) {
    const auto it = names.find(name);
    return it == names.end() ? name : it->second;
  };
  return rewrite(
      substitute(stmt, indices),
      [&](const Expr& e) -> Expr {
        if (auto* v = std::get_if<VariableExpr>(&e->node))
          return k::variable(renamed(v->name), e->dtype, e->lanes);
        if (auto* l = std::get_if<LoadExpr>(&e->node); l && names.count(l->buffer)) {
          auto out = std::make_shared<ExprNode>(*e);
          std::get<LoadExpr>(out->node).buffer = renamed(l->buffer);
          return out;
        }
        return nullptr;
      },
      [&](const Stmt& s) -> Stmt {
        if (auto* f = std::get_if<For>(&s->node))
          return k::loop(renamed(f->var), f->begin, f->end, f->body, f->kind, origin(*f));
        if (auto* l = std::get_if<Let>(&s->node)) return k::let(renamed(l->name), l->value);
        if (auto* a = std::get_if<Alloc>(&s->node))
          return k::alloc(renamed(a->name), a->dtype, a->shape, a->space);
        if (auto* st = std::get_if<Store>(&s->node))
          return k::vector_store(renamed(st->buffer), st->indices, st->value, st->lanes, st->count);
        if (auto* i = std::get_if<Instr>(&s->node)) {
          Instr out = *i;
          for (auto& o : out.operands) o.buffer = renamed(o.buffer);
          return stmt_of(std::move(out));
        }
        if (auto* p = std::get_if<Prefetch>(&s->node))
          return k::prefetch(renamed(p->buffer), p->indices);
        if (auto* c = std::get_if<Code>(&s->node)) {
          Code out = *c;
          for (auto* operands : {&out.inputs, &out.outputs})
            for (CodeOperand& o : *operands) o.buffer = renamed(o.buffer);
          return stmt_of(std::move(out));
        }
        return nullptr;
      });
}

}  // namespace

Stmt rename(const Stmt& stmt, const std::map<std::string, std::string>& names) {
  return rename(stmt, names, [](const For& loop) { return loop.origin; });
}

Stmt rename_bound(const Stmt& stmt, std::string_view suffix, std::optional<LoopPart> part) {
  std::map<std::string, std::string> names;
  visit(stmt, [&](const Stmt& s) {
    if (auto* name = bound_name(s)) names[*name] = *name + std::string(suffix);
  });
  if (names.empty()) return stmt;
  return rename(stmt, names, [&](const For& loop) {
    return part ? part_of(origin_of(loop), *part) : origin_of(loop);
  });
}

}  // namespace mintor
