// SPDX-License-Identifier: Apache-2.0
// Ranges::simplify: removes floordiv, mod, min and max that the ranges decide.
//   (16*i + j) // 16 -> i      (16*i + j) % 16 -> j      with 0 <= j < 16
//   (8*j + l) // 32 -> j // 4  with 0 <= l < 8           n % 16 -> 0 where n is a multiple of 16
//   n + max(-n + 256, 0) -> max(n, 256)                  max(n + a, n + b) -> n + max(a, b)
// and writes one side of a known equation (Ranges::assume_equal) for the other.
// Keeps true: the value is the same for all values in the ranges; the result is never longer than
// what it replaces.
#include <numeric>

#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"
#include "compiler/support/index_question.h"

namespace mintor {
namespace {

using Kind = Index::Atom::Kind;
using namespace index_detail;

class Simplifier {
 public:
  explicit Simplifier(Question& question) : question_(question), ranges_(question.ranges()) {}

  Index run(const Index& e) {
    Index out = e;
    for (int round = 0; round < 4; ++round) {
      Index next = once(out);
      if (next == out) break;
      out = next;
    }
    return out;
  }

 private:
  Question& question_;
  const Ranges& ranges_;

  // lo == hi decides a variable.
  std::optional<Index> fixed(const Index::Atom& atom) {
    const Range* r = ranges_.find(atom.name);
    if (!r || !r->lo || !r->hi || !(*r->lo == *r->hi)) return std::nullopt;
    if (!r->lo->is_const() && !r->lo->as_var()) return std::nullopt;  // the name reads better
    if (r->lo->mentions(atom.name)) return std::nullopt;
    return r->lo;
  }

  bool unchanged(const Index& e) {
    if (!e.poly().plain) return false;
    for (const auto& term : e.poly().terms) {
      if (rule_for(term)) return false;
      for (const auto& f : term.factors)
        if (f->kind == Kind::variable && fixed(*f)) return false;
    }
    return true;
  }

  Index once(const Index& given) {
    if (unchanged(given)) return given;
    const Index e = recombine(given);  // an address needs no answers on each of its coordinates
    Index out = 0;
    for (const auto& term : e.poly().terms) {
      Index product = term.coefficient;
      for (const auto& f : term.factors) product = product * atom(f);
      out = out + product;
    }
    return into_extrema(by_rules(exact_quotients(recombine(out))));
  }

  const IndexRule* rule_for(const IndexTerm& term) {
    for (const IndexRule& rule : ranges_.rules())
      if (term.coefficient % rule.coefficient == 0 && remove_factors(term.factors, rule.factors))
        return &rule;
    return nullptr;
  }

  // Terms of which a known equation says something simpler.
  Index by_rules(const Index& e) {
    if (ranges_.rules().empty()) return e;
    Index out = 0;
    for (const auto& term : e.poly().terms) {
      const IndexRule* rule = rule_for(term);
      out = out + (rule ? product_of(term.coefficient / rule->coefficient,
                                     *remove_factors(term.factors, rule->factors)) *
                              rule->value
                        : product_of(term.coefficient, term.factors));
    }
    return out;
  }

  // t + max(a, b) -> max(a + t, b + t), and t - max(a, b) -> min(t - a, t - b), for the terms t
  // that cancel inside.
  Index into_extrema(const Index& e) {
    if (e.poly().plain) return e;
    for (const auto& term : e.poly().terms) {
      if (term.factors.size() != 1 || std::abs(term.coefficient) != 1) continue;
      const Index::Atom& atom = *term.factors[0];
      if (atom.kind != Kind::min && atom.kind != Kind::max) continue;
      const Index whole = product_of(term.coefficient, term.factors);
      if (auto moved = moved_into(atom, term.coefficient, e - whole)) return *moved;
    }
    return e;
  }

  // rest + sign * (the extremum a and b), with terms of rest inside where that is shorter.
  std::optional<Index> moved_into(const Index::Atom& atom, int64_t sign, const Index& rest) {
    Index a = Index(sign) * atom.a, b = Index(sign) * atom.b, left = rest;
    for (const auto& term : rest.poly().terms) {
      const Index t = product_of(term.coefficient, term.factors);
      const size_t before = t.poly().size + a.poly().size + b.poly().size;
      if ((a + t).poly().size + (b + t).poly().size >= before) continue;
      a = a + t, b = b + t, left = left - t;
    }
    if (left == rest) return std::nullopt;
    const bool is_min = (atom.kind == Kind::min) == (sign > 0);
    return left + extremum(is_min, a, b);
  }

  // The min or max of two, decided by the ranges, or with what both have in common outside.
  Index extremum(bool is_min, const Index& a, const Index& b) {
    if (question_.nonnegative(b - a)) return is_min ? a : b;
    if (question_.nonnegative(a - b)) return is_min ? b : a;
    Index common = 0;
    for (const auto& term : a.poly().terms)
      for (const auto& other : b.poly().terms)
        if (term.coefficient == other.coefficient && compare(term.factors, other.factors) == 0)
          common = common + product_of(term.coefficient, term.factors);
    return common + (is_min ? min(a - common, b - common) : max(a - common, b - common));
  }

  Index atom(const AtomRef& ref) {
    if (ref->kind == Kind::variable) {
      auto value = fixed(*ref);
      return value ? *value : from_atom(ref);
    }
    Index a = question_.simplify_part(ref->a), b = question_.simplify_part(ref->b);
    switch (ref->kind) {
      case Kind::floordiv:
        return divide(a, b, true);
      case Kind::mod:
        return divide(a, b, false);
      case Kind::min:
      case Kind::max:
        return extremum(ref->kind == Kind::min, a, b);
      case Kind::variable:
        break;
    }
    throw InternalError("index", "unknown atom");
  }

  // 0 <= e < d.
  bool in_range(const Index& e, const Index& d) {
    return question_.nonnegative(e) && question_.nonnegative(d - e - 1);
  }

  // The largest known divisor of a term's value.
  int64_t divisor_of(const IndexTerm& term) {
    int64_t g = term.coefficient;
    for (const auto& f : term.factors)
      if (f->kind == Kind::variable)
        if (const Range* r = ranges_.find(f->name); r && r->divisor > 1)
          g = multiply(g, r->divisor);
    return g;
  }

  // floordiv(a, b) or mod(a, b) under the ranges.
  Index divide(const Index& a, const Index& b, bool quotient_wanted) {
    auto [quotient, rest] = split_multiples(a, b);
    if (b.is_const()) {
      Index multiples = 0;  // of b by a divisor fact, though not by the coefficient
      for (const auto& term : rest.poly().terms)
        if (!term.factors.empty() && divisor_of(term) % b.value() == 0)
          multiples = multiples + product_of(term.coefficient, term.factors);
      if (!multiples.is_const(0)) {
        if (quotient_wanted) quotient = quotient + floordiv(multiples, b);
        rest = rest - multiples;
      }
    }
    Index decided = divide_rest(rest, b, quotient_wanted);
    return quotient_wanted ? quotient + decided : decided;
  }

  Index divide_rest(const Index& rest, const Index& b, bool quotient_wanted) {
    if (rest.is_const(0)) return 0;
    if (rest.is_const() && b.is_const())
      return quotient_wanted ? floor_div(rest.value(), b.value())
                             : floor_mod(rest.value(), b.value());
    if (in_range(rest, b)) return quotient_wanted ? Index(0) : rest;
    if (b.is_const()) {
      const auto seen = question_.seen(rest);
      const bool varies =
          seen && floor_div(seen->least, b.value()) != floor_div(seen->most, b.value());
      auto lo = varies ? std::nullopt : question_.lower(rest);
      auto hi = lo ? question_.upper(rest) : std::nullopt;
      if (lo && hi && floor_div(*lo, b.value()) == floor_div(*hi, b.value())) {
        int64_t k = floor_div(*lo, b.value());
        return quotient_wanted ? Index(k) : rest - Index(k) * b;
      }
    } else if (in_range(rest + b, b)) {
      return quotient_wanted ? Index(-1) : rest + b;
    }
    for (const auto& term : rest.poly().terms)
      if (auto out = divide_in_steps(rest, b, shared_factor(term, b), quotient_wanted)) return *out;
    return quotient_wanted ? floordiv(rest, b) : mod(rest, b);
  }

  // The largest monomial that divides the term and b.
  Index shared_factor(const IndexTerm& term, const Index& b) {
    const auto& bt = b.poly().terms;
    if (bt.size() != 1 || term.factors.empty()) return 1;
    int64_t g = std::gcd(std::abs(term.coefficient), bt[0].coefficient);
    std::vector<AtomRef> kept;
    size_t i = 0;
    for (const auto& f : bt[0].factors) {  // both sorted
      while (i < term.factors.size() && compare(*term.factors[i], *f) < 0) ++i;
      if (i < term.factors.size() && same(term.factors[i], f)) kept.push_back(f), ++i;
    }
    return product_of(g, kept);
  }

  // rest = g*x + y with 0 <= y < g and b = g*c:  rest // b = x // c, rest % b = g*(x % c) + y.
  std::optional<Index> divide_in_steps(const Index& rest, const Index& b, const Index& g,
                                       bool quotient_wanted) {
    if (g.is_const(1) || g == b) return std::nullopt;
    Index multiples = 0, y = 0;
    for (const auto& term : rest.poly().terms) {
      Index t = product_of(term.coefficient, term.factors);
      if (term.factors.empty() && g.is_const()) {
        multiples = multiples + floor_div(term.coefficient, g.value());
        y = y + floor_mod(term.coefficient, g.value());
      } else if (auto q = divide_exactly(t, g)) {
        multiples = multiples + *q;
      } else {
        y = y + t;
      }
    }
    auto c = divide_exactly(b, g);
    if (!c || y.is_const(0) || !in_range(y, g)) return std::nullopt;
    return quotient_wanted ? divide(multiples, *c, true) : g * divide(multiples, *c, false) + y;
  }

  // c * (x // d) -> (c/d) * x where x is a known multiple of d and d divides c.
  Index exact_quotients(const Index& e) {
    if (e.poly().plain) return e;
    Index out = 0;
    bool changed = false;
    for (const auto& term : e.poly().terms) {
      std::optional<Index> better;
      for (size_t i = 0; i < term.factors.size() && !better; ++i) {
        const auto& f = *term.factors[i];
        if (f.kind != Kind::floordiv || !f.b.is_const() || term.coefficient % f.b.value() != 0)
          continue;
        bool multiple = true;
        for (const auto& t : f.a.poly().terms)
          if (divisor_of(t) % f.b.value() != 0) multiple = false;
        if (!multiple) continue;
        auto others = term.factors;
        others.erase(others.begin() + static_cast<ptrdiff_t>(i));
        better = product_of(term.coefficient / f.b.value(), others) * f.a;
      }
      changed |= better.has_value();
      out = out + (better ? *better : product_of(term.coefficient, term.factors));
    }
    return changed ? out : e;
  }
};

}  // namespace

Index Question::simplify_part(const Index& e) {
  if (const auto known = simplified_.find(e); known != simplified_.end()) return known->second;
  const Index simple = Simplifier(*this).run(e);
  simplified_.emplace(simple, simple);
  return simplified_.emplace(e, simple).first->second;
}

Index Question::simplify(const Index& e) {
  try {
    return simplify_part(e);
  } catch (const CompileError&) {  // a trial form does not fit 64 bits: e stays as it is
    return simplified_.emplace(e, e).first->second;
  }
}

Index Ranges::simplify(const Index& e) const { return Question(*this).simplify(e); }

}  // namespace mintor
