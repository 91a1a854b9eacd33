// SPDX-License-Identifier: Apache-2.0
// One walk with ranges: see simplify.h. A condition that holds where it is asked again is
// remembered by its form; `if in_range(v + c, n)` narrows the range of v in both branches. Keeps
// true: values and the order of everything that is stored are unchanged.
#include "compiler/loop/simplify.h"

#include <algorithm>

#include "compiler/loop/analysis.h"
#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"

namespace mintor {
namespace {

bool is_empty(const Stmt& s) {
  auto* b = s ? std::get_if<Block>(&s->node) : nullptr;
  return !s || (b && b->body.empty());
}

const Scalar* constant_of(const Expr& e) {
  auto* c = std::get_if<ConstantExpr>(&e->node);
  return c ? &c->value : nullptr;
}

Expr boolean(bool value) { return k::constant(Scalar::of_int(DType::boolean, value)); }

class Walker {
 public:
  explicit Walker(Ranges ranges) : ranges_(std::move(ranges)) {}

  Expr expr(const Expr& e) {
    Expr mapped = map_indices(e, [&](const Index& i) { return ranges_.simplify(i); });
    return rewrite(mapped, [&](const Expr& x) { return decide(x); });
  }

  Stmt stmt(const Stmt& s) {
    if (!s) return s;
    return std::visit([&](const auto& node) { return walk(node); }, s->node);
  }

 private:
  Ranges ranges_;
  std::vector<Expr> facts_;              // in_range conditions that hold here
  std::map<std::string, Index> values_;  // integer Lets that became something simpler
  std::set<std::string> scalars_;        // Lets whose lanes turned out to be one value

  Index index(const Index& e) {
    return ranges_.simplify(values_.empty() ? e : e.substitute(values_));
  }
  std::vector<Index> indices(const std::vector<Index>& in) {
    std::vector<Index> out;
    for (const Index& e : in) out.push_back(index(e));
    return out;
  }

  bool known(const InRangeExpr& r) const {
    for (const Expr& f : facts_) {
      const auto& fact = std::get<InRangeExpr>(f->node);
      if (fact.value == r.value &&
          (fact.extent == r.extent || ranges_.proves_nonnegative(r.extent - fact.extent)))
        return true;
    }
    return false;
  }

  Expr decide(const Expr& e) {
    if (auto* r = std::get_if<InRangeExpr>(&e->node)) {
      if (e->lanes > 1) return decide_for_lanes(e, *r);
      if (ranges_.proves_nonnegative(r->value) && ranges_.proves_less(r->value, r->extent))
        return boolean(true);
      if (ranges_.proves_less(r->value, 0) || ranges_.proves_nonnegative(r->value - r->extent))
        return boolean(false);
      if (known(*r)) return boolean(true);
      return nullptr;
    }
    if (auto* g = std::get_if<GuardExpr>(&e->node)) {
      auto* c = constant_of(g->cond);
      return !c ? nullptr : c->i ? g->value : g->fill;
    }
    if (auto* v = std::get_if<VariableExpr>(&e->node); v && e->lanes > 1 && scalars_.count(v->name))
      return k::variable(v->name, e->dtype);
    auto* o = std::get_if<OpExpr>(&e->node);
    if (o && (o->op == ScalarOp::and_ || o->op == ScalarOp::or_)) {
      bool neutral = o->op == ScalarOp::and_;
      for (size_t i = 0; i < 2; ++i)
        if (auto* c = constant_of(o->args[i]))
          return (c->i != 0) == neutral ? o->args[1 - i] : boolean(!neutral);
    }
    if (o && o->op == ScalarOp::not_)
      if (auto* c = constant_of(o->args[0])) return boolean(!c->i);
    if (o && o->op == ScalarOp::where)
      if (auto* c = constant_of(o->args[0])) return o->args[c->i ? 1 : 2];
    if (auto* l = std::get_if<LoadExpr>(&e->node);
        l && l->count && e->lanes > 1 && ranges_.proves_nonnegative(*l->count - e->lanes))
      return k::with_lanes(k::load_like(e, l->buffer, l->indices), e->lanes);
    return nullptr;
  }

  Expr decide_for_lanes(const Expr& e, const InRangeExpr& r) {
    Ranges with_lane = ranges_;
    with_lane.set(kLane, Index(0), Index(e->lanes - 1));
    if (with_lane.proves_nonnegative(r.value) && with_lane.proves_less(r.value, r.extent))
      return boolean(true);
    if (with_lane.proves_less(r.value, 0) || with_lane.proves_nonnegative(r.value - r.extent))
      return boolean(false);
    // The lanes of a block are all inside or all outside: 16*i + lane - 256 is in 0..64 where
    // i - 16 is in 0..4.
    const auto blocks = index_detail::divide_exactly(r.extent, e->lanes);
    if (!blocks) return nullptr;
    const auto [block, within] = index_detail::split_multiples(r.value, e->lanes);
    if (block.mentions(kLane) || !with_lane.proves_nonnegative(within) ||
        !with_lane.proves_less(within, e->lanes))
      return nullptr;
    const Expr inside = k::in_range(block, *blocks);
    const Expr decided = decide(inside);
    return decided ? decided : inside;
  }

  // Index simplification inside a vector statement may use the range of lane.
  template <class Fn>
  auto with_lane(int32_t lanes, Fn fn) {
    if (lanes == 1) return fn();
    ranges_.set(kLane, Index(0), Index(lanes - 1));
    auto out = fn();
    ranges_.erase(kLane);
    return out;
  }
  Expr values_in(const Expr& e) {
    return expr(values_.empty() ? e : map_indices(e, [&](const Index& i) {
      return i.substitute(values_);
    }));
  }

  Stmt walk(const Block& b) {
    std::vector<Stmt> out;
    std::vector<std::string> lets;
    for (const Stmt& s : b.body) {
      Stmt done = stmt(s);
      if (is_empty(done)) continue;
      if (auto* l = std::get_if<Let>(&done->node)) lets.push_back(l->name);
      out.push_back(done);
    }
    for (const auto& name : lets) ranges_.erase(name);
    return k::block(std::move(out));
  }

  Stmt walk(const For& f) {
    Index begin = index(f.begin), end = index(f.end), extent = ranges_.simplify(end - begin);
    if (ranges_.proves_nonnegative(Index(0) - extent)) return k::block({});
    if (extent.is_const(1) && f.kind != LoopKind::parallel)
      return stmt(mintor::substitute(f.body, {{f.var, begin}}));
    ranges_.set(f.var, begin, end - 1);
    Stmt body = stmt(f.body);
    ranges_.erase(f.var);
    if (is_empty(body)) return body;
    return k::loop(f, begin, end, body);
  }

  Stmt walk(const Let& l) {
    Expr value = with_lane(l.value->lanes, [&] { return values_in(l.value); });
    if (auto* i = std::get_if<IndexExpr>(&value->node); i && value->lanes == 1) {
      if (i->value.is_const() || i->value.as_var()) values_[l.name] = i->value;
      ranges_.set(l.name, i->value, i->value);
    }
    if (value->lanes == 1) scalars_.insert(l.name);
    return k::let(l.name, value);
  }

  Stmt walk(const Store& s) {
    std::optional<Index> count = s.count ? std::optional(index(*s.count)) : std::nullopt;
    if (count && ranges_.proves_nonnegative(*count - s.lanes)) count.reset();
    if (count && ranges_.proves_nonnegative(Index(0) - *count)) return k::block({});
    return with_lane(s.lanes, [&] {
      auto at = indices(s.indices);
      return k::vector_store(s.buffer, std::move(at), values_in(s.value), s.lanes, count);
    });
  }

  Stmt walk(const Alloc& a) { return k::alloc(a.name, a.dtype, indices(a.shape), a.space); }

  Stmt walk(const Code& c) { return k::code(c); }

  Stmt walk(const Prefetch& p) { return k::prefetch(p.buffer, indices(p.indices)); }

  Stmt walk(const Instr& i) {
    Instr out = i;
    for (auto& o : out.operands) o.indices = indices(o.indices);
    return k::instr(out.name, std::move(out.operands));
  }

  Stmt walk(const If& i) {
    Expr cond = values_in(i.cond);
    if (auto* c = constant_of(cond)) {
      Stmt chosen = c->i ? i.then_body : i.else_body;
      return chosen ? stmt(chosen) : k::block({});
    }
    size_t facts = facts_.size();
    Ranges before = ranges_;
    auto parts = conjuncts(cond);
    for (const Expr& part : parts) assume(part);
    Stmt then_body = stmt(i.then_body);
    facts_.resize(facts);
    ranges_ = before;
    if (parts.size() == 1) assume_not(parts[0]);
    Stmt else_body = stmt(i.else_body);
    ranges_ = before;
    if (is_empty(else_body)) else_body = nullptr;
    if (is_empty(then_body)) {
      if (!else_body) return k::block({});
      return k::if_(k::op(ScalarOp::not_, {cond}), else_body);
    }
    return k::if_(cond, then_body, else_body);
  }

  // v + c with constant c and v a variable with a range: its name and c.
  std::optional<std::pair<std::string, Index>> shifted_variable(const Index& e) const {
    auto vars = e.vars();
    if (vars.size() != 1 || !ranges_.find(*vars.begin())) return std::nullopt;
    auto a = e.affine_in(*vars.begin());
    if (!a || a->first != 1 || !a->second.is_const()) return std::nullopt;
    return std::pair{*vars.begin(), a->second};
  }
  void assume(const Expr& part) {
    auto* r = std::get_if<InRangeExpr>(&part->node);
    if (!r) return;
    facts_.push_back(part);
    auto v = shifted_variable(r->value);
    if (!v || r->extent.mentions(v->first)) return;
    Range range = *ranges_.find(v->first);
    if (range.divisor != 1) return;
    range.hi = r->extent - 1 -
               v->second;  // stronger than before, or the condition would have been decided
    if (!ranges_.proves_nonnegative(r->value)) range.lo = Index(0) - v->second;
    narrow(v->first, range);
  }
  void assume_not(const Expr& part) {
    auto* r = std::get_if<InRangeExpr>(&part->node);
    if (!r || !ranges_.proves_nonnegative(r->value)) return;
    auto v = shifted_variable(r->value);
    if (!v || r->extent.mentions(v->first)) return;
    Range range = *ranges_.find(v->first);
    if (range.divisor != 1) return;
    range.lo = r->extent - v->second;
    narrow(v->first, range);
  }
  // A branch for one value keeps the variable: a constant there would hide that iterations are
  // independent.
  void narrow(const std::string& name, const Range& range) {
    if (!range.lo || !range.hi || !(*range.lo == *range.hi)) ranges_.set(name, range);
  }
};

}  // namespace

Stmt simplify_stmt(const Stmt& stmt, const Ranges& ranges) {
  Stmt out = Walker(ranges).stmt(stmt);
  return out ? out : k::block({});
}

Stmt remove_dead(const Stmt& stmt) {
  Stmt out = stmt;
  for (;;) {
    std::set<std::string> used;
    auto use = [&](const Index& e) {
      for (const auto& v : e.vars()) used.insert(v);
      return e;
    };
    map_indices(out, use);
    visit_exprs(out, [&](const Expr& e) {
      if (auto* v = std::get_if<VariableExpr>(&e->node)) used.insert(v->name);
      if (auto* l = std::get_if<LoadExpr>(&e->node)) used.insert(l->buffer);
    });
    std::set<std::string> own;
    visit(out, [&](const Stmt& s) {
      if (auto* i = std::get_if<Instr>(&s->node))
        for (const auto& o : i->operands) used.insert(o.buffer);
      if (auto* p = std::get_if<Prefetch>(&s->node)) used.insert(p->buffer);
      if (auto* c = std::get_if<Code>(&s->node))
        for (const auto* operands : {&c->inputs, &c->outputs})
          for (const CodeOperand& o : *operands) used.insert(o.buffer);
      if (auto* a = std::get_if<Alloc>(&s->node)) own.insert(a->name);
    });
    bool changed = false;
    out = rewrite(out, nullptr, [&](const Stmt& s) -> Stmt {
      bool dead = false;
      if (auto* l = std::get_if<Let>(&s->node)) dead = !used.count(l->name);
      if (auto* a = std::get_if<Alloc>(&s->node)) dead = !used.count(a->name);
      if (auto* st = std::get_if<Store>(&s->node))
        dead = own.count(st->buffer) && !used.count(st->buffer);
      if (auto* f = std::get_if<For>(&s->node)) dead = is_empty(f->body);
      if (auto* i = std::get_if<If>(&s->node))
        dead = is_empty(i->then_body) && is_empty(i->else_body);
      changed |= dead;
      return dead ? k::block({}) : nullptr;
    });
    if (!changed) return out;
  }
}

}  // namespace mintor
