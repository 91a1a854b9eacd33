// SPDX-License-Identifier: Apache-2.0
// Equations between sizes solved for symbols, and lower bounds of symbols (assume.h).
// Keeps true: an assumption is tried before it is made: under it the equation holds by the same
// arithmetic that the importer uses afterwards.
#include "frontends/onnx/assume.h"

#include <algorithm>
#include <numeric>

#include "compiler/support/index_poly.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"

namespace mintor {

namespace {

using Assumption = OnnxAssumption;
using Atom = Index::Atom;
using namespace index_detail;

constexpr int64_t kScan = 4096;            // values of a symbol that are tried one by one
constexpr int64_t kLargestDivisor = 4096;  // of a size; windows of vision models are below 64

// Every atom of e, those inside atoms too.
void collect_atoms(const Index& e, std::vector<AtomRef>& out) {
  for (const AtomRef& atom : atoms_of(e)) {
    if (atom->kind == Atom::Kind::variable) continue;
    out.push_back(atom);
    collect_atoms(atom->a, out);
    collect_atoms(atom->b, out);
  }
}

std::optional<std::string> only_symbol(const Index& e) {
  std::set<std::string> vars = e.vars();
  return vars.size() == 1 ? std::optional(*vars.begin()) : std::nullopt;
}

// Multiples that make the divisions of these atoms exact, one a symbol.
std::vector<Assumption> exact_divisions(const std::vector<AtomRef>& atoms) {
  std::map<std::string, int64_t> divisors;
  for (const AtomRef& atom : atoms) {
    bool divides = atom->kind == Atom::Kind::floordiv || atom->kind == Atom::Kind::mod;
    std::optional<std::string> symbol = divides ? only_symbol(atom->a) : std::nullopt;
    if (!symbol || !atom->b.is_const() || atom->b.value() > kLargestDivisor) continue;
    auto affine = atom->a.affine_in(*symbol);
    if (!affine || affine->first == 0) continue;
    int64_t divisor = atom->b.value() / std::gcd(atom->b.value(), affine->first);
    int64_t& all = divisors.try_emplace(*symbol, 1).first->second;
    all = std::lcm(all, divisor);
    if (all > kLargestDivisor) return {};
  }
  std::vector<Assumption> out;
  for (const auto& [symbol, divisor] : divisors) {
    if (divisor > 1) out.push_back({Assumption::Kind::multiple, symbol, divisor, "", ""});
  }
  return out;
}

// The bounds under which a min or max is always the same of its two operands.
std::vector<Assumption> decided_extrema(const std::vector<AtomRef>& atoms) {
  std::vector<Assumption> out;
  for (const AtomRef& atom : atoms) {
    if (atom->kind != Atom::Kind::min && atom->kind != Atom::Kind::max) continue;
    Index difference = atom->a - atom->b;
    std::optional<std::string> symbol = only_symbol(difference);
    if (!symbol) continue;
    auto affine = difference.affine_in(*symbol);
    if (!affine || affine->first == 0 || !affine->second.is_const()) continue;
    // c * s + r <= 0, and >= 0
    int64_t c = affine->first, r = affine->second.value();
    int64_t below = floor_div(c > 0 ? -r : r, std::abs(c));
    int64_t above = -floor_div(c > 0 ? r : -r, std::abs(c));
    if (below >= 1) out.push_back({Assumption::Kind::at_most, *symbol, below, "", ""});
    if (above >= 1) out.push_back({Assumption::Kind::at_least, *symbol, above, "", ""});
  }
  return out;
}

Ranges ranges_under(const Graph& graph, const std::vector<Assumption>& assumptions) {
  Ranges ranges = graph.ranges();
  for (const Assumption& a : assumptions) {
    const Range* known = ranges.find(a.symbol);
    if (!known) continue;
    Range range = *known;
    if (a.kind == Assumption::Kind::multiple) range.divisor = std::lcm(range.divisor, a.value);
    if (a.kind == Assumption::Kind::at_most) range.hi = Index(a.value);
    if (a.kind == Assumption::Kind::at_least) range.lo = Index(a.value);
    ranges.set(a.symbol, range);
  }
  return ranges;
}

// Variables that every term has as a factor are no 0 in a model that does something.
Index without_common_factors(Index e) {
  for (const std::string& name : e.vars()) {
    while (std::optional<Index> rest = divide_exactly(e, Index::var(name))) e = *rest;
  }
  return e;
}

// e == 0 for a symbol that occurs once, or for two of which one is the other.
std::vector<Assumption> solve_linear(const Graph& graph, const Index& equation) {
  Index e = without_common_factors(equation);
  std::set<std::string> vars = e.vars();
  auto affine = vars.empty() ? std::nullopt : e.affine_in(*vars.begin());
  if (!affine || affine->first == 0) return {};
  auto [c, rest] = *affine;
  if (vars.size() == 1) {
    int64_t value = rest.value();
    if (value % c != 0 || -value / c < 0) return {};
    return {{Assumption::Kind::equal, *vars.begin(), -value / c, "", ""}};
  }
  std::optional<std::string> second = floordiv(rest, std::abs(c)).as_var();
  if (c > 0) second = floordiv(rest * Index(-1), c).as_var();
  if (vars.size() != 2 || !second || !(e == Index(c) * (Index::var(*vars.begin()) -
                                                        Index::var(*second))))
    return {};
  // The later of the two becomes the earlier.
  for (const Symbol& symbol : graph.symbols()) {
    if (symbol.name == *second)
      return {{Assumption::Kind::same, *vars.begin(), 0, *second, ""}};
    if (symbol.name == *vars.begin())
      return {{Assumption::Kind::same, *second, 0, *vars.begin(), ""}};
  }
  return {};
}

}  // namespace

std::string OnnxAssumption::text() const {
  std::string what;
  switch (kind) {
    case Kind::equal:
      what = std::to_string(value);
      break;
    case Kind::same:
      what = "the size '" + other + "'";
      break;
    case Kind::at_most:
      what = "at most " + std::to_string(value);
      break;
    case Kind::at_least:
      what = "at least " + std::to_string(value);
      break;
    case Kind::multiple:
      what = "a multiple of " + std::to_string(value);
      break;
  }
  return "'" + symbol + "' is taken as " + what + ": " + because;
}

std::vector<OnnxAssumption> assume_equal(const Graph& graph, const Index& x, const Index& y) {
  const Index equation = graph.ranges().simplify(x - y);
  std::vector<AtomRef> atoms;
  collect_atoms(equation, atoms);
  if (atoms.empty()) return solve_linear(graph, equation);
  const std::vector<Assumption> exact = exact_divisions(atoms);
  std::vector<std::vector<Assumption>> trials;
  if (!exact.empty()) trials.push_back(exact);
  std::vector<Assumption> all = exact;
  for (const Assumption& bound : decided_extrema(atoms)) {
    trials.push_back({bound});
    if (bound.kind == Assumption::Kind::at_most) all.push_back(bound);
  }
  trials.push_back(all);
  for (std::vector<Assumption>& trial : trials) {
    if (ranges_under(graph, trial).simplify(equation).is_const(0)) return trial;
  }
  for (std::vector<Assumption>& trial : trials) {
    const Index left = ranges_under(graph, trial).simplify(equation);
    if (!left.poly().plain) continue;
    std::vector<Assumption> solved = solve_linear(graph, left);
    if (solved.size() == 1 && solved[0].kind == Assumption::Kind::equal) return solved;
  }
  return {};
}

namespace {

[[noreturn]] void contradicts(const OnnxAssumption& a, const Symbol& symbol) {
  throw CompileError("--shape", "the range " + std::to_string(symbol.lo) + ".." +
                                    (symbol.hi < 0 ? "" : std::to_string(symbol.hi)) +
                                    " is given for '" + symbol.name + "', but " + a.because);
}

}  // namespace

void declare_symbol(OnnxState& state, const std::string& name, int64_t lo, int64_t hi) {
  Symbol symbol{name, lo, hi, 1, 0};
  Index meaning = Index::var(name);
  for (const OnnxAssumption& a : state.assumed) {
    if (a.symbol != name) continue;
    bool too_low = a.value < symbol.lo, too_high = symbol.hi >= 0 && a.value > symbol.hi;
    switch (a.kind) {
      case OnnxAssumption::Kind::equal:
        if (too_low || too_high) contradicts(a, symbol);
        meaning = a.value;
        break;
      case OnnxAssumption::Kind::same:
        meaning = state.symbols.at(a.other);
        break;
      case OnnxAssumption::Kind::at_most:
        if (too_low) contradicts(a, symbol);
        if (!too_high) symbol.hi = a.value;
        break;
      case OnnxAssumption::Kind::at_least:
        if (too_high) contradicts(a, symbol);
        if (!too_low) symbol.lo = a.value;
        break;
      case OnnxAssumption::Kind::multiple:
        symbol.divisor = std::lcm(symbol.divisor, a.value);
        break;
    }
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
