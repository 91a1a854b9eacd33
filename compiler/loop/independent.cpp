// SPDX-License-Identifier: Apache-2.0
// Dependence analysis of loops, by address. Two accesses in iterations v and v' of a loop cannot
// meet when equal indices force v == v': an index c * f(v) + rest determines f(v) when its rests
// stay closer than c, or differ otherwise only by multiples of something that f(v) does not reach;
// what is determined in several dimensions is put together (t // 3 and t % 3 determine t). Or when
// the two stay in parts of the buffer that do not meet at all. The rests of v and of v' are
// compared as if v were one number, so no bound of theirs may move with it: before anything is
// asked, inner variables whose bounds do are written as an offset that moves and a distance that
// does not. Keeps true: an empty Refusal is a proof; "could not show" is a refusal.
#include <algorithm>
#include <numeric>

#include "compiler/ir/flat_index.h"
#include "compiler/loop/analysis.h"
#include "compiler/loop/instruction.h"
#include "compiler/support/index_poly.h"

namespace mintor {

namespace {

// What the accesses of a statement are, and what its own integers range over.
struct Walk {
  const std::map<std::string, BufferType>& buffers;
  std::set<std::string> own;  // bound inside: not reported
  Ranges& ranges;
  std::vector<BufferAccess> accesses;
  std::vector<std::string> inner;  // integers bound inside, each after those in its bounds

  void run(const Stmt& stmt) {
    int64_t lanes = 1;
    visit(stmt, [&](const Stmt& s) {
      int64_t here = 1;
      if (auto* f = std::get_if<For>(&s->node)) {
        bind(f->var, {f->begin, f->end - 1, 1});
      } else if (auto* l = std::get_if<Let>(&s->node)) {
        here = l->value->lanes;
        auto* e = std::get_if<IndexExpr>(&l->value->node);
        bind(l->name, e && here == 1 ? Range{e->value, e->value, 1} : Range{});
      } else if (auto* st = std::get_if<Store>(&s->node)) {
        here = st->lanes;
        add({st->buffer, st->indices, true, false});
      } else if (auto* i = std::get_if<Instr>(&s->node)) {
        instruction(*i);
      }
      lanes = std::max(lanes, here);
      visit_exprs(
          s,
          [&](const Expr& e) {
            if (auto* load = std::get_if<LoadExpr>(&e->node)) read(*load, e->dtype);
          },
          false);
    });
    if (lanes > 1) bind(std::string(kLane), {Index(0), Index(lanes - 1), 1});
  }

 private:
  void bind(const std::string& name, Range range) {
    ranges.set(name, std::move(range));
    inner.push_back(name);
  }
  void read(const LoadExpr& load, DType dtype) {
    std::vector<Index> at = load.indices;
    if (load.words) {
      const std::string element = "element_of_word_" + std::to_string(inner.size());
      bind(element, {Index(0), Index(elements_of_word(dtype) - 1), 1});
      at.back() = at.back() + Index::var(element);
    }
    add({load.buffer, std::move(at), false, false});
  }
  void add(BufferAccess access) {
    if (!own.count(access.buffer)) accesses.push_back(std::move(access));
  }
  // Operands are contiguous from their first element, beyond the end of a row as well.
  void instruction(const Instr& i) {
    const Instruction* known = find_instruction(i.name);
    const Kernel meaning = known ? parse_kernel(known->meaning) : Kernel{};
    for (size_t n = 0; n < i.operands.size(); ++n) {
      const bool has_meaning = n < meaning.params.size();
      const std::string element = "operand_element_" + std::to_string(inner.size());
      Index count = 1;
      if (has_meaning)
        for (const Index& e : meaning.params[n].shape) count = count * e;
      bind(element, has_meaning ? Range{Index(0), count - 1, 1} : Range{});
      BufferAccess access{i.operands[n].buffer, i.operands[n].indices,
                          !has_meaning || meaning.params[n].written, false};
      const auto& shape = buffers.at(access.buffer).shape;
      if (access.indices.empty()) {
        add(std::move(access));
        continue;
      }
      const Index last = access.indices.back() + count - 1;
      access.flat = !has_meaning || !ranges.proves_less(last, shape.back());
      if (access.flat)
        access.indices = {flat_index(access.indices, shape) + Index::var(element)};
      else
        access.indices.back() = access.indices.back() + Index::var(element);
      add(std::move(access));
    }
  }
};

Walk walked(const Stmt& stmt, const std::map<std::string, BufferType>& buffers, Ranges& ranges) {
  Walk walk{buffers, bound_in(stmt), ranges, {}, {}};
  walk.run(stmt);
  return walk;
}

// Inner variables whose bounds move with `var` as an offset that moves and a distance whose bounds
// do not: of j in 10 - i..12 - i, the index i + j becomes 10 + j with j in 0..2.
void fix_bounds(const std::string& var, Walk& walk) {
  std::map<std::string, Index> moved;
  Ranges& ranges = walk.ranges;
  for (const std::string& name : walk.inner) {
    Range range = *ranges.find(name);
    const auto in_place = [&](std::optional<Index>& bound) {
      if (bound && !moved.empty()) bound = bound->substitute(moved);
    };
    in_place(range.lo);
    in_place(range.hi);
    const bool lo_moves = range.lo && range.lo->mentions(var);
    const bool hi_moves = range.hi && range.hi->mentions(var);
    if (!lo_moves && !hi_moves) {
      if (!moved.empty()) ranges.set(name, range);
      continue;
    }
    const Index from = range.lo.value_or(Index(0));
    if (range.lo && !range.lo->is_const(0)) moved[name] = from + Index::var(name);
    std::optional<Index> most;
    if (range.lo && range.hi) most = ranges.upper_over(*range.hi - from, {var});
    ranges.set(name, Range{range.lo ? std::optional(Index(0)) : std::nullopt, most, 1});
  }
  if (moved.empty()) return;
  for (BufferAccess& a : walk.accesses)
    for (Index& e : a.indices) e = e.substitute(moved);
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
    std::vector<Index> x = simple(a.indices), y = simple(b.indices);
    if (a.flat || b.flat) {
      x = {a.flat ? x[0] : ranges_.simplify(flat_index(x, shape))};
      y = {b.flat ? y[0] : ranges_.simplify(flat_index(y, shape))};
    } else {
      add_joined(x, y, shape);
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

  // The leading dimensions as one, of each number of them: [r // w, r % w, c] is [r, c] as well.
  void add_joined(std::vector<Index>& x, std::vector<Index>& y, const std::vector<Index>& shape) {
    const size_t rank = shape.size();
    for (size_t d = 2; d <= rank; ++d) {
      const std::vector<Index> leading(shape.begin(), shape.begin() + d);
      const auto joined = [&](const std::vector<Index>& at) {
        return ranges_.simplify(flat_index({at.begin(), at.begin() + d}, leading));
      };
      x.push_back(joined(x));
      y.push_back(joined(y));
    }
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
    int64_t span = 0, g = 0;
    if (!p.factor.is_const() || !lo || !hi || __builtin_sub_overflow(*hi, *lo, &span) ||
        __builtin_mul_overflow(span, p.factor.value(), &span))
      return false;
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

  // {t // 3, t % 3} determine t, {(9*o + t) // n, (9*o + t) % n} 9*o + t.
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
        if (atoms[0]->b.mentions(var_)) continue;  // a divisor of its own in each iteration
        for (size_t j = 0; j < count; ++j) {
          const Index parts = atoms[0]->b * known[j] + known[i];
          const Index whole = index_detail::recombine(parts);
          if (i != j && !(whole == parts)) known.push_back(whole);
        }
      }
    }
    return false;
  }
};

}  // namespace

std::vector<BufferAccess> outer_accesses(const Kernel& kernel, const Stmt& stmt, Ranges& ranges,
                                         std::set<std::string>& inner) {
  const auto buffers = buffers_of(kernel);
  Walk walk = walked(stmt, buffers, ranges);
  inner.insert(walk.inner.begin(), walk.inner.end());
  return walk.accesses;
}

Refusal independent(const Kernel& kernel, const For& loop,
                    const std::set<std::string>& also_inner) {
  Ranges ranges = ranges_at(kernel, loop.var);
  if (ranges.proves_nonnegative(loop.begin + 1 - loop.end)) return {};  // at most one iteration
  auto buffers = buffers_of(kernel);
  Walk walk = walked(loop.body, buffers, ranges);
  fix_bounds(loop.var, walk);
  const auto& accesses = walk.accesses;
  std::set<std::string> inner = also_inner;
  inner.insert(walk.inner.begin(), walk.inner.end());
  std::set<std::string> written;
  for (const auto& a : accesses)
    if (a.write) written.insert(a.buffer);
  std::vector<const BufferAccess*>
      relevant;  // without repetitions, which statements of a tile make many of
  for (const auto& a : accesses) {
    if (!written.count(a.buffer)) continue;
    bool seen = std::any_of(relevant.begin(), relevant.end(), [&](const BufferAccess* r) {
      return r->buffer == a.buffer && r->write == a.write && r->flat == a.flat &&
             r->indices == a.indices;
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

}  // namespace mintor
