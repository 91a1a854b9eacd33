// SPDX-License-Identifier: Apache-2.0
// Integer expressions over named variables: shapes, index maps, loop bounds, offsets.
//
// An Index is an immutable polynomial with i64 coefficients over atoms; an atom is a variable or a
// floordiv, mod, min or max of two Index. Construction puts it in canonical form (sorted terms,
// folded constants), so equality is structural. floordiv and mod round toward minus infinity; a
// divisor is positive. Arithmetic is checked: overflow throws. With `Ranges`, simplify() removes
// floordiv, mod, min and max that the ranges decide:
//   (16*i + j) floordiv 16   with 0 <= j < 16   ->   i
// Text: `16*i + j`, `(i + 3) // 4`, `(i + 3) % 4`, `min(a, b)`; parse_index reads back exactly what
// str() prints.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mintor {

class Index {
 public:
  struct Atom;
  struct Poly;

  Index() : Index(0) {}
  Index(int64_t value);  // NOLINT: a literal is an Index
  Index(int value) : Index(static_cast<int64_t>(value)) {}
  static Index var(std::string_view name);

  bool is_const() const;
  bool is_const(int64_t value) const;
  int64_t value() const;                      // is_const() must hold
  std::optional<std::string> as_var() const;  // exactly one variable, coefficient 1
  std::set<std::string> vars() const;         // every variable in it, inside atoms too
  bool mentions(std::string_view name) const;
  // The constant c and the rest, such that this == c * name + rest and rest does not mention name;
  // nullopt if the dependence on name is not affine with a constant coefficient.
  std::optional<std::pair<int64_t, Index>> affine_in(std::string_view name) const;
  // As affine_in, with the coefficient any Index that does not mention name.
  std::optional<std::pair<Index, Index>> linear_in(std::string_view name) const;

  Index substitute(const std::map<std::string, Index>& values) const;
  // All variables must be given.
  int64_t evaluate(const std::function<int64_t(std::string_view)>& value_of) const;
  std::string str() const;
  // C text: variables as they are, floordiv/mod/min/max through mt_floordiv(a, b), mt_mod, mt_imin,
  // mt_imax (plain / and % when `ranges` show that the left side is not negative).
  std::string c_str(const class Ranges& ranges) const;

  bool operator==(const Index& other) const;
  bool operator<(const Index& other) const;  // a total order of forms, not of values
  size_t hash() const;

  friend Index operator+(const Index& a, const Index& b);
  friend Index operator-(const Index& a, const Index& b);
  friend Index operator*(const Index& a, const Index& b);
  friend Index floordiv(const Index& a, const Index& b);
  friend Index mod(const Index& a, const Index& b);
  friend Index min(const Index& a, const Index& b);
  friend Index max(const Index& a, const Index& b);
  const Poly& poly() const { return *poly_; }

  struct Maker;

 private:
  explicit Index(std::shared_ptr<const Poly> poly) : poly_(std::move(poly)) {}
  std::shared_ptr<const Poly> poly_;
};

inline Index ceildiv(const Index& a, const Index& b) { return floordiv(a + b - 1, b); }

// What is known of variables: lo <= v <= hi (inclusive, each an Index over other variables, or
// unknown), and that v is a multiple of `divisor`.
struct Range {
  std::optional<Index> lo, hi;
  int64_t divisor = 1;
  bool computed = false;  // from other variables: equations are solved for it first
};

// coefficient * product of factors == value, for all values that the variables can have.
struct IndexRule {
  int64_t coefficient = 1;
  std::vector<std::shared_ptr<const Index::Atom>> factors;
  Index value;
};

class Ranges {
 public:
  void set(std::string_view name, Range range);  // replaces
  void set(std::string_view name, Index lo, Index hi) { set(name, Range{lo, hi, 1}); }
  void erase(std::string_view name);
  const Range* find(std::string_view name) const;
  // Constant bounds of an expression, where they can be derived (interval arithmetic plus
  // substitution of symbolic bounds, innermost variables first).
  std::optional<int64_t> lower(const Index& e) const;
  std::optional<int64_t> upper(const Index& e) const;
  bool proves_nonnegative(const Index& e) const;  // e >= 0 whatever the values
  bool proves_less(const Index& a, const Index& b) const { return proves_nonnegative(b - a - 1); }
  // Symbolic bounds of e when each of `inner` varies over its range and everything else is fixed.
  std::optional<Index> lower_over(const Index& e, const std::set<std::string>& inner) const;
  std::optional<Index> upper_over(const Index& e, const std::set<std::string>& inner) const;
  Index simplify(const Index& e) const;
  // x == y holds for all values that count: from here on one side stands for both, in simplify and
  // in all proofs. (n + 1) // 2 becomes 2*((n + 3) // 4), n - 2*(n // 2) makes n a multiple of 2.
  void assume_equal(const Index& x, const Index& y);
  std::span<const IndexRule> rules() const;

 private:
  std::map<std::string, Range, std::less<>> ranges_;
  std::shared_ptr<const std::vector<IndexRule>> rules_;  // shared by copies; null: none
};

// Throws CompileError with the position on bad text.
Index parse_index(std::string_view text);

}  // namespace mintor
