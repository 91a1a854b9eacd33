// SPDX-License-Identifier: Apache-2.0
// Index maps backwards: which unknowns v, each in 0 .. extent - 1, satisfy  value(v) == target ?
//
// Takes equations one by one; gives each solved unknown as an expression over targets and the
// unknowns that stay free, with conditions for what the expressions do not say.
//   2*m + w == j, w < 2  ->   m = j // 2, w = j % 2
//   2*m + w == j, w < 4  ->   m = j // 2 - r, w = j % 2 + 2*r, r < 2 free
//   2*m + 3*w == j       ->   m = (j - 3*w) // 2 where (j - 3*w) % 2 == 0, w free
//   (m + 1 - w) // 2 == j, on the condition (m + 1 - w) % 2 == 0   ->   m = 2*j + w - 1
// Keeps true: for fixed targets, the free unknowns in their boxes with the conditions fulfilled and
// the solved ones in theirs are exactly the solutions, each once.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace mintor {

struct IndexUnknown {
  std::string name;
  Index extent;
  bool operator==(const IndexUnknown&) const = default;
};

class IndexSolver {
 public:
  // `ranges` know the symbols and the targets' variables. Unknowns that come first are solved for
  // first. `conditions` are over the unknowns and hold for every solution.
  IndexSolver(Ranges ranges, std::vector<IndexUnknown> unknowns,
              std::vector<IndexCondition> conditions);

  // False when the equation has no solution of this form; the solver is of no use then.
  bool add(const Index& value, const Index& target);
  // The same for several coordinates of a row-major index into `shape`, which are one equation
  // where only their sum shows what they are (a reshape).
  bool add(std::span<const Index> values, std::span<const Index> targets, const Shape& shape);

  bool is_solved(const std::string& name) const { return values_.contains(name); }
  // An expression over unknowns, with the solutions put in.
  Index put_in(const Index& e) const;
  // In the given order; fresh ones (the rest of a division that did not have to come out) last.
  std::vector<IndexUnknown> free() const;
  // What remains to be checked, apart from that the given ones that are solved lie in their boxes.
  std::vector<IndexCondition> conditions() const;
  const std::vector<IndexUnknown>& unknowns() const { return unknowns_; }
  const Ranges& ranges() const { return ranges_; }

 private:
  struct Term {
    Index coefficient;
    IndexUnknown unknown;
  };
  struct Division;
  bool add_zero(const Index& e);  // e == 0
  bool add_affine(const Index& e);
  bool is_affine(const Index& e) const;  // in the unknowns
  bool mentions_unknown(const Index& e) const;
  bool find_division(const Index& e, std::optional<Division>& found) const;
  std::optional<std::vector<Term>> terms_of(const Index& e) const;
  bool add_digits(std::vector<Term> terms, Index rest);
  bool add_overlapping(const std::vector<Term>& terms, const Index& rest);
  void assign(const std::string& name, const Index& value);
  std::optional<Index> highest_of(const Index& e) const;
  bool takes_remainder(const Index& remainder);  // whether a condition says that it is 0
  Index fresh(const Index& extent);

  Ranges ranges_;
  std::vector<IndexUnknown> unknowns_;
  std::vector<IndexCondition> conditions_;
  size_t given_;  // of the unknowns; the others are fresh
  std::map<std::string, Index> values_;
};

// The variables `names` over `shape`, for what is only read where there are elements: no size is 0.
Ranges ranges_inside(Ranges ranges, std::span<const std::string> names, const Shape& shape);

// The terms of `value` as coefficient * unknown, when they are the digits of a number that counts
// 0 .. extent - 1 without gaps, most significant first: 16*a + b with b in 0..15.
std::optional<std::vector<IndexUnknown>> digits_of(const Index& value, const Index& extent,
                                                   std::span<const IndexUnknown> unknowns,
                                                   const Ranges& ranges);

}  // namespace mintor
