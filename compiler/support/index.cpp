// SPDX-License-Identifier: Apache-2.0
// Construction of Index: canonical polynomials, their sums and products, and what they say of their
// variables. Takes operands in canonical form, gives one. Keeps true: equal forms are found by
// structure; nothing here knows ranges. floordiv, mod, min and max are in index_divide.cpp, values
// of variables in index_values.cpp.
#include "compiler/support/index.h"

#include <algorithm>

#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"

namespace mintor {

using Kind = Index::Atom::Kind;

namespace index_detail {

int64_t add(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r))
    throw CompileError("index",
                       "integer overflow in " + std::to_string(a) + " + " + std::to_string(b));
  return r;
}

int64_t multiply(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r))
    throw CompileError("index",
                       "integer overflow in " + std::to_string(a) + " * " + std::to_string(b));
  return r;
}

namespace {

// Sizes and index maps of real models have a few dozen parts; squaring a size forty times has 2^40.
constexpr size_t kLargest = 1 << 15;

[[noreturn]] void too_large() {
  throw CompileError("index", "an expression of sizes has more than " + std::to_string(kLargest) +
                                  " parts");
}

size_t mix(size_t seed, size_t value) {
  return (seed ^ value) * 0x9E3779B97F4A7C15ull + (seed >> 29);
}

size_t hash_text(std::string_view text) {
  size_t h = 0xCBF29CE484222325ull;
  for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  return h;
}

int compare_polys(const Index::Poly& a, const Index::Poly& b) {
  if (&a == &b) return 0;
  size_t n = std::min(a.terms.size(), b.terms.size());
  for (size_t i = 0; i < n; ++i) {
    if (int c = compare(a.terms[i].factors, b.terms[i].factors)) return c;
    if (a.terms[i].coefficient != b.terms[i].coefficient)
      return a.terms[i].coefficient < b.terms[i].coefficient ? -1 : 1;
  }
  return a.terms.size() < b.terms.size() ? -1 : a.terms.size() > b.terms.size();
}

std::shared_ptr<const Index::Poly> seal(std::vector<IndexTerm> sorted) {
  auto poly = std::make_shared<Index::Poly>();
  size_t h = 17, size = sorted.size();
  for (const auto& term : sorted) {
    h = mix(h, static_cast<size_t>(term.coefficient));
    for (const auto& f : term.factors) {
      size += f->size;
      h = mix(h, f->hash);
      poly->plain &= f->kind == Kind::variable;
    }
  }
  if (size > kLargest) too_large();
  poly->terms = std::move(sorted);
  poly->hash = h;
  poly->size = size;
  return poly;
}

std::vector<AtomRef> merge_factors(const std::vector<AtomRef>& a, const std::vector<AtomRef>& b) {
  std::vector<AtomRef> out(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), out.begin(),
             [](const AtomRef& x, const AtomRef& y) { return compare(*x, *y) < 0; });
  return out;
}

}  // namespace

std::optional<std::vector<AtomRef>> remove_factors(const std::vector<AtomRef>& factors,
                                                   const std::vector<AtomRef>& divisor) {
  std::vector<AtomRef> rest;
  size_t d = 0;
  for (const auto& f : factors) {
    if (d < divisor.size() && same(f, divisor[d]))
      ++d;
    else
      rest.push_back(f);
  }
  if (d < divisor.size()) return std::nullopt;
  return rest;
}

int compare(const Index::Atom& a, const Index::Atom& b) {
  if (&a == &b) return 0;
  if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
  if (a.kind == Kind::variable) return a.name.compare(b.name);
  if (int c = compare_polys(a.a.poly(), b.a.poly())) return c;
  return compare_polys(a.b.poly(), b.b.poly());
}

int compare(const std::vector<AtomRef>& a, const std::vector<AtomRef>& b) {
  if (a.size() != b.size()) return a.size() > b.size() ? -1 : 1;  // higher degree first
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i])
      if (int c = compare(*a[i], *b[i])) return c;
  return 0;
}

}  // namespace index_detail

using namespace index_detail;

// The door from sorted terms to an Index; other files use from_terms.
struct Index::Maker {
  static Index make(std::vector<IndexTerm> sorted) { return Index(seal(std::move(sorted))); }
};

namespace index_detail {

Index from_terms(std::vector<IndexTerm> terms) {
  std::stable_sort(terms.begin(), terms.end(), [](const IndexTerm& a, const IndexTerm& b) {
    return compare(a.factors, b.factors) < 0;
  });
  std::vector<IndexTerm> out;
  for (auto& term : terms) {
    if (!out.empty() && compare(out.back().factors, term.factors) == 0)
      out.back().coefficient = add(out.back().coefficient, term.coefficient);
    else
      out.push_back(std::move(term));
    if (out.back().coefficient == 0) out.pop_back();
  }
  return Index::Maker::make(std::move(out));
}

Index from_sorted(std::vector<IndexTerm> terms) { return Index::Maker::make(std::move(terms)); }

Index from_atom(AtomRef atom) {
  std::vector<IndexTerm> terms(1);
  terms[0].coefficient = 1;
  terms[0].factors.push_back(std::move(atom));
  return Index::Maker::make(std::move(terms));
}

Index product_of(int64_t coefficient, std::span<const AtomRef> factors) {
  if (coefficient == 0) return 0;
  std::vector<IndexTerm> terms(1);
  terms[0].coefficient = coefficient;
  terms[0].factors.assign(factors.begin(), factors.end());
  return Index::Maker::make(std::move(terms));
}

int64_t constant_part(const Index& e) {
  const auto& terms = e.poly().terms;
  return !terms.empty() && terms.back().factors.empty() ? terms.back().coefficient : 0;
}

AtomRef make_atom(Kind kind, const Index& a, const Index& b) {
  auto atom = std::make_shared<Index::Atom>();
  atom->kind = kind;
  atom->a = a;
  atom->b = b;
  atom->hash = mix(mix(static_cast<size_t>(kind) + 101, a.hash()), b.hash());
  atom->size = 1 + a.poly().size + b.poly().size;
  return atom;
}

std::optional<Linear> linear_in_atom(const Index& e, const AtomRef& atom) {
  std::vector<IndexTerm> coefficient, rest;
  for (const auto& term : e.poly().terms) {
    int count = 0;
    std::vector<AtomRef> left;
    for (const auto& f : term.factors) {
      if (same(f, atom))
        ++count;
      else
        left.push_back(f);
    }
    if (count > 1) return std::nullopt;
    if (count == 1)
      coefficient.push_back({term.coefficient, std::move(left)});
    else
      rest.push_back(term);
  }
  return Linear{from_terms(std::move(coefficient)), Index::Maker::make(std::move(rest))};
}

std::vector<AtomRef> atoms_of(const Index& e) {
  std::vector<AtomRef> out;
  for (const auto& term : e.poly().terms)
    for (const auto& f : term.factors)
      if (std::none_of(out.begin(), out.end(), [&](const AtomRef& x) { return same(x, f); }))
        out.push_back(f);
  return out;
}

bool atom_mentions(const Index::Atom& atom, std::string_view name) {
  if (atom.kind == Kind::variable) return atom.name == name;
  return atom.a.mentions(name) || atom.b.mentions(name);
}

}  // namespace index_detail

Index::Index(int64_t value) {
  static const std::shared_ptr<const Poly> zero = seal({});
  if (value == 0) {
    poly_ = zero;
  } else {
    std::vector<IndexTerm> terms(1);
    terms[0].coefficient = value;
    poly_ = seal(std::move(terms));
  }
}

Index Index::var(std::string_view name) {
  auto atom = std::make_shared<Atom>();
  atom->name = std::string(name);
  atom->hash = hash_text(name);
  return from_atom(std::move(atom));
}

bool Index::is_const() const {
  const auto& t = poly_->terms;
  return t.empty() || (t.size() == 1 && t[0].factors.empty());
}

bool Index::is_const(int64_t value) const { return is_const() && this->value() == value; }

int64_t Index::value() const {
  check(is_const(), "index", "value() of an expression that is not constant");
  return poly_->terms.empty() ? 0 : poly_->terms[0].coefficient;
}

std::optional<std::string> Index::as_var() const {
  const auto& t = poly_->terms;
  if (t.size() != 1 || t[0].coefficient != 1 || t[0].factors.size() != 1) return std::nullopt;
  if (t[0].factors[0]->kind != Kind::variable) return std::nullopt;
  return t[0].factors[0]->name;
}

namespace {
void collect_vars(const Index& e, std::set<std::string>& out) {
  for (const auto& term : e.poly().terms)
    for (const auto& f : term.factors) {
      if (f->kind == Kind::variable) {
        out.insert(f->name);
      } else {
        collect_vars(f->a, out);
        collect_vars(f->b, out);
      }
    }
}
}  // namespace

std::set<std::string> Index::vars() const {
  std::set<std::string> out;
  collect_vars(*this, out);
  return out;
}

bool Index::mentions(std::string_view name) const {
  for (const auto& term : poly_->terms)
    for (const auto& f : term.factors)
      if (atom_mentions(*f, name)) return true;
  return false;
}

std::optional<std::pair<Index, Index>> Index::linear_in(std::string_view name) const {
  auto split = linear_in_atom(*this, Index::var(name).poly().terms[0].factors[0]);
  if (!split || split->coefficient.mentions(name) || split->rest.mentions(name))
    return std::nullopt;
  return std::pair{split->coefficient, split->rest};
}

std::optional<std::pair<int64_t, Index>> Index::affine_in(std::string_view name) const {
  auto split = linear_in(name);
  if (!split || !split->first.is_const()) return std::nullopt;
  return std::pair{split->first.value(), split->second};
}

bool Index::operator==(const Index& other) const {
  return poly_ == other.poly_ ||
         (poly_->hash == other.poly_->hash && compare_polys(*poly_, *other.poly_) == 0);
}
bool Index::operator<(const Index& other) const { return compare_polys(*poly_, *other.poly_) < 0; }
size_t Index::hash() const { return poly_->hash; }

Index operator+(const Index& a, const Index& b) {
  const auto &x = a.poly().terms, &y = b.poly().terms;
  if (x.empty()) return b;
  if (y.empty()) return a;
  std::vector<IndexTerm> out;
  out.reserve(x.size() + y.size());
  size_t i = 0, j = 0;
  while (i < x.size() || j < y.size()) {
    int c = i == x.size() ? 1 : j == y.size() ? -1 : compare(x[i].factors, y[j].factors);
    if (c < 0) {
      out.push_back(x[i++]);
    } else if (c > 0) {
      out.push_back(y[j++]);
    } else {
      int64_t sum = add(x[i].coefficient, y[j].coefficient);
      if (sum != 0) out.push_back({sum, x[i].factors});
      ++i, ++j;
    }
  }
  return Index::Maker::make(std::move(out));
}

Index operator*(const Index& a, const Index& b) {
  if (a.is_const(1)) return b;
  if (b.is_const(1)) return a;
  if (a.is_const() || b.is_const()) {
    int64_t factor = a.is_const() ? a.value() : b.value();
    if (factor == 0) return 0;
    std::vector<IndexTerm> out = (a.is_const() ? b : a).poly().terms;
    for (auto& term : out) term.coefficient = multiply(term.coefficient, factor);
    return Index::Maker::make(std::move(out));
  }
  if (a.poly().terms.size() * b.poly().terms.size() > kLargest) too_large();
  std::vector<IndexTerm> out;
  for (const auto& x : a.poly().terms)
    for (const auto& y : b.poly().terms)
      out.push_back({multiply(x.coefficient, y.coefficient), merge_factors(x.factors, y.factors)});
  return from_terms(std::move(out));
}

Index operator-(const Index& a, const Index& b) { return a + b * Index(-1); }

}  // namespace mintor
