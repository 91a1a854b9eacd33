// SPDX-License-Identifier: Apache-2.0
// What Ranges answers. Takes expressions; gives constant bounds (index_prover.h), each part of a
// question once, and bounds over what varies with some of the variables. Keeps true: an answer is
// a bound for all values in the ranges.
#include <algorithm>

#include "compiler/support/error.h"
#include "compiler/support/index_prover.h"

namespace mintor {
namespace {

using Kind = Index::Atom::Kind;
using namespace index_detail;

// Symbolic bound: atoms that depend on `inner` are replaced in the direction their coefficient asks
// for.
class SymbolicBound {
 public:
  SymbolicBound(const Ranges& ranges, const std::set<std::string>& inner)
      : ranges_(ranges), inner_(inner) {}

  std::optional<Index> bound(const Index& start, bool low, int depth = 0) {
    if (depth > 12) return std::nullopt;
    Index e = start;
    for (int step = 0; step < 64; ++step) {
      Prover prover(ranges_);
      if (!involved(e)) return e;
      AtomRef atom = prover.innermost(e, &inner_);
      if (!atom) return std::nullopt;
      auto parts = linear_in_atom(e, atom);
      if (!parts) return std::nullopt;
      bool positive = prover.nonnegative(parts->coefficient);
      if (!positive && !prover.nonnegative(parts->coefficient * Index(-1))) return std::nullopt;
      auto replacement = bound_of(*atom, positive == low, depth);
      if (!replacement) return std::nullopt;
      e = recombine(parts->rest + parts->coefficient * *replacement);
    }
    return std::nullopt;
  }

 private:
  const Ranges& ranges_;
  const std::set<std::string>& inner_;

  bool involved(const Index& e) {
    Prover prover(ranges_);
    for (const auto& atom : atoms_of(e))
      if (mentions_inner(*atom)) return true;
    return false;
  }
  bool mentions_inner(const Index::Atom& atom) {
    if (atom.kind == Kind::variable) return inner_.count(atom.name) > 0;
    for (const Index* e : {&atom.a, &atom.b})
      for (const auto& f : atoms_of(*e))
        if (mentions_inner(*f)) return true;
    return false;
  }

  std::optional<Index> bound_of(const Index::Atom& atom, bool low, int depth) {
    switch (atom.kind) {
      case Kind::variable: {
        const Range* r = ranges_.find(atom.name);
        return !r ? std::nullopt : low ? r->lo : r->hi;
      }
      case Kind::floordiv: {
        auto a = bound(atom.a, low, depth + 1);
        if (!a || involved(atom.b)) return std::nullopt;
        return floordiv(*a, atom.b);
      }
      case Kind::mod: {
        if (low) return Index(0);
        auto b = bound(atom.b, false, depth + 1);
        return b ? std::optional(*b - 1) : std::nullopt;
      }
      case Kind::min:
      case Kind::max: {
        auto a = bound(atom.a, low, depth + 1), b = bound(atom.b, low, depth + 1);
        if (!a || !b) return std::nullopt;
        return atom.kind == Kind::min ? min(*a, *b) : max(*a, *b);
      }
    }
    return std::nullopt;
  }
};

}  // namespace

void Ranges::set(std::string_view name, Range range) {
  ranges_.insert_or_assign(std::string(name), std::move(range));
}
void Ranges::erase(std::string_view name) {
  auto it = ranges_.find(name);
  if (it != ranges_.end()) ranges_.erase(it);
}
const Range* Ranges::find(std::string_view name) const {
  auto it = ranges_.find(name);
  return it == ranges_.end() ? nullptr : &it->second;
}

// A bound that does not fit 64 bits is no bound: nothing is proved by it.
template <class Result, class Ask>
static Result unless_overflow(Result unknown, const Ask& ask) {
  try {
    return ask();
  } catch (const CompileError&) {
    return unknown;
  }
}

Question::Question(const Ranges& ranges)
    : ranges_(ranges),
      samples_{Sample(ranges, Sample::At::low), Sample(ranges, Sample::At::high),
               Sample(ranges, Sample::At::mixed), Sample(ranges, Sample::At::mixed_otherwise)} {}

std::optional<Question::Seen> Question::seen(const Index& e) {
  if (!ranges_.rules().empty()) return std::nullopt;
  std::optional<Seen> seen;
  for (Sample& sample : samples_) {
    const std::optional<int64_t> value = sample.value(e);
    if (!value) continue;
    seen = seen ? Seen{std::min(seen->least, *value), std::max(seen->most, *value)}
                : Seen{*value, *value};
  }
  return seen;
}

std::optional<int64_t> Question::lower(const Index& e) {
  return unless_overflow<Bound>(std::nullopt, [&] { return Prover(*this).lower(simplify(e)); });
}
std::optional<int64_t> Question::upper(const Index& e) {
  return unless_overflow<Bound>(std::nullopt, [&] { return Prover(*this).upper(simplify(e)); });
}

bool Question::nonnegative(const Index& e) {
  if (e.is_const()) return e.value() >= 0;
  if (const auto known = nonnegative_.find(e); known != nonnegative_.end()) return known->second;
  const bool proved = unless_overflow(false, [&] {
    if (Prover(*this).nonnegative(e)) return true;
    if (e.poly().plain && ranges_.rules().empty()) return false;
    const Index simple = simplify(e);
    return !(simple == e) && Prover(*this).nonnegative(simple);
  });
  return nonnegative_.emplace(e, proved).first->second;
}

std::optional<int64_t> Ranges::lower(const Index& e) const { return Question(*this).lower(e); }
std::optional<int64_t> Ranges::upper(const Index& e) const { return Question(*this).upper(e); }
bool Ranges::proves_nonnegative(const Index& e) const { return Question(*this).nonnegative(e); }

std::optional<Index> Ranges::lower_over(const Index& e, const std::set<std::string>& inner) const {
  return unless_overflow<std::optional<Index>>(std::nullopt, [&]() -> std::optional<Index> {
    auto bound = SymbolicBound(*this, inner).bound(simplify(e), true);
    return bound ? std::optional(simplify(*bound)) : std::nullopt;
  });
}
std::optional<Index> Ranges::upper_over(const Index& e, const std::set<std::string>& inner) const {
  return unless_overflow<std::optional<Index>>(std::nullopt, [&]() -> std::optional<Index> {
    auto bound = SymbolicBound(*this, inner).bound(simplify(e), false);
    return bound ? std::optional(simplify(*bound)) : std::nullopt;
  });
}

}  // namespace mintor
