// SPDX-License-Identifier: Apache-2.0
// The representation behind Index, for the few places that walk it (simplifier, printer,
// interpreter). Keeps true: terms are sorted (higher degree first, constant last) without equal
// factors and without zero coefficients; factors of a term are sorted; a Poly and an Atom carry
// their hash, so that unequal forms differ early.
#pragma once

#include "compiler/support/index.h"

namespace mintor {

struct Index::Atom {
  enum class Kind : uint8_t { variable, floordiv, mod, min, max };
  Kind kind = Kind::variable;
  std::string name;  // of a variable
  Index a, b;        // operands of the others
  size_t hash = 0, size = 1;  // as a Poly's
};

using AtomRef = std::shared_ptr<const Index::Atom>;

struct IndexTerm {
  int64_t coefficient = 0;
  std::vector<AtomRef> factors;  // product; a power repeats its atom; empty: the constant term
};

struct Index::Poly {
  std::vector<IndexTerm> terms;
  size_t hash = 0;
  size_t size = 0;    // terms and atoms of the whole tree, which shares nothing
  bool plain = true;  // every atom is a variable
};

namespace index_detail {

int compare(const Index::Atom& a, const Index::Atom& b);
int compare(const std::vector<AtomRef>& a, const std::vector<AtomRef>& b);
inline bool same(const AtomRef& a, const AtomRef& b) {
  return a == b || (a->hash == b->hash && compare(*a, *b) == 0);
}

int64_t add(int64_t a, int64_t b);  // checked: CompileError on overflow
int64_t multiply(int64_t a, int64_t b);
inline int64_t floor_div(int64_t a, int64_t d) {
  return a / d - (a % d != 0 && (a % d < 0) != (d < 0));
}
inline int64_t floor_mod(int64_t a, int64_t d) { return a - floor_div(a, d) * d; }

Index from_atom(AtomRef atom);
AtomRef make_atom(Index::Atom::Kind kind, const Index& a, const Index& b);  // of no variable
Index from_terms(std::vector<IndexTerm> terms);  // any order, merged here
Index from_sorted(std::vector<IndexTerm> terms);  // as a Poly has them
Index product_of(int64_t coefficient, std::span<const AtomRef> factors);
int64_t constant_part(const Index& e);
// e / divisor for a divisor that is one term, when every term is a multiple of it.
std::optional<Index> divide_exactly(const Index& e, const Index& divisor);

// a == quotient * d + rest, with the terms that show themselves to be multiples of d in the
// quotient.
struct Split {
  Index quotient, rest;
};
Split split_multiples(const Index& a, const Index& d);

// The terms of e with / without `atom` as a factor (to the power 1): e == coefficient * atom +
// rest. nullopt when a power occurs.
struct Linear {
  Index coefficient, rest;
};
std::optional<Linear> linear_in_atom(const Index& e, const AtomRef& atom);

// Distinct atoms of e's terms (not those inside atoms).
std::vector<AtomRef> atoms_of(const Index& e);
bool atom_mentions(const Index::Atom& atom, std::string_view name);
// divisor is contained in factors, both sorted: the others; nullopt where it is not.
std::optional<std::vector<AtomRef>> remove_factors(const std::vector<AtomRef>& factors,
                                                   const std::vector<AtomRef>& divisor);
// c*d*(x // d) + c*(x % d) -> c*x, and c*(x % a) + c*a*((x // a) % b) -> c*(x % (a*b)).
Index recombine(const Index& e);

}  // namespace index_detail
}  // namespace mintor
