// SPDX-License-Identifier: Apache-2.0
// Takes the loads below a summed loop; gives the part by which they divide it. Keeps true: a part
// that does not divide the loop's trips, or of a loop whose trips nobody knows, splits nothing.
#include "compiler/contraction/sum_parts.h"

#include <algorithm>

#include "compiler/support/index_poly.h"

namespace mintor {
namespace {

// The largest constant by which an expression divides the variable; 1: it does not.
int64_t divisor_in(const Index& index, const std::string& var) {
  int64_t largest = 1;
  for (const IndexTerm& term : index.poly().terms)
    for (const AtomRef& atom : term.factors) {
      if (atom->kind == Index::Atom::Kind::variable) continue;
      const bool divides =
          atom->kind == Index::Atom::Kind::floordiv || atom->kind == Index::Atom::Kind::mod;
      if (divides && atom->a.as_var() == var && atom->b.is_const())
        largest = std::max(largest, atom->b.value());
      largest = std::max({largest, divisor_in(atom->a, var), divisor_in(atom->b, var)});
    }
  return largest;
}

int64_t part_of(const For& loop) {
  int64_t largest = 1;
  visit_exprs(loop.body, [&](const Expr& e) {
    if (const auto* load = std::get_if<LoadExpr>(&e->node))
      for (const Index& index : load->indices)
        largest = std::max(largest, divisor_in(index, loop.var));
  });
  return largest;
}

}  // namespace

void split_sums(const Contraction& c, Steps& step) {
  for (const ContractAxis& axis : c.node.as<Contract>().axes) {
    if (axis.role != AxisRole::k) continue;
    for (const std::string& name : copies_of(step.kernel, {LoopRole::reduced, axis.name, {}})) {
      const auto trip = trip_of(step.kernel, name);
      const int64_t part = part_of(*find_loop(step.kernel.body, name));
      if (trip && part > 1 && part < *trip && *trip % part == 0) step.split(name, part);
    }
  }
}

}  // namespace mintor
