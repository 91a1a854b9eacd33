// SPDX-License-Identifier: Apache-2.0
// Which of two sizes may be 1 while the other is not, the symbol for a size that both have in
// common, and the reading of a stretched operand (broadcast.h).
#include "compiler/ir/broadcast.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "compiler/ir/sizes.h"
#include "compiler/ir/sizes_differ.h"
#include "compiler/support/index_poly.h"

namespace mintor {

namespace {

using Form = Condition::Form;

constexpr int64_t kTried = 64;  // small values of a symbol that are looked at one by one

// The largest number known to divide e.
int64_t divisor_of(const Ranges& ranges, const Index& e) {
  int64_t divisor = 0;
  for (const IndexTerm& term : e.poly().terms) {
    int64_t product = std::abs(term.coefficient);
    for (const AtomRef& f : term.factors) {
      const Range* range = f->kind == Index::Atom::Kind::variable ? ranges.find(f->name) : nullptr;
      if (range && product < kTried * kTried) product *= range->divisor;
    }
    divisor = std::gcd(divisor, product);
  }
  return divisor;
}

// Both depend on the symbol alone, and from some small value on e is above 1: whether e is 1 only
// where `other` is, too.
bool is_one_only_with(const Ranges& ranges, const Index& e, const Index& other) {
  std::set<std::string> vars = e.vars();
  vars.merge(other.vars());
  const Range* range = vars.size() == 1 ? ranges.find(*vars.begin()) : nullptr;
  if (!range || range->computed || !range->lo || !range->lo->is_const()) return false;
  Ranges above = ranges;
  for (int64_t n = std::max<int64_t>(range->lo->value(), 0); n < kTried; ++n) {
    above.set(*vars.begin(), Range{Index(n), range->hi, range->divisor});
    if (above.proves_nonnegative(e - 2)) return true;
    const auto value_of = [&](std::string_view) { return n; };
    if (n % range->divisor == 0 && e.evaluate(value_of) == 1 && other.evaluate(value_of) != 1)
      return false;
  }
  return false;
}

// Whether e may be 1 where `other` is not.
bool may_stretch(const Ranges& ranges, const Index& e, const Index& other) {
  if (e.is_const()) return e.is_const(1);
  if (ranges.proves_nonnegative(e - 2) || ranges.proves_nonnegative(Index(0) - e)) return false;
  if (divisor_of(ranges, ranges.simplify(e)) > 1) return false;
  try {
    return !is_one_only_with(ranges, e, other);
  } catch (const std::exception&) {  // a divisor is 0 for some value: nothing is told
    return true;
  }
}

std::string legal_name(const Index& p, const Index& q) {
  return "common_" + p.as_var().value_or("size") + "_" + q.as_var().value_or("size");
}

// The symbol for the size that p and q have in common.
Index common_symbol(Graph& graph, const Index& p, const Index& q) {
  const Index value = common_size(p, q);
  for (const Symbol& symbol : graph.symbols())
    if (symbol.value == value) return Index::var(symbol.name);
  const std::string wish = legal_name(p, q);
  std::string name = wish;
  for (int n = 2; graph.find_symbol(name) != nullptr; ++n) name = wish + "_" + std::to_string(n);
  Symbol symbol;
  symbol.name = name;
  symbol.value = value;
  graph.add_symbol(std::move(symbol));
  return Index::var(name);
}

bool equal(const Graph& graph, const Index& p, const Index& q) {
  return p == q || graph.ranges().simplify(p - q).is_const(0);
}

// Whether the conditions say that p is `to`, or 1.
bool stretches(const Graph& graph, const Index& p, const Index& to) {
  std::vector<Index> reached{p};
  for (size_t i = 0; i < reached.size(); ++i) {
    if (equal(graph, reached[i], to)) return true;
    for (const Condition& c : graph.conditions()) {
      const bool left = is_stretch(c) && equal(graph, c.left, reached[i]);
      const bool right = c.form == Form::either_or_one && equal(graph, c.right, reached[i]);
      if (!left && !right) continue;
      Index next = c.right;
      if (c.form == Form::either_or_one) {
        const Index value = common_size(c.left, c.right);
        const auto symbol = std::ranges::find(graph.symbols(), value, &Symbol::value);
        if (symbol == graph.symbols().end()) continue;
        next = Index::var(symbol->name);
      }
      if (std::ranges::find(reached, next) == reached.end()) reached.push_back(next);
    }
  }
  return false;
}

}  // namespace

Index common_extent(Builder& b, const std::string& op, const Index& p, const Index& q,
                    const std::string& problem, const std::string& help) {
  Graph& graph = b.graph();
  if (equal(graph, p, q) || q.is_const(1)) return p;
  if (p.is_const(1)) return q;
  // What p and q have in common meets q again: it stays what it is.
  if (stretches(graph, q, p)) return p;
  if (stretches(graph, p, q)) return q;
  const bool of_p = may_stretch(graph.ranges(), p, q), of_q = may_stretch(graph.ranges(), q, p);
  if (!of_p && !of_q) throw SizesDiffer(op, problem, p, q, b.scope(), help);
  Index size = of_p ? q : p;
  if (of_p && of_q) size = graph.ranges().simplify(common_symbol(graph, p, q));
  if (of_p && equal(graph, size, q)) {
    graph.add_condition({p, q, Form::left_or_one, b.scope()});
  } else if (of_q && equal(graph, size, p)) {
    graph.add_condition({q, p, Form::left_or_one, b.scope()});
  } else {
    graph.add_condition({p, q, Form::either_or_one, b.scope()});
  }
  return size;
}

void need_stretch(Builder& b, const Index& p, const Index& to, const std::string& problem) {
  Graph& graph = b.graph();
  if (stretches(graph, p, to)) return;
  if (to.is_const(1) || !may_stretch(graph.ranges(), p, to))
    throw SizesDiffer("broadcast", problem, p, to, b.scope());
  graph.add_condition({p, to, Form::left_or_one, b.scope()});
}

Value stretched(Builder& b, Value x, Shape shape) {
  if (x.shape() == shape) return x;
  IndexMap map;
  for (size_t d = 0; d < shape.size(); ++d) {
    const Index i = Index::var("i" + std::to_string(d)), &size = x.shape()[d];
    map.coords.push_back(equal(b.graph(), size, shape[d]) ? i : min(i, size - 1));
  }
  return b.reindex(x, std::move(shape), std::move(map), Scalar::of_int(x.dtype(), 0));
}

}  // namespace mintor
