// SPDX-License-Identifier: Apache-2.0
// Construction of Index: canonical polynomials, and the rules for floordiv, mod, min and max that
// hold for all values. Takes operands in canonical form, gives one. Keeps true: equal forms are
// found by structure; nothing here knows ranges.
#include "compiler/support/index.h"

#include <algorithm>
#include <numeric>

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

// factors \ divisor, when divisor is contained.
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

}  // namespace

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
  return {Index::Maker::make(std::move(quotient)), Index::Maker::make(std::move(rest))};
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

AtomRef make_atom(Kind kind, const Index& a, const Index& b) {
  auto atom = std::make_shared<Index::Atom>();
  atom->kind = kind;
  atom->a = a;
  atom->b = b;
  atom->hash = mix(mix(static_cast<size_t>(kind) + 101, a.hash()), b.hash());
  atom->size = 1 + a.poly().size + b.poly().size;
  return atom;
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

namespace {

// The coefficient Index of `wanted` in e must contain `amount`: returns e - amount * wanted when
// the term of e that has exactly amount's factors and wanted has exactly that coefficient.
std::optional<Index> take_term(const Index& e, const Index& term) {
  if (term.poly().terms.size() != 1) return std::nullopt;
  const auto& t = term.poly().terms[0];
  for (const auto& have : e.poly().terms)
    if (have.coefficient == t.coefficient && compare(have.factors, t.factors) == 0) return e - term;
  return std::nullopt;
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
      if (auto left = take_term(e, scale * atom.b * quotient))
        return *left - product_of(term.coefficient, term.factors) + scale * atom.a;
      for (const auto& other : e.poly().terms)
        for (const auto& f : other.factors)
          if (f->kind == Kind::mod && f->a == quotient)
            if (auto left = take_term(e, scale * atom.b * from_atom(f)))
              return *left - product_of(term.coefficient, term.factors) +
                     scale * mod(atom.a, atom.b * f->b);
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

namespace {
Index substitute_atom(const Index::Atom& atom, const AtomRef& ref,
                      const std::map<std::string, Index>& values) {
  if (atom.kind == Kind::variable) {
    auto it = values.find(atom.name);
    return it == values.end() ? from_atom(ref) : it->second;
  }
  Index a = atom.a.substitute(values), b = atom.b.substitute(values);
  switch (atom.kind) {
    case Kind::floordiv:
      return floordiv(a, b);
    case Kind::mod:
      return mod(a, b);
    case Kind::min:
      return min(a, b);
    case Kind::max:
      return max(a, b);
    case Kind::variable:
      break;
  }
  throw InternalError("index", "unknown atom");
}

bool touches(const Index& e, const std::map<std::string, Index>& values) {
  for (const auto& term : e.poly().terms)
    for (const auto& f : term.factors) {
      if (f->kind == Kind::variable ? values.count(f->name) > 0
                                    : touches(f->a, values) || touches(f->b, values))
        return true;
    }
  return false;
}
}  // namespace

Index Index::substitute(const std::map<std::string, Index>& values) const {
  if (values.empty() || !touches(*this, values)) return *this;
  Index out = 0;
  for (const auto& term : poly_->terms) {
    Index product = term.coefficient;
    for (const auto& f : term.factors) product = product * substitute_atom(*f, f, values);
    out = out + product;
  }
  return out;
}

int64_t Index::evaluate(const std::function<int64_t(std::string_view)>& value_of) const {
  int64_t sum = 0;
  for (const auto& term : poly_->terms) {
    int64_t product = term.coefficient;
    for (const auto& f : term.factors) {
      int64_t v = 0;
      if (f->kind == Kind::variable) {
        v = value_of(f->name);
      } else {
        int64_t a = f->a.evaluate(value_of), b = f->b.evaluate(value_of);
        bool divides = f->kind == Kind::floordiv || f->kind == Kind::mod;
        if (divides && b <= 0)
          throw InternalError("index", "divisor " + f->b.str() + " is " + std::to_string(b));
        v = f->kind == Kind::floordiv ? floor_div(a, b)
            : f->kind == Kind::mod    ? floor_mod(a, b)
            : f->kind == Kind::min    ? std::min(a, b)
                                      : std::max(a, b);
      }
      product = multiply(product, v);
    }
    sum = add(sum, product);
  }
  return sum;
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
