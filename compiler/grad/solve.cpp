// SPDX-License-Identifier: Apache-2.0
// Equations between index expressions (solve.h): divisions are undone, sums are solved for one
// unknown, or for all where they are the digits of a number.
#include "compiler/grad/solve.h"

#include <algorithm>

#include "compiler/support/index_poly.h"

namespace mintor {

using AtomKind = Index::Atom::Kind;

IndexSolver::IndexSolver(Ranges ranges, std::vector<IndexUnknown> unknowns,
                         std::vector<IndexCondition> conditions)
    : ranges_(std::move(ranges)),
      unknowns_(std::move(unknowns)),
      conditions_(std::move(conditions)),
      given_(unknowns_.size()) {
  for (const IndexUnknown& u : unknowns_) {
    ranges_.set(u.name, Index(0), u.extent - 1);
    if (u.extent.is_const(1)) values_[u.name] = 0;
  }
}

Index IndexSolver::put_in(const Index& e) const {
  return ranges_.simplify(values_.empty() ? e : e.substitute(values_));
}

std::vector<IndexUnknown> IndexSolver::free() const {
  std::vector<IndexUnknown> free;
  for (const IndexUnknown& u : unknowns_)
    if (!is_solved(u.name)) free.push_back(u);
  return free;
}

std::vector<IndexCondition> IndexSolver::conditions() const {
  std::vector<IndexCondition> all = conditions_, left;
  for (size_t n = given_; n < unknowns_.size(); ++n)  // fresh ones are nobody else's to check
    if (is_solved(unknowns_[n].name))
      all.push_back({Index::var(unknowns_[n].name), unknowns_[n].extent});
  for (const IndexCondition& c : all) {
    const IndexCondition now{put_in(c.value), put_in(c.extent)};
    if (ranges_.proves_nonnegative(now.value) && ranges_.proves_less(now.value, now.extent))
      continue;
    if (std::ranges::find(left, now) == left.end()) left.push_back(now);
  }
  return left;
}

void IndexSolver::assign(const std::string& name, const Index& value) {
  for (auto& [other, expression] : values_)
    expression = ranges_.simplify(expression.substitute({{name, value}}));
  values_[name] = value;
}

Index IndexSolver::fresh(const Index& extent) {
  std::string name;
  for (size_t n = 0; name.empty() || ranges_.find(name) != nullptr; ++n)
    name = "rest" + std::to_string(n);
  unknowns_.push_back({name, extent});
  ranges_.set(name, Index(0), extent - 1);
  return Index::var(name);
}

bool IndexSolver::takes_remainder(const Index& remainder) {
  const Index wanted = put_in(remainder);
  for (auto it = conditions_.begin(); it != conditions_.end(); ++it) {
    if (!it->extent.is_const(1) || !(put_in(it->value) == wanted)) continue;
    conditions_.erase(it);
    return true;
  }
  return false;
}

bool IndexSolver::mentions_unknown(const Index& e) const {
  return std::ranges::any_of(unknowns_, [&](const IndexUnknown& u) { return e.mentions(u.name); });
}

// e == sign * atom + outside, for its one division of unknowns.
struct IndexSolver::Division {
  AtomRef atom;
  int64_t sign;
  Index outside;
};

// False where there are several, or min, max and products of them.
bool IndexSolver::find_division(const Index& e, std::optional<Division>& found) const {
  for (const IndexTerm& term : e.poly().terms)
    for (const AtomRef& atom : term.factors) {
      if (atom->kind == AtomKind::variable || !mentions_unknown(index_detail::from_atom(atom)))
        continue;
      if (found || term.factors.size() != 1 || std::abs(term.coefficient) != 1) return false;
      if (atom->kind != AtomKind::floordiv && atom->kind != AtomKind::mod) return false;
      found = Division{atom, term.coefficient,
                       e - Index(term.coefficient) * index_detail::from_atom(atom)};
    }
  return true;
}

// The highest value for all that the unknowns can be: a number, or one of the sizes.
std::optional<Index> IndexSolver::highest_of(const Index& e) const {
  if (const auto constant = ranges_.upper(e)) return Index(*constant);
  std::set<std::string> names, sizes;
  for (const IndexUnknown& u : unknowns_) {
    names.insert(u.name);
    sizes.merge(u.extent.vars());
  }
  const auto highest = ranges_.upper_over(e, names);
  if (!highest || !std::ranges::includes(sizes, highest->vars())) return std::nullopt;
  return highest;
}

bool IndexSolver::add(const Index& value, const Index& target) {
  return add_zero(put_in(value - target));
}

bool IndexSolver::add_zero(const Index& e) {
  std::optional<Division> division;
  if (!find_division(e, division)) return false;
  if (!division) return add_affine(e);
  const Index &whole = division->atom->a, &divisor = division->atom->b;
  const Index value = Index(-division->sign) * division->outside;  // of the division
  if (!ranges_.proves_nonnegative(divisor - 1)) return false;
  if (division->atom->kind == AtomKind::floordiv) {
    const bool exact = takes_remainder(mod(whole, divisor));
    return add_zero(put_in(whole - divisor * value - (exact ? Index(0) : fresh(divisor))));
  }
  const auto highest = highest_of(whole);
  if (!ranges_.proves_nonnegative(whole) || !highest) return false;
  if (!ranges_.proves_nonnegative(value) || !ranges_.proves_less(value, divisor))
    conditions_.push_back({value, divisor});
  const Index times = fresh(ranges_.simplify(floordiv(*highest, divisor) + 1));
  return add_zero(put_in(whole - divisor * times - value));
}

bool IndexSolver::is_affine(const Index& e) const {
  std::optional<Division> division;
  return find_division(e, division) && !division;
}

bool IndexSolver::add(std::span<const Index> values, std::span<const Index> targets,
                      const Shape& shape) {
  for (size_t first = 0; first < values.size();) {
    // As few coordinates as make a plain sum; one alone may be solved as it is.
    size_t count = 0;
    Index joined = 0, target = 0;
    for (size_t d = first; d < values.size() && count == 0; ++d) {
      const Index value = put_in(values[d]);
      if (!ranges_.proves_nonnegative(value) || !ranges_.proves_less(value, shape[d])) break;
      joined = ranges_.simplify(joined * shape[d] + value);
      target = target * shape[d] + targets[d];
      if (is_affine(joined)) count = d - first + 1;
    }
    if (count == 0) {
      joined = values[first], target = targets[first], count = 1;
    }
    if (!add(joined, ranges_.simplify(target))) return false;
    first += count;
  }
  return true;
}

std::optional<std::vector<IndexSolver::Term>> IndexSolver::terms_of(const Index& value) const {
  std::vector<Term> terms;
  for (const IndexUnknown& u : unknowns_) {
    if (!value.mentions(u.name)) continue;
    const auto linear = value.linear_in(u.name);
    if (!linear) return std::nullopt;
    for (const IndexUnknown& other : unknowns_)
      if (linear->first.mentions(other.name)) return std::nullopt;
    terms.push_back({linear->first, u});
  }
  return terms;
}

bool IndexSolver::add_affine(const Index& e) {
  auto terms = terms_of(e);
  if (!terms) return false;
  Index rest = Index(0) - e;  // what the terms sum up to
  for (const Term& t : *terms) rest = rest + t.coefficient * Index::var(t.unknown.name);
  if (terms->empty()) {
    rest = ranges_.simplify(rest);
    if (!rest.is_const(0)) conditions_.push_back({rest, 1});
    return true;
  }
  if (add_digits(*terms, rest) || add_overlapping(*terms, rest)) return true;
  for (const Term& t : *terms) {
    if (!t.coefficient.is_const()) continue;
    const int64_t a = t.coefficient.value();
    const Index others = t.coefficient * Index::var(t.unknown.name) - e;
    const Index left = ranges_.simplify(a < 0 ? Index(0) - others : others);
    const Index divisor = std::abs(a);
    if (!divisor.is_const(1)) conditions_.push_back({ranges_.simplify(mod(left, divisor)), 1});
    assign(t.unknown.name, ranges_.simplify(floordiv(left, divisor)));
    return true;
  }
  return false;
}

// Most significant first: every coefficient is at least the one behind it times that one's extent.
static bool sort_digits(std::vector<std::pair<Index, Index>>& digits,  // coefficient, extent
                        std::vector<size_t>& order, const Ranges& ranges) {
  const auto before = [&](size_t p, size_t q) {
    return ranges.proves_nonnegative(
        ranges.simplify(digits[p].first - digits[q].first * digits[q].second));
  };
  for (size_t i = 0; i < order.size(); ++i) {
    size_t best = order.size();
    for (size_t p = i; p < order.size() && best == order.size(); ++p) {
      bool first = true;
      for (size_t q = i; q < order.size(); ++q)
        first = first && (p == q || before(order[p], order[q]));
      if (first) best = p;
    }
    if (best == order.size()) return false;
    std::swap(order[i], order[best]);
  }
  return order.empty() || ranges.proves_nonnegative(digits[order.back()].first - 1);
}

bool IndexSolver::add_digits(std::vector<Term> terms, Index rest) {
  std::vector<std::pair<Index, Index>> digits;
  std::vector<size_t> order;
  for (size_t i = 0; i < terms.size(); ++i) {
    digits.push_back({terms[i].coefficient, terms[i].unknown.extent});
    order.push_back(i);
  }
  if (!sort_digits(digits, order, ranges_)) return false;
  for (size_t i : order) {
    const Index& a = digits[i].first;
    assign(terms[i].unknown.name, ranges_.simplify(floordiv(rest, a)));
    rest = ranges_.simplify(mod(rest, a));
  }
  if (!rest.is_const(0)) conditions_.push_back({rest, 1});
  return true;
}

// a*p + q == rest with more than a values of q: those that fit are rest % a, a more, 2*a more.
bool IndexSolver::add_overlapping(const std::vector<Term>& terms, const Index& rest) {
  if (terms.size() != 2) return false;
  const bool first = terms[1].coefficient.is_const(1);
  const Term &p = terms[first ? 0 : 1], &q = terms[first ? 1 : 0];
  if (!q.coefficient.is_const(1) || !p.coefficient.is_const() || p.coefficient.value() < 2)
    return false;
  if (!q.unknown.extent.is_const()) return false;
  const Index a = p.coefficient, more = fresh(ceildiv(q.unknown.extent, a));
  assign(p.unknown.name, ranges_.simplify(floordiv(rest, a) - more));
  assign(q.unknown.name, ranges_.simplify(mod(rest, a) + a * more));
  return true;
}

Ranges ranges_inside(Ranges ranges, std::span<const std::string> names, const Shape& shape) {
  for (size_t d = 0; d < shape.size(); ++d) {
    ranges.set(names[d], Index(0), shape[d] - 1);
    const auto symbol = shape[d].as_var();
    const Range* known = symbol ? ranges.find(*symbol) : nullptr;
    if (!known || !known->lo || !known->lo->is_const(0)) continue;
    Range some = *known;
    some.lo = 1;
    ranges.set(*symbol, some);
  }
  return ranges;
}

std::optional<std::vector<IndexUnknown>> digits_of(const Index& value, const Index& extent,
                                                   std::span<const IndexUnknown> unknowns,
                                                   const Ranges& ranges) {
  Index left = value;
  std::vector<std::pair<Index, IndexUnknown>> found;
  for (const IndexUnknown& u : unknowns) {
    if (!value.mentions(u.name)) continue;
    const auto linear = left.linear_in(u.name);
    if (!linear) return std::nullopt;
    found.push_back({linear->first, u});
    left = linear->second;
  }
  if (!left.is_const(0)) return std::nullopt;
  std::vector<IndexUnknown> digits;
  Index covered = 1;
  while (digits.size() < found.size()) {
    const auto next = std::ranges::find_if(found, [&](const auto& f) {
      return f.first == covered && std::ranges::find(digits, f.second) == digits.end();
    });
    if (next == found.end()) return std::nullopt;
    digits.insert(digits.begin(), next->second);
    covered = ranges.simplify(covered * next->second.extent);
  }
  if (!(covered == ranges.simplify(extent))) return std::nullopt;
  return digits;
}

}  // namespace mintor
