// SPDX-License-Identifier: Apache-2.0
// Ranges::assume_equal: what an equation between sizes lets the simplifier write.
// Takes x == y; gives a rule "this product is that sum", a divisor or an upper bound of a variable.
//   (h + 1) // 2 == 2*((h + 3) // 4)    (h + 1) // 2 -> 2*((h + 3) // 4)
//   h == 2*((h + 1) // 2)               h is a multiple of 2
//   h == min(h, 512)                    h is at most 512
//   b*t == 4*((b*t) // 4)               4*((b*t) // 4) -> b*t
// Keeps true: a rule's product does not occur in what it is replaced by, nor that of an earlier
// rule: rewriting ends. An equation without such a form adds nothing, which loses no correctness.
#include <algorithm>
#include <numeric>

#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"

namespace mintor {
namespace {

using Kind = Index::Atom::Kind;
using namespace index_detail;

constexpr int64_t kLongestPeriod = 1024;  // windows of vision models are below 64

bool occurs_in(const std::vector<AtomRef>& factors, const Index& e) {
  for (const auto& term : e.poly().terms) {
    if (remove_factors(term.factors, factors)) return true;
    for (const auto& f : term.factors)
      if (f->kind != Kind::variable && (occurs_in(factors, f->a) || occurs_in(factors, f->b)))
        return true;
  }
  return false;
}

// How gladly a product is replaced: what is computed, then products and divisions, then variables.
int readiness(const Ranges& ranges, const IndexTerm& term) {
  if (term.factors.size() > 1) return 3;
  const Index::Atom& atom = *term.factors[0];
  if (atom.kind != Kind::variable) return 2;
  const Range* range = ranges.find(atom.name);
  return range && range->computed ? 4 : 1;
}

// The better of two terms of an equation to solve for.
bool is_better(const Ranges& ranges, const IndexTerm& a, const IndexTerm& b) {
  const int64_t ca = std::abs(a.coefficient), cb = std::abs(b.coefficient);
  if (ca != cb) return ca < cb;
  const int ra = readiness(ranges, a), rb = readiness(ranges, b);
  if (ra != rb) return ra > rb;
  // What is computed carries the names of what it is computed from: the longer one goes.
  if (ra == 4 && a.factors[0]->name.size() != b.factors[0]->name.size())
    return a.factors[0]->name.size() > b.factors[0]->name.size();
  size_t size_a = 0, size_b = 0;
  for (const auto& f : a.factors) size_a += f->size;
  for (const auto& f : b.factors) size_b += f->size;
  return size_a != size_b ? size_a > size_b : compare(a.factors, b.factors) > 0;
}

// e == 0 without what all its coefficients have in common.
Index reduced(const Index& e) {
  int64_t common = 0;
  for (const auto& term : e.poly().terms) common = std::gcd(common, term.coefficient);
  return common > 1 ? *divide_exactly(e, common) : e;
}

// e == 0 solved for one of its products.
std::optional<IndexRule> solved(const Ranges& ranges, const Index& equation) {
  const Index e = reduced(equation);
  const IndexTerm* best = nullptr;
  for (const auto& term : e.poly().terms) {
    if (term.factors.empty()) continue;
    if (occurs_in(term.factors, e - product_of(term.coefficient, term.factors))) continue;
    if (!best || is_better(ranges, term, *best)) best = &term;
  }
  if (!best) return std::nullopt;
  const Index rest = e - product_of(best->coefficient, best->factors);
  return IndexRule{std::abs(best->coefficient), best->factors,
                   best->coefficient > 0 ? rest * Index(-1) : rest};
}

// A number of steps of the one variable after which every division in e repeats; 0: none is known.
int64_t period_of(const Index& e) {
  int64_t period = 1;
  for (const AtomRef& atom : atoms_of(e)) {
    if (atom->kind == Kind::variable) continue;
    if (atom->kind == Kind::min || atom->kind == Kind::max || !atom->b.is_const()) return 0;
    const int64_t inner = period_of(atom->a);
    if (inner == 0 || atom->b.value() > kLongestPeriod / inner) return 0;
    period = std::lcm(period, inner * atom->b.value());
    if (period > kLongestPeriod) return 0;
  }
  return period;
}

// The largest number that divides every value of the variable for which e == 0; 1: no more than
// that is known.
int64_t divisor_from(const Index& e, const std::string& name) {
  const int64_t period = period_of(e);
  if (period <= 1) return 1;
  int64_t divisor = period;
  for (int64_t rest = 0; rest < period; ++rest) {
    const Index at = e.substitute({{name, Index(period) * Index::var(name) + rest}});
    if (!at.is_const()) return 1;
    if (at.is_const(0)) divisor = std::gcd(divisor, rest);
  }
  return divisor;
}

// h == min(h, number): a table of so many rows bounds what is looked up in it.
void bound_from(const Index& x, const Index& y, std::map<std::string, Range, std::less<>>& ranges) {
  const auto name = x.as_var();
  const auto& terms = y.poly().terms;
  if (!name || terms.size() != 1 || terms[0].coefficient != 1 || terms[0].factors.size() != 1)
    return;
  const Index::Atom& least = *terms[0].factors[0];
  const auto range = ranges.find(*name);
  if (least.kind != Kind::min || range == ranges.end()) return;
  for (const auto& [own, most] : {std::pair(least.a, least.b), std::pair(least.b, least.a)}) {
    std::optional<Index>& hi = range->second.hi;
    if (own == x && most.is_const() && (!hi || (hi->is_const() && hi->value() > most.value())))
      hi = most;
  }
}

}  // namespace

std::span<const IndexRule> Ranges::rules() const {
  return rules_ ? std::span<const IndexRule>(*rules_) : std::span<const IndexRule>();
}

void Ranges::assume_equal(const Index& x, const Index& y) {
  bound_from(x, y, ranges_);
  bound_from(y, x, ranges_);
  try {
    Index e = simplify(x - y);
    const std::set<std::string> vars = e.vars();
    if (vars.size() == 1) {
      const auto range = ranges_.find(*vars.begin());
      const int64_t divisor = divisor_from(e, *vars.begin());
      if (divisor > 1 && range != ranges_.end()) {
        range->second.divisor = std::lcm(range->second.divisor, divisor);
        e = simplify(e);
      }
    }
    if (e.is_const(0)) return;
    // Of the sides as they are written, which is what sizes look like: n == min(n, 4).
    std::optional<IndexRule> rule = solved(*this, simplify(x) - simplify(y));
    if (!rule) rule = solved(*this, e);
    if (!rule) return;
    auto all = std::make_shared<std::vector<IndexRule>>(rules().begin(), rules().end());
    all->push_back(*std::move(rule));
    rules_ = std::move(all);
  } catch (const CompileError&) {  // leaves 64 bits: nothing is made known
  }
}

}  // namespace mintor
