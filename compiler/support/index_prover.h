// SPDX-License-Identifier: Apache-2.0
// Lower bounds of an Index. Takes Ranges, or the question that they are asked for; gives bounds and
// proofs. Keeps true: an answer is a bound for all values in the ranges; a budget bounds the work
// of one Prover, running out gives no answer.
#pragma once

#include <set>
#include <string>

#include "compiler/support/index_poly.h"
#include "compiler/support/index_question.h"

namespace mintor::index_detail {

using Bound = std::optional<int64_t>;

class Prover {
 public:
  explicit Prover(const Ranges& ranges) : ranges_(ranges) {}
  // Does not try for long what cannot be, nor twice what was found.
  explicit Prover(Question& question) : ranges_(question.ranges()), question_(&question) {}

  Bound lower(const Index& e);
  Bound upper(const Index& e);
  bool nonnegative(const Index& e);
  // The atom to eliminate first: none of the others depends on a variable of it... `inner` null:
  // any atom.
  AtomRef innermost(const Index& e, const std::set<std::string>* inner);

 private:
  struct Interval {
    Bound lo, hi;
  };

  static Interval product(const Interval& a, const Interval& b);
  Interval of_atom(const Index::Atom& atom);
  bool may_exceed(const Index& e, Bound bound);
  Bound find_lower(const Index& e);
  Bound interval_lower(const Index& e, bool& exact);
  bool constant_range(std::string_view name);

  bool depends_on_any(const Index::Atom& atom, const std::set<std::string>& names);
  bool reaches(const Index::Atom& atom, std::string_view name, int depth);
  bool reaches(const Index& e, std::string_view name, int depth);
  bool depends(const Index::Atom& b, const Index::Atom& a);
  bool holds(const Index& e, const Index::Atom& a);

  // Of coefficient * atom + rest, by the sign of the coefficient.
  Bound eliminate(const Index& original);
  Bound eliminate_variable(const Index::Atom& atom, const Index& c, const Index& rest,
                           bool positive);
  Bound with_constant(const Index::Atom& atom, const Index& c, const Index& rest, bool positive);
  Bound eliminate_floordiv(const Index::Atom& atom, const Index& c, const Index& rest,
                           bool positive);
  Bound eliminate_mod(const Index::Atom& atom, const Index& c, const Index& rest, bool positive);

  static constexpr int kBudget = 600;  // eliminations of one question, nested ones included

  const Ranges& ranges_;
  Question* question_ = nullptr;
  int budget_ = kBudget;
};

}  // namespace mintor::index_detail
