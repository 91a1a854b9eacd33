// SPDX-License-Identifier: Apache-2.0
// floordiv, mod, min and max of Index: the rules that hold for all values of the variables.
// Takes operands in canonical form, gives one:
//   (6*n + 3*m + 4) // 3 -> 2*n + m + 1      (n // 2) // 3 -> n // 6      2*(n // 2) + n % 2 -> n
// Keeps true: a divisor is positive; nothing here knows ranges.
#include <algorithm>
#include <numeric>

#include "compiler/support/error.h"
#include "compiler/support/index.h"
#include "compiler/support/index_poly.h"

namespace mintor {

using Kind = Index::Atom::Kind;

namespace index_detail {

std::optional<Index> divide_exactly(const Index& e, const Index& divisor) {
  const auto& dt = divisor.poly().terms;
  if (dt.size() != 1) return std::nullopt;
  std::vector<IndexTerm> out;
  for (const auto& term : e.poly().terms) {
    if (term.coefficient % dt[0].coefficient != 0) return std::nullopt;
    auto rest = remove_factors(term.factors, dt[0].factors);
    if (!rest) return std::nullopt;
    out.push_back({term.coefficient / dt[0].coefficient, std::move(*rest)});
  }
  return from_terms(std::move(out));
}

namespace {

Split split_by_constant(const Index& a, int64_t d) {
  std::vector<IndexTerm> quotient, rest;
  for (const auto& term : a.poly().terms) {
    int64_t c = term.coefficient;
    int64_t q = term.factors.empty() ? floor_div(c, d) : c / d;
    if (q != 0) quotient.push_back({q, term.factors});
    if (c - q * d != 0) rest.push_back({c - q * d, term.factors});
  }
  return {from_sorted(std::move(quotient)), from_sorted(std::move(rest))};
}

// Division by the leading term of d; a monomial order makes it end, the bound is for safety.
Split split_by_poly(const Index& a, const Index& d) {
  const IndexTerm& lead = d.poly().terms.front();
  Index quotient = 0, rest = a;
  for (int step = 0; step < 16; ++step) {
    Index factor = 0;
    for (const auto& term : rest.poly().terms) {
      int64_t q = term.coefficient / lead.coefficient;
      if (q == 0) continue;
      auto left = remove_factors(term.factors, lead.factors);
      if (!left) continue;
      factor = product_of(q, *left);
      break;
    }
    if (factor.is_const(0)) break;
    quotient = quotient + factor;
    rest = rest - factor * d;
  }
  return {quotient, rest};
}

// The largest monomial that divides d and every term of a; a constant term of `a` is left out when
// d is a constant (floordiv and mod can round it).
Index common_factor(const Index& a, const Index& d) {
  const auto& dt = d.poly().terms;
  if (dt.size() != 1) return 1;
  int64_t g = std::abs(dt[0].coefficient);
  std::vector<AtomRef> factors = dt[0].factors;
  for (const auto& term : a.poly().terms) {
    if (term.factors.empty() && d.is_const()) continue;
    g = std::gcd(g, std::abs(term.coefficient));
    std::vector<AtomRef> kept;
    auto left = term.factors;
    for (const auto& f : factors) {
      auto it =
          std::find_if(left.begin(), left.end(), [&](const AtomRef& x) { return same(x, f); });
      if (it == left.end()) continue;
      kept.push_back(f);
      left.erase(it);
    }
    factors = std::move(kept);
  }
  return product_of(g, factors);
}

// The single non-constant term of e, when its coefficient is 1 and it is one atom of this kind.
const Index::Atom* lone_atom(const Index& e, Kind kind) {
  const auto& terms = e.poly().terms;
  size_t n = terms.size() - (constant_part(e) != 0);
  if (terms.empty() || n != 1) return nullptr;
  const auto& term = terms[0];
  if (term.coefficient != 1 || term.factors.size() != 1 || term.factors[0]->kind != kind)
    return nullptr;
  return term.factors[0].get();
}

void check_divisor(const Index& d) {
  if (d.is_const() && d.value() <= 0)
    throw CompileError("index",
                       "division by " + std::to_string(d.value()) + ", a divisor must be positive");
}

// Inside mod d: (x % m) may be x when the coefficient times m is a multiple of d.
Index drop_inner_mods(const Index& rest, const Index& d) {
  if (rest.poly().plain) return rest;
  Index out = 0;
  bool changed = false;
  for (const auto& term : rest.poly().terms) {
    if (term.factors.size() == 1 && term.factors[0]->kind == Kind::mod) {
      const auto& atom = *term.factors[0];
      if (split_multiples(Index(term.coefficient) * atom.b, d).rest.is_const(0)) {
        out = out + Index(term.coefficient) * atom.a;
        changed = true;
        continue;
      }
    }
    out = out + product_of(term.coefficient, term.factors);
  }
  return changed ? out : rest;
}

}  // namespace

Split split_multiples(const Index& a, const Index& d) {
  if (d.is_const()) return split_by_constant(a, d.value());
  return split_by_poly(a, d);
}

namespace {

bool has_division(const IndexTerm& term) {
  return std::ranges::any_of(term.factors,
                             [](const AtomRef& f) { return f->kind != Kind::variable; });
}

// e - amount where e has each term of `amount` that divides, with the same coefficient; there has
// to be one.
std::optional<Index> take_divisions(const Index& e, const Index& amount) {
  bool any = false;
  for (const auto& t : amount.poly().terms) {
    if (!has_division(t)) continue;
    any = true;
    if (std::ranges::none_of(e.poly().terms, [&](const IndexTerm& have) {
          return have.coefficient == t.coefficient && compare(have.factors, t.factors) == 0;
        }))
      return std::nullopt;
  }
  return any ? std::optional(e - amount) : std::nullopt;
}

std::optional<Index> recombine_one(const Index& e) {
  for (const auto& term : e.poly().terms) {
    for (size_t i = 0; i < term.factors.size(); ++i) {
      const auto& atom = *term.factors[i];
      if (atom.kind != Kind::mod) continue;
      std::vector<AtomRef> others = term.factors;
      others.erase(others.begin() + static_cast<ptrdiff_t>(i));
      Index scale = product_of(term.coefficient, others);
      Index quotient = floordiv(atom.a, atom.b);
      const Index rest = e - product_of(term.coefficient, term.factors);
      if (auto left = take_divisions(rest, scale * atom.b * quotient))
        return *left + scale * atom.a;
      // b * (c // b) + a % b -> c where c % b is a % b: multiples of b may have left a.
      for (const auto& other : rest.poly().terms)
        for (const auto& f : other.factors) {
          if (f->kind != Kind::floordiv || !(f->b == atom.b)) continue;
          if (!(mod(f->a, f->b) == from_atom(term.factors[i]))) continue;
          if (auto left = take_divisions(rest, scale * atom.b * from_atom(f)))
            return *left + scale * f->a;
        }
      // b * ((a // b + s) % c) + a % b -> (a + s * b) % (b * c)
      for (const auto& other : rest.poly().terms)
        for (const auto& f : other.factors) {
          if (f->kind != Kind::mod) continue;
          const Index shift = f->a - quotient;
          if (std::ranges::any_of(shift.poly().terms, has_division)) continue;
          if (auto left = take_divisions(rest, scale * atom.b * from_atom(f)))
            return *left + scale * mod(atom.a + shift * atom.b, atom.b * f->b);
        }
    }
  }
  return std::nullopt;
}

}  // namespace

Index recombine(const Index& e) {
  if (e.poly().plain) return e;
  Index out = e;
  while (auto next = recombine_one(out)) out = *next;
  return out;
}

}  // namespace index_detail

using namespace index_detail;

Index floordiv(const Index& a, const Index& b) {
  check_divisor(b);
  if (b.is_const(1)) return a;
  auto [quotient, rest] = split_multiples(a, b);
  if (rest.is_const() && b.is_const()) return quotient + floor_div(rest.value(), b.value());
  if (rest.is_const(0)) return quotient;
  Index g = common_factor(rest, b);
  if (!g.is_const(1)) {
    int64_t c = g.is_const() ? constant_part(rest) : 0;
    Index numerator = *divide_exactly(rest - c, g) + (g.is_const() ? floor_div(c, g.value()) : 0);
    return quotient + floordiv(numerator, *divide_exactly(b, g));
  }
  if (const auto* inner = lone_atom(rest, Kind::floordiv))
    return quotient + floordiv(inner->a + Index(constant_part(rest)) * inner->b, inner->b * b);
  if (const auto* inner = lone_atom(rest, Kind::mod); inner && constant_part(rest) == 0) {
    auto whole = split_multiples(inner->b, b);
    if (whole.rest.is_const(0) && !whole.quotient.is_const(0))
      return quotient + mod(floordiv(inner->a, b), whole.quotient);
  }
  return quotient + from_atom(make_atom(Kind::floordiv, rest, b));
}

Index mod(const Index& a, const Index& b) {
  check_divisor(b);
  if (b.is_const(1)) return 0;
  Index rest = split_multiples(a, b).rest;
  for (Index next = drop_inner_mods(rest, b); !(next == rest); next = drop_inner_mods(rest, b))
    rest = split_multiples(next, b).rest;
  if (rest.is_const() && b.is_const()) return floor_mod(rest.value(), b.value());
  if (rest.is_const(0)) return 0;
  Index g = common_factor(rest, b);
  if (!g.is_const(1)) {
    int64_t c = g.is_const() ? constant_part(rest) : 0;
    Index numerator = *divide_exactly(rest - c, g) + (g.is_const() ? floor_div(c, g.value()) : 0);
    return g * mod(numerator, *divide_exactly(b, g)) + (g.is_const() ? floor_mod(c, g.value()) : 0);
  }
  return from_atom(make_atom(Kind::mod, rest, b));
}

namespace {
Index extremum(Kind kind, const Index& a, const Index& b) {
  Index difference = a - b;
  if (difference.is_const()) return (difference.value() < 0) == (kind == Kind::min) ? a : b;
  return a < b ? from_atom(make_atom(kind, a, b)) : from_atom(make_atom(kind, b, a));
}
}  // namespace

Index min(const Index& a, const Index& b) { return extremum(Kind::min, a, b); }
Index max(const Index& a, const Index& b) { return extremum(Kind::max, a, b); }

}  // namespace mintor
