// SPDX-License-Identifier: Apache-2.0
// Takes expressions; gives their values at a place that the ranges allow. Keeps true: what leaves
// 64 bits, has no lower bound or no range has no value.
#include "compiler/support/index_samples.h"

#include <algorithm>

#include "compiler/support/index_poly.h"

namespace mintor::index_detail {

using Kind = Index::Atom::Kind;

static constexpr int kDeepest = 32;         // bounds that mention variables whose bounds do
static constexpr int64_t kFarther = 12347;  // above the lower bound, where there is no upper one

std::optional<int64_t> Sample::value(const Index& e) {
  int64_t sum = 0;
  for (const IndexTerm& term : e.poly().terms) {
    int64_t product = term.coefficient;
    for (const AtomRef& factor : term.factors) {
      const std::optional<int64_t> value = of_atom(*factor);
      if (!value || __builtin_mul_overflow(product, *value, &product)) return std::nullopt;
    }
    if (__builtin_add_overflow(sum, product, &sum)) return std::nullopt;
  }
  return sum;
}

std::optional<int64_t> Sample::of_atom(const Index::Atom& atom) {
  if (atom.kind == Kind::variable) return of_variable(atom.name);
  const std::optional<int64_t> a = value(atom.a), b = value(atom.b);
  if (!a || !b) return std::nullopt;
  switch (atom.kind) {
    case Kind::floordiv:
      return *b > 0 ? std::optional(floor_div(*a, *b)) : std::nullopt;
    case Kind::mod:
      return *b > 0 ? std::optional(floor_mod(*a, *b)) : std::nullopt;
    case Kind::min:
      return std::min(*a, *b);
    case Kind::max:
      return std::max(*a, *b);
    case Kind::variable:
      break;
  }
  return std::nullopt;
}

bool Sample::is_high(const std::string& name) const {
  const bool odd = std::hash<std::string>()(name) % 2 == 1;
  return at_ == At::high || (at_ == At::mixed && odd) || (at_ == At::mixed_otherwise && !odd);
}

std::optional<int64_t> Sample::of_variable(const std::string& name) {
  if (const auto known = variables_.find(name); known != variables_.end()) return known->second;
  const Range* range = ranges_.find(name);
  if (!range || !range->lo || depth_ >= kDeepest) return std::nullopt;
  ++depth_;
  const std::optional<int64_t> lo = value(*range->lo);
  const std::optional<int64_t> hi = range->hi ? value(*range->hi) : lo ? *lo + kFarther : lo;
  --depth_;
  std::optional<int64_t> chosen;
  if (lo && hi) {
    const int64_t step = range->divisor;
    chosen = is_high(name) ? floor_div(*hi, step) * step : -floor_div(-*lo, step) * step;
    if (*chosen < *lo || *chosen > *hi) chosen.reset();
  }
  return variables_.emplace(name, chosen).first->second;
}

}  // namespace mintor::index_detail
