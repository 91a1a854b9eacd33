// SPDX-License-Identifier: Apache-2.0
// Dependence analysis of loops, by address. Two accesses in iterations v and v' of a loop cannot
// meet when equal indices force v == v': an index c * f(v) + rest determines f(v) when its rests
// stay closer than c, or differ otherwise only by multiples of something that f(v) does not reach;
// what is determined in several dimensions is put together (t // 3 and t % 3 determine t). Or when
// the two stay in parts of the buffer that do not meet at all. Keeps true: an empty Refusal is a
// proof; "could not show" is a refusal.
#include "compiler/loop/analysis.h"

#include <algorithm>
#include <numeric>

#include "compiler/loop/instruction.h"
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

namespace {

void walk(const Stmt& stmt, const std::set<std::string>& own,
          const std::map<std::string, BufferType>& buffers, std::vector<BufferAccess>& out,
          Ranges& ranges, std::set<std::string>& inner) {
  int64_t lanes = 1;
  auto add = [&](const std::string& buffer, const std::vector<Index>& indices, bool write) {
    if (!own.count(buffer)) out.push_back({buffer, indices, write});
  };
  visit(stmt, [&](const Stmt& s) {
    int64_t here = 1;
    if (auto* f = std::get_if<For>(&s->node)) {
      ranges.set(f->var, f->begin, f->end - 1);
      inner.insert(f->var);
    } else if (auto* l = std::get_if<Let>(&s->node)) {
      inner.insert(l->name);
      here = l->value->lanes;
      auto* e = std::get_if<IndexExpr>(&l->value->node);
      if (e && here == 1) ranges.set(l->name, e->value, e->value);
    } else if (auto* st = std::get_if<Store>(&s->node)) {
      here = st->lanes;
      add(st->buffer, st->indices, true);
    } else if (auto* i = std::get_if<Instr>(&s->node)) {
      const Instruction* instruction = find_instruction(i->name);
      Kernel meaning = instruction ? parse_kernel(instruction->meaning) : Kernel{};
      for (size_t n = 0; n < i->operands.size(); ++n) {
        auto indices = i->operands[n].indices;
        Index count = 1;
        bool known = n < meaning.params.size();
        if (known)
          for (const Index& e : meaning.params[n].shape) count = count * e;
        std::string element = "operand_element_" + std::to_string(n);
        ranges.set(element, known ? Range{Index(0), count - 1, 1} : Range{});
        inner.insert(element);
        if (!indices.empty()) indices.back() = indices.back() + Index::var(element);
        add(i->operands[n].buffer, indices, !known || meaning.params[n].written);
      }
    }
    lanes = std::max(lanes, here);
    visit_exprs(
        s,
        [&](const Expr& e) {
          if (auto* load = std::get_if<LoadExpr>(&e->node)) add(load->buffer, load->indices, false);
        },
        false);
  });
  if (lanes > 1) {
    ranges.set(kLane, Index(0), Index(lanes - 1));
    inner.insert(std::string(kLane));
  }
  (void)buffers;
}

// The terms of e that mention var, as factor * core: everything constant in var is in the factor.
struct Moving {
  Index factor, core, rest;
};

std::optional<Moving> moving_part(const Index& e, const std::string& var) {
  Index moving = 0, rest = 0;
  int64_t content = 0;
  for (const auto& term : e.poly().terms) {
    Index t = index_detail::product_of(term.coefficient, term.factors);
    if (!t.mentions(var)) {
      rest = rest + t;
      continue;
    }
    moving = moving + t;
    content = std::gcd(content, std::abs(term.coefficient));
  }
  const auto& terms = moving.poly().terms;
  if (terms.empty()) return std::nullopt;
  std::vector<AtomRef> fixed, core;
  if (terms.size() == 1)
    for (const auto& f : terms[0].factors)
      (index_detail::atom_mentions(*f, var) ? core : fixed).push_back(f);
  if (terms.size() == 1)
    return Moving{index_detail::product_of(content, fixed),
                  index_detail::product_of(terms[0].coefficient / content, core), rest};
  return Moving{Index(content), *index_detail::divide_exactly(moving, Index(content)), rest};
}

class Disjoint {
 public:
  Disjoint(const std::string& var, const Ranges& ranges, const std::set<std::string>& inner)
      : var_(var), ranges_(ranges), inner_(inner) {}

  bool operator()(const BufferAccess& a, const BufferAccess& b, const std::vector<Index>& shape) {
    if (a.indices.size() != b.indices.size()) return false;
    auto x = simple(a.indices), y = simple(b.indices);
    if (shape.size() == x.size() && x.size() > 1) {
      x.push_back(flat(x, shape));
      y.push_back(flat(y, shape));
    }
    std::vector<Index> determined;  // forms in var that equal indices force to be equal
    for (size_t d = 0; d < x.size(); ++d) {
      if (never_meet(x[d], y[d])) return true;
      if (auto core = determine(x[d], y[d])) determined.push_back(*core);
    }
    return determines_var(determined);
  }

 private:
  const std::string& var_;
  const Ranges& ranges_;
  const std::set<std::string>& inner_;

  std::vector<Index> simple(const std::vector<Index>& in) {
    std::vector<Index> out;
    for (const Index& e : in) out.push_back(ranges_.simplify(e));
    return out;
  }
  Index flat(const std::vector<Index>& at, const std::vector<Index>& shape) {
    Index out = 0;
    for (size_t d = 0; d < shape.size(); ++d) out = out * shape[d] + at[d];
    return ranges_.simplify(out);
  }

  // Parts of a buffer that never meet: part[l] and part[l + 8] with l < 8.
  bool never_meet(const Index& x, const Index& y) {
    std::set<std::string> all = inner_;
    all.insert(var_);
    auto lo_x = ranges_.lower_over(x, all), hi_x = ranges_.upper_over(x, all);
    auto lo_y = ranges_.lower_over(y, all), hi_y = ranges_.upper_over(y, all);
    return (hi_x && lo_y && ranges_.proves_less(*hi_x, *lo_y)) ||
           (hi_y && lo_x && ranges_.proves_less(*hi_y, *lo_x));
  }

  // |p - q| <= limit whatever the inner variables of each are.
  bool close(const Index& p, const Index& q, const Index& limit) {
    auto lo_p = ranges_.lower_over(p, inner_), hi_p = ranges_.upper_over(p, inner_);
    auto lo_q = ranges_.lower_over(q, inner_), hi_q = ranges_.upper_over(q, inner_);
    return lo_p && hi_p && lo_q && hi_q && ranges_.proves_nonnegative(limit - (*hi_p - *lo_q)) &&
           ranges_.proves_nonnegative(limit - (*hi_q - *lo_p));
  }

  // x == y forces core(v) == core(v'): factor * core moves in steps larger than what the rests can
  // make up.
  std::optional<Index> determine(const Index& x, const Index& y) {
    auto p = moving_part(x, var_), q = moving_part(y, var_);
    if (!p || !q || !(p->factor == q->factor) || !(p->core == q->core)) return std::nullopt;
    for (const auto& name : inner_)
      if (p->core.mentions(name) || p->factor.mentions(name)) return std::nullopt;
    if (!ranges_.proves_nonnegative(p->factor - 1)) return std::nullopt;
    if (close(p->rest, q->rest, p->factor - 1)) return p->core;
    return determine_modulo(*p, *q) ? std::optional(p->core) : std::nullopt;
  }

  // Inner terms that are multiples of g step over the whole range of factor * core: 8 * j_o + j_i
  // with j_i < 8.
  bool determine_modulo(const Moving& p, const Moving& q) {
    auto lo = ranges_.lower(p.core), hi = ranges_.upper(p.core);
    if (!p.factor.is_const() || !lo || !hi) return false;
    int64_t span = p.factor.value() * (*hi - *lo);
    int64_t g = 0;
    Index small_p = large_terms(p.rest, span, g), small_q = large_terms(q.rest, span, g);
    if (g == 0) return false;
    return close(small_p, small_q, p.factor - 1) && close(small_p, small_q, Index(g - 1 - span));
  }
  // e without its terms in one inner variable whose coefficient exceeds span; g becomes their
  // common divisor.
  Index large_terms(const Index& e, int64_t span, int64_t& g) {
    Index small = 0;
    for (const auto& term : e.poly().terms) {
      bool inner = term.factors.size() == 1 &&
                   term.factors[0]->kind == Index::Atom::Kind::variable &&
                   inner_.count(term.factors[0]->name);
      if (inner && std::abs(term.coefficient) > span)
        g = std::gcd(g, std::abs(term.coefficient));
      else
        small = small + index_detail::product_of(term.coefficient, term.factors);
    }
    return small;
  }

  // {t // 3, t % 3} determine t.
  bool determines_var(std::vector<Index> known) {
    for (int round = 0; round < 3; ++round) {
      for (const Index& e : known) {
        auto linear = e.affine_in(var_);
        if (linear && linear->first != 0) return true;
      }
      size_t count = known.size();
      for (size_t i = 0; i < count; ++i) {
        const auto atoms = index_detail::atoms_of(known[i]);
        if (atoms.size() != 1 || atoms[0]->kind != Index::Atom::Kind::mod) continue;
        if (!(known[i] == index_detail::from_atom(atoms[0]))) continue;
        for (size_t j = 0; j < count; ++j) {
          Index whole = index_detail::recombine(atoms[0]->b * known[j] + known[i]);
          if (i != j && index_detail::atoms_of(whole).size() == 1) known.push_back(whole);
        }
      }
    }
    return false;
  }
};

}  // namespace

std::vector<BufferAccess> outer_accesses(const Kernel& kernel, const Stmt& stmt, Ranges& ranges,
                                         std::set<std::string>& inner) {
  std::vector<BufferAccess> out;
  walk(stmt, bound_in(stmt), buffers_of(kernel), out, ranges, inner);
  return out;
}

Refusal independent(const Kernel& kernel, const For& loop,
                    const std::set<std::string>& also_inner) {
  Ranges ranges = ranges_at(kernel, loop.var);
  if (ranges.proves_nonnegative(loop.begin + 1 - loop.end)) return {};  // at most one iteration
  std::set<std::string> inner = also_inner;
  auto accesses = outer_accesses(kernel, loop.body, ranges, inner);
  inner.erase(loop.var);
  auto buffers = buffers_of(kernel);
  std::set<std::string> written;
  for (const auto& a : accesses)
    if (a.write) written.insert(a.buffer);
  std::vector<const BufferAccess*>
      relevant;  // without repetitions, which statements of a tile make many of
  for (const auto& a : accesses) {
    if (!written.count(a.buffer)) continue;
    bool seen = std::any_of(relevant.begin(), relevant.end(), [&](const BufferAccess* r) {
      return r->buffer == a.buffer && r->write == a.write && r->indices == a.indices;
    });
    if (!seen) relevant.push_back(&a);
  }
  Disjoint disjoint(loop.var, ranges, inner);
  for (const auto* a : relevant)
    for (const auto* b : relevant) {
      if (a > b || a->buffer != b->buffer || (!a->write && !b->write)) continue;
      if (!disjoint(*a, *b, buffers[a->buffer].shape))
        return {"iterations of " + loop.var + " may touch one element of " + a->buffer +
                "; it could be if an index of every access to it moved with " + loop.var};
    }
  return {};
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
    }
  }
};

}  // namespace

std::set<std::string> varying_in(const For& loop) { return Varying(loop).names; }

}  // namespace mintor
