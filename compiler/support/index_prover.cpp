// SPDX-License-Identifier: Apache-2.0
// Lower bounds of an Index from the ranges of its variables, and claims that it is not negative.
// Two methods, the better answer wins: interval arithmetic per term, and elimination: the atom on
// which no other atom's bounds depend is replaced by its upper or lower bound according to the sign
// of its coefficient, until a constant is left. Elimination keeps what terms have in common: n -
// 14*i - j with i < n // 14, j < 14 is found to be positive. Keeps true: an answer is a bound for
// all values in the ranges; a budget bounds the work, running out gives no answer.
#include "compiler/support/index_prover.h"

#include <algorithm>

namespace mintor::index_detail {

using Kind = Index::Atom::Kind;

namespace {

Bound times(Bound a, int64_t b) {
  int64_t r;
  if (!a || __builtin_mul_overflow(*a, b, &r)) return std::nullopt;
  return r;
}
Bound plus(Bound a, Bound b) {
  int64_t r;
  if (!a || !b || __builtin_add_overflow(*a, *b, &r)) return std::nullopt;
  return r;
}
Bound larger(Bound a, Bound b) { return !a ? b : !b ? a : std::max(*a, *b); }
Bound smaller(Bound a, Bound b) { return !a ? b : !b ? a : std::min(*a, *b); }

}  // namespace

Prover::Interval Prover::product(const Interval& a, const Interval& b) {
  if (a.lo && a.hi && b.lo && b.hi) {
    Bound lo, hi;
    for (int64_t x : {*a.lo, *a.hi})
      for (int64_t y : {*b.lo, *b.hi}) {
        Bound p = times(x, y);
        if (!p) return {};
        lo = smaller(lo, p), hi = larger(hi, p);
      }
    return {lo, hi};
  }
  if (a.lo && b.lo && *a.lo >= 0 && *b.lo >= 0) {
    Bound hi = a.hi && b.hi ? times(a.hi, *b.hi) : Bound{};
    return {times(a.lo, *b.lo), hi};
  }
  return {};
}

Bound Prover::lower(const Index& e) {
  if (e.is_const()) return e.value();
  if (!question_) return find_lower(e);
  if (const auto known = question_->bounds.find(e); known != question_->bounds.end())
    return known->second;
  const Bound found = find_lower(e);
  if (budget_ >= 0) question_->bounds.emplace(e, found);
  return found;
}
Bound Prover::upper(const Index& e) { return times(lower(e * Index(-1)), -1); }

bool Prover::nonnegative(const Index& e) {
  if (e.is_const()) return e.value() >= 0;
  bool exact = false;
  Bound b = interval_lower(e, exact);
  if (b && *b >= 0) return true;
  if (exact || !may_exceed(e, -1)) return false;
  b = eliminate(e);
  return b && *b >= 0;
}

Prover::Interval Prover::of_atom(const Index::Atom& atom) {
  if (--budget_ < 0) return {};
  switch (atom.kind) {
    case Kind::variable: {
      const Range* r = ranges_.find(atom.name);
      if (!r) return {};
      return {r->lo ? lower(*r->lo) : Bound{}, r->hi ? upper(*r->hi) : Bound{}};
    }
    case Kind::floordiv: {
      Bound lo = lower(atom.a), hi = upper(atom.a);
      if (atom.b.is_const()) {
        int64_t d = atom.b.value();
        return {lo ? Bound(floor_div(*lo, d)) : Bound{}, hi ? Bound(floor_div(*hi, d)) : Bound{}};
      }
      // A divisor is positive: the quotient lies between 0 (or -1) and the numerator's bound.
      Bound least = larger(lower(atom.b), 1);
      Interval out;
      if (lo) out.lo = *lo >= 0 ? 0 : floor_div(*lo, *least);
      if (hi) out.hi = *hi >= 0 ? floor_div(*hi, *least) : -1;
      return out;
    }
    case Kind::mod: {
      Bound hi = plus(upper(atom.b), -1);
      Bound a_lo = lower(atom.a);
      if (a_lo && *a_lo >= 0) hi = smaller(hi, upper(atom.a));
      return {0, hi};
    }
    case Kind::min: {
      Bound a = lower(atom.a), b = lower(atom.b);
      return {a && b ? smaller(a, b) : Bound{}, smaller(upper(atom.a), upper(atom.b))};
    }
    case Kind::max: {
      Bound a = upper(atom.a), b = upper(atom.b);
      return {larger(lower(atom.a), lower(atom.b)), a && b ? larger(a, b) : Bound{}};
    }
  }
  return {};
}

AtomRef Prover::innermost(const Index& e, const std::set<std::string>* inner) {
  auto atoms = atoms_of(e);
  for (const auto& a : atoms) {
    if (inner && !depends_on_any(*a, *inner)) continue;
    bool free = true;
    for (const auto& b : atoms)
      if (b != a && depends(*b, *a)) free = false;
    if (free) return a;
  }
  return nullptr;
}

bool Prover::depends_on_any(const Index::Atom& atom, const std::set<std::string>& names) {
  for (const auto& name : names)
    if (reaches(atom, name, 0)) return true;
  return false;
}

// Whether e may be found to be above a bound: it is not where e has that value.
bool Prover::may_exceed(const Index& e, Bound bound) {
  if (!question_ || !bound) return true;
  const auto seen = question_->seen(e);
  return !seen || seen->least > *bound;
}

Bound Prover::find_lower(const Index& e) {
  bool exact = false;
  Bound by_interval = interval_lower(e, exact);
  if (exact || !may_exceed(e, by_interval)) return by_interval;
  return larger(by_interval, eliminate(e));
}

// Does the value or the bound of `atom` mention variable `name`?
bool Prover::reaches(const Index::Atom& atom, std::string_view name, int depth) {
  if (atom.kind != Kind::variable)
    return reaches(atom.a, name, depth) || reaches(atom.b, name, depth);
  if (atom.name == name) return true;
  const Range* r = ranges_.find(atom.name);
  if (!r || depth > 8) return false;
  return (r->lo && !r->lo->is_const() && reaches(*r->lo, name, depth + 1)) ||
         (r->hi && !r->hi->is_const() && reaches(*r->hi, name, depth + 1));
}
bool Prover::reaches(const Index& e, std::string_view name, int depth) {
  for (const auto& term : e.poly().terms)
    for (const auto& f : term.factors)
      if (reaches(*f, name, depth)) return true;
  return false;
}
// Must `b` stay until `a` is gone is asked as: would replacing `b` later bring variables of `a`
// back?
bool Prover::depends(const Index::Atom& b, const Index::Atom& a) {
  if (a.kind == Kind::variable) return reaches(b, a.name, 0);
  // Two compound atoms: the larger form goes first; equal variables do not matter then. A
  // variable whose bound holds the compound atom goes before it.
  if (b.kind != Kind::variable) return holds(b.a, a) || holds(b.b, a);
  const Range* r = ranges_.find(b.name);
  return r && ((r->lo && holds(*r->lo, a)) || (r->hi && holds(*r->hi, a)));
}
bool Prover::holds(const Index& e, const Index::Atom& a) {
  for (const auto& f : atoms_of(e))
    if (compare(*f, a) == 0 || (f->kind != Kind::variable && (holds(f->a, a) || holds(f->b, a))))
      return true;
  return false;
}

// exact: every atom is a variable with constant bounds that occurs once, so no method can do
// better.
Bound Prover::interval_lower(const Index& e, bool& exact) {
  exact = true;
  Bound sum = 0;
  const auto& terms = e.poly().terms;
  for (size_t i = 0; i < terms.size(); ++i) {
    const auto& term = terms[i];
    Interval whole{1, 1};
    for (const auto& f : term.factors) {
      if (term.factors.size() > 1 || f->kind != Kind::variable || !constant_range(f->name))
        exact = false;
      for (size_t j = 0; exact && j < i; ++j)
        for (const auto& g : terms[j].factors)
          if (same(f, g)) exact = false;
      whole = product(whole, of_atom(*f));
    }
    sum = plus(sum, times(term.coefficient > 0 ? whole.lo : whole.hi, term.coefficient));
  }
  return sum;
}

bool Prover::constant_range(std::string_view name) {
  const Range* r = ranges_.find(name);
  return r && r->lo && r->hi && r->lo->is_const() && r->hi->is_const() && r->divisor == 1;
}

Bound Prover::eliminate(const Index& original) {
  if (--budget_ < 0) return std::nullopt;
  Index e = recombine(original);
  if (e.is_const()) return e.value();
  AtomRef atom = innermost(e, nullptr);
  if (!atom) return std::nullopt;
  auto parts = linear_in_atom(e, atom);
  if (!parts) return std::nullopt;
  const auto& [c, rest] = *parts;
  bool positive;
  if (c.is_const())
    positive = c.value() > 0;
  else if (nonnegative(c))
    positive = true;
  else if (nonnegative(c * Index(-1)))
    positive = false;
  else
    return std::nullopt;
  switch (atom->kind) {
    case Kind::variable:
      return eliminate_variable(*atom, c, rest, positive);
    case Kind::floordiv:
      return eliminate_floordiv(*atom, c, rest, positive);
    case Kind::mod:
      return eliminate_mod(*atom, c, rest, positive);
    case Kind::min:
    case Kind::max: {
      Bound a = lower(rest + c * atom->a), b = lower(rest + c * atom->b);
      // positive * max and negative * min are at least either choice; the others only the
      // smaller.
      if (positive == (atom->kind == Kind::max)) return larger(a, b);
      return a && b ? smaller(a, b) : Bound{};
    }
  }
  return std::nullopt;
}

Bound Prover::eliminate_variable(const Index::Atom& atom, const Index& c, const Index& rest,
                                 bool positive) {
  const Range* r = ranges_.find(atom.name);
  if (!r) return std::nullopt;
  const auto& bound = positive ? r->lo : r->hi;
  return bound ? lower(rest + c * *bound) : Bound{};
}

Bound Prover::with_constant(const Index::Atom& atom, const Index& c, const Index& rest,
                            bool positive) {
  Interval i = of_atom(atom);
  Bound b = positive ? i.lo : i.hi;
  return b ? lower(rest + c * Index(*b)) : Bound{};
}

Bound Prover::eliminate_floordiv(const Index::Atom& atom, const Index& c, const Index& rest,
                                 bool positive) {
  const Index &x = atom.a, &d = atom.b;
  Bound best = with_constant(atom, c, rest, positive);
  // x - d + 1 <= d * (x // d) <= x
  Index bounded = positive ? x - d + 1 : x;
  if (d.is_const()) {
    Bound scaled = lower(rest * d + c * bounded);
    if (scaled) best = larger(best, -floor_div(-*scaled, d.value()));
  } else if (auto q = divide_exactly(c, d)) {
    best = larger(best, lower(rest + *q * bounded));
  }
  return best;
}

Bound Prover::eliminate_mod(const Index::Atom& atom, const Index& c, const Index& rest,
                            bool positive) {
  if (positive) return lower(rest);
  Bound best = lower(rest + c * (atom.b - 1));
  if (nonnegative(atom.a)) best = larger(best, lower(rest + c * atom.a));
  return best;
}

}  // namespace mintor::index_detail
