// SPDX-License-Identifier: Apache-2.0
// Equations between sizes, solved for a symbol where that says the same, else kept as conditions of
// the graph; and lower bounds of symbols (assume.h).
#include "frontends/onnx/assume.h"

#include <algorithm>
#include <numeric>

#include "compiler/ir/broadcast.h"
#include "compiler/ir/derive.h"
#include "compiler/ir/sizes.h"
#include "compiler/support/index_poly.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"

namespace mintor {

namespace {

using Atom = Index::Atom;
using namespace index_detail;

constexpr int64_t kScan = 4096;  // values of a symbol that are tried one by one

std::optional<std::string> only_symbol(const Index& e) {
  std::set<std::string> vars = e.vars();
  return vars.size() == 1 ? std::optional(*vars.begin()) : std::nullopt;
}

bool is_input_size(const Graph& graph, const std::string& name) {
  const Node* definer = definer_of(graph, name);
  return definer != nullptr && definer->kind == Kind::input;
}

// Factors that are never 0 do not matter: 4*b*t == 24*b is t == 6 where b is at least 1.
Index without_common_factors(const Graph& graph, Index e) {
  for (const std::string& name : e.vars()) {
    if (!graph.ranges().proves_nonnegative(Index::var(name) - 1)) continue;
    while (std::optional<Index> rest = divide_exactly(e, Index::var(name))) e = *rest;
  }
  return e;
}

// e == 0 says that a size of an input is one number: c * s + r == 0.
std::optional<OnnxBinding> as_number(const Graph& graph, const Index& e) {
  const std::optional<std::string> symbol = only_symbol(e);
  const auto affine = symbol ? e.affine_in(*symbol) : std::nullopt;
  if (!affine || affine->first == 0 || !is_input_size(graph, *symbol)) return std::nullopt;
  const int64_t c = affine->first, r = affine->second.value();
  if (r % c != 0 || -(r / c) < 0) return std::nullopt;
  return OnnxBinding{*symbol, -(r / c), "", ""};
}

// e == 0 says that two sizes of inputs are one: c * (a - b) == 0. The later becomes the earlier.
std::optional<OnnxBinding> as_other(const Graph& graph, const Index& e) {
  const std::set<std::string> vars = e.vars();
  if (vars.size() != 2 || !e.poly().plain) return std::nullopt;
  const std::string &a = *vars.begin(), &b = *vars.rbegin();
  const auto affine = e.affine_in(a);
  const Index apart = Index::var(a) - Index::var(b);
  if (!affine || !(e == Index(affine->first) * apart)) return std::nullopt;
  if (!is_input_size(graph, a) || !is_input_size(graph, b)) return std::nullopt;
  for (const Symbol& symbol : graph.symbols()) {
    if (symbol.name == b) return OnnxBinding{a, 0, b, ""};
    if (symbol.name == a) break;
  }
  return OnnxBinding{b, 0, a, ""};
}

// 5*t + 2 == 0 has no solution in whole numbers, whatever t is.
bool has_no_solution(const Index& e) {
  int64_t common = 0, rest = constant_part(e);
  for (const IndexTerm& term : e.poly().terms) {
    if (!term.factors.empty()) common = std::gcd(common, term.coefficient);
  }
  return common == 0 || rest % common != 0;
}

}  // namespace

std::string OnnxBinding::text() const {
  const std::string what = other.empty() ? std::to_string(value) : "the size '" + other + "'";
  return "'" + symbol + "' is taken as " + what + ": " + because;
}

bool need_equal(OnnxState& state, const Index& x, const Index& y, const std::string& place) {
  const Graph& graph = state.graph;
  const Index e = without_common_factors(graph, graph.ranges().simplify(x - y));
  if (has_no_solution(e)) return false;
  // Of a region, which may not run, nothing is bound.
  std::optional<OnnxBinding> binding;
  if (!state.around) binding = as_number(graph, e);
  if (!state.around && !binding) binding = as_other(graph, e);
  if (binding) {
    binding->because =
        place + " needs " + x.str() + " and " + y.str() + " to be equal";
    state.sizes.bound.push_back(*std::move(binding));
    return true;
  }
  if (provably_different(graph, e, 0)) return false;
  Condition condition{x.is_const() ? y : x, x.is_const() ? x : y, Condition::Form::equal, place};
  for (const Condition& known : state.sizes.needed)
    if (says_the_same(known, condition)) return false;  // it does not help
  state.sizes.needed.push_back(std::move(condition));
  return true;
}

namespace {

// The pair of sizes that a computed symbol of the graph is common to.
std::optional<OnnxCommon> common_of(const Graph& graph, const Symbol& symbol) {
  for (const Condition& c : graph.conditions())
    if (c.form == Condition::Form::either_or_one && common_size(c.left, c.right) == symbol.value)
      return OnnxCommon{symbol.name, c.left, c.right};
  return std::nullopt;
}

// What two sizes have in common under what is known now: one of them, or `name`.
Index meaning_of(OnnxState& state, const std::string& name, const Index& p, const Index& q) {
  Graph trial;
  trial.copy_sizes(state.graph);
  Builder builder(trial);
  Index size = p;
  try {
    size = common_extent(builder, "", p, q, "");
  } catch (const CompileError&) {  // they have to be equal: the operator will say so again
  }
  const auto made = size.as_var();
  if (!made || state.graph.find_symbol(*made) != nullptr) return size;
  Symbol symbol = *trial.find_symbol(*made);
  symbol.name = name;
  state.graph.add_symbol(std::move(symbol));
  return Index::var(name);
}

bool is_implied(const OnnxState& state, const Condition& c) {
  const auto stretches = [&](const Index& from, const Index& to) {
    return std::ranges::any_of(state.graph.conditions(), [&](const Condition& known) {
      return known.form == Condition::Form::left_or_one && known.left == from && known.right == to;
    });
  };
  for (const OnnxCommon& common : state.sizes.commons) {
    const Index symbol = Index::var(common.name), p = common.p.substitute(state.symbols),
                q = common.q.substitute(state.symbols);
    const Index other = c.left == symbol ? c.right : c.left;
    if (!(c.left == symbol) && !(c.right == symbol)) continue;
    if ((other == p && stretches(q, p)) || (other == q && stretches(p, q))) return true;
  }
  return false;
}

}  // namespace

void begin_sizes(OnnxState& state) {
  for (const OnnxCommon& common : state.sizes.commons) {
    state.symbols.insert_or_assign(
        common.name, meaning_of(state, common.name, common.p.substitute(state.symbols),
                                common.q.substitute(state.symbols)));
  }
  for (const Condition& c : state.sizes.needed) {
    Condition now{c.left.substitute(state.symbols), c.right.substitute(state.symbols), c.form, ""};
    if (state.graph.ranges().simplify(now.left - now.right).is_const(0)) continue;
    state.graph.add_condition(std::move(now));
    if (state.graph.conditions().size() > state.places.size()) state.places.push_back(c.because);
  }
}

void note_sizes(OnnxState& state) {
  for (const Symbol& symbol : state.graph.symbols()) {
    if (symbol.value && state.around && state.around->graph.find_symbol(symbol.name)) continue;
    if (!symbol.value || std::ranges::find(state.sizes.commons, symbol.name, &OnnxCommon::name) !=
                             state.sizes.commons.end())
      continue;
    if (auto common = common_of(state.graph, symbol))
      state.sizes.commons.push_back(*std::move(common));
  }
}

void finish_sizes(OnnxState& state) {
  Graph kept;
  std::set<std::string> used;
  for (const auto& node : state.graph.nodes()) used.merge(symbols_of(*node));
  std::vector<Condition> conditions;
  for (size_t i = 0; i < state.graph.conditions().size(); ++i) {
    Condition c = state.graph.conditions()[i];
    if (c.form == Condition::Form::equal && is_implied(state, c)) continue;
    if (i < state.places.size()) c.because = state.places[i];
    used.merge(c.left.vars()), used.merge(c.right.vars());
    conditions.push_back(std::move(c));
  }
  const auto& symbols = state.graph.symbols();
  for (size_t i = symbols.size(); i-- > 0;)
    if (symbols[i].value && used.contains(symbols[i].name)) used.merge(symbols[i].value->vars());
  for (const Symbol& symbol : symbols)
    if (!symbol.value || used.contains(symbol.name)) kept.add_symbol(symbol);
  for (Condition& c : conditions) kept.add_condition(std::move(c));
  state.graph.copy_sizes(kept);
}

namespace {

[[noreturn]] void contradicts(const OnnxBinding& b, const Symbol& symbol) {
  throw CompileError("--shape", "the range " + std::to_string(symbol.lo) + ".." +
                                    (symbol.hi < 0 ? "" : std::to_string(symbol.hi)) +
                                    " is given for '" + symbol.name + "', but " + b.because);
}

}  // namespace

void declare_symbol(OnnxState& state, const std::string& name, int64_t lo, int64_t hi) {
  Symbol symbol;
  symbol.name = name;
  symbol.lo = lo;
  symbol.hi = hi;
  Index meaning = Index::var(name);
  for (const OnnxBinding& b : state.sizes.bound) {
    if (b.symbol != name) continue;
    if (b.other.empty() && (b.value < lo || (hi >= 0 && b.value > hi))) contradicts(b, symbol);
    meaning = b.other.empty() ? Index(b.value) : state.symbols.at(b.other);
  }
  if (std::optional<std::string> other = meaning.as_var(); other && *other != name) {
    Symbol narrowed = *state.graph.find_symbol(*other);
    narrowed.lo = std::max(narrowed.lo, symbol.lo);
    if (symbol.hi >= 0 && (narrowed.hi < 0 || symbol.hi < narrowed.hi)) narrowed.hi = symbol.hi;
    state.graph.add_symbol(std::move(narrowed));
  } else if (other) {
    state.graph.add_symbol(std::move(symbol));
  }
  state.symbols.insert_or_assign(name, std::move(meaning));
}

namespace {

// From which value of the symbol on e >= least, as far as it can be told. The symbol is the only
// variable of e.
std::optional<int64_t> lowest(const Index& e, const std::string& symbol, int64_t least,
                              int64_t from) {
  if (e.is_const()) return e.value() >= least ? std::optional(from) : std::nullopt;
  const auto& terms = e.poly().terms;
  const IndexTerm& lead = terms.front();
  const bool one_term = terms.size() == 1 || (terms.size() == 2 && terms[1].factors.empty());
  if (one_term && lead.factors.size() == 1 && lead.coefficient > 0) {
    const Atom& atom = *lead.factors[0];
    // coefficient * atom + rest >= least
    const int64_t bound = -floor_div(constant_part(e) - least, lead.coefficient);
    if (atom.kind == Atom::Kind::variable) return std::max(from, bound);
    if (atom.kind == Atom::Kind::floordiv && atom.b.is_const())
      return lowest(atom.a, symbol, multiply(bound, atom.b.value()), from);
    if (atom.kind == Atom::Kind::min || atom.kind == Atom::Kind::max) {
      auto a = lowest(atom.a, symbol, bound, from), b = lowest(atom.b, symbol, bound, from);
      if (atom.kind == Atom::Kind::min)
        return a && b ? std::optional(std::max(*a, *b)) : std::nullopt;
      return !a ? b : !b ? a : std::optional(std::min(*a, *b));
    }
  }
  // Anything else is tried out; what still fails halfway is not known to end.
  int64_t last = from - 1;
  for (int64_t value = from; value < from + kScan; ++value) {
    if (e.evaluate([&](std::string_view) { return value; }) < least) last = value;
  }
  return last < from + kScan / 2 ? std::optional(last + 1) : std::nullopt;
}

std::optional<int64_t> lowest_or_none(const Index& e, const std::string& symbol, int64_t least,
                                      int64_t from) {
  try {
    return lowest(e, symbol, least, from);
  } catch (const CompileError&) {  // it overflows 64 bits: nothing is told
  } catch (const InternalError&) {  // a divisor is 0 for some value
  }
  return std::nullopt;
}

}  // namespace

void need_size(OnnxState& state, const Index& size, int64_t least) {
  const std::optional<std::string> name = size.is_const() ? std::nullopt : only_symbol(size);
  const Symbol* found = name ? state.graph.find_symbol(*name) : nullptr;
  if (!found || state.graph.ranges().proves_nonnegative(size - least)) return;
  Symbol symbol = *found;
  const std::optional<int64_t> lo = lowest_or_none(size, *name, least, symbol.lo);
  if (!lo || *lo <= symbol.lo) return;
  if (symbol.hi >= 0 && *lo > symbol.hi)
    throw CompileError("", "the size " + size.str() + " needs '" + *name + "' of at least " +
                               std::to_string(*lo) + ", which is at most " +
                               std::to_string(symbol.hi));
  if (state.given_ranges.contains(*name))
    throw CompileError("",
                       "the size " + size.str() + " needs '" + *name + "' of at least " +
                           std::to_string(*lo) + ", the given range begins at " +
                           std::to_string(symbol.lo),
                       "", "begin the range at " + std::to_string(*lo) + " with --shape");
  symbol.lo = *lo;
  state.graph.add_symbol(std::move(symbol));
}

void need_sizes(OnnxState& state, size_t first) {
  for (size_t i = first; i < state.graph.nodes().size(); ++i) {
    const Node& node = *state.graph.nodes()[i];
    for (const Type& type : node.results) {
      int64_t count = 1;
      for (const Index& size : type.shape) {
        if (!size.is_const()) need_size(state, size, 0);
        if (size.is_const() &&
            (__builtin_mul_overflow(count, std::max<int64_t>(size.value(), 1), &count) ||
             count > onnx_limits::kElements))
          throw CompileError("", "a result " + to_string(type) + " has more than " +
                                     std::to_string(onnx_limits::kElements) + " elements");
      }
    }
  }
}

}  // namespace mintor
