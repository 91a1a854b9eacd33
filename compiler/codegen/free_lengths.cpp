// SPDX-License-Identifier: Apache-2.0
// Takes and gives what free_lengths.h says. Keeps true: a parameter stands for one expression over
// the kernel's symbols, the same in all levels; copies of a loop have one, other loops another,
// even where the numbers are equal: which are equal depends on the sizes.
#include "compiler/codegen/free_lengths.h"

#include <algorithm>
#include <map>
#include <utility>

#include "compiler/loop/analysis.h"
#include "compiler/support/index_poly.h"

namespace mintor {
namespace {

constexpr int64_t kUnknown = int64_t{1} << 40;
// Of a kernel: one of many parts has as many lengths, which are in its addresses as well.
constexpr size_t kMost = 8;

struct Length {
  std::string of;  // the loop, by its axis
  Index value;     // over symbols of the kernel
  std::string parameter;
};

// The lengths of a kernel, in order of appearance.
class Lengths {
 public:
  explicit Lengths(const LevelKernels& kernels) : ranges_(ranges_at(kernels.levels.front())) {
    for (const SymbolParam& symbol : kernels.levels.front().symbols) fixed_.insert(symbol.name);
    for (const Kernel& kernel : kernels.levels) taken_.merge(names_in(kernel));
  }

  const std::vector<Length>& all() const { return all_; }

  // A bound of the loop `of`: itself where it does not move with a loop, else what of it does not.
  Index free(const std::string& of, const Index& bound) {
    if (is_fixed(bound)) return parameter(of, bound);
    return free_part(of, bound);
  }

  // Only of what moves with a loop.
  Index free_part(const std::string& of, const Index& bound) {
    if (is_fixed(bound)) return bound;
    const auto& terms = bound.poly().terms;
    const Index::Atom* atom =
        terms.size() == 1 && terms[0].coefficient == 1 && terms[0].factors.size() == 1
            ? terms[0].factors[0].get()
            : nullptr;
    if (atom != nullptr && atom->kind == Index::Atom::Kind::min) {
      // What moves comes first: the order of the two depends on their forms.
      const bool swapped = is_fixed(atom->a);
      const Index first = free(of, swapped ? atom->b : atom->a);
      return min(first, free(of, swapped ? atom->a : atom->b));
    }
    Index moving, rest;
    for (const IndexTerm& term : terms) {
      const Index one = index_detail::product_of(term.coefficient, term.factors);
      (is_fixed(one) ? rest : moving) = (is_fixed(one) ? rest : moving) + one;
    }
    return moving + parameter(of, rest);
  }

 private:
  bool is_fixed(const Index& e) const {
    return std::ranges::all_of(e.vars(), [&](const std::string& v) { return fixed_.contains(v); });
  }

  // Of any run a size, 0 or more: what launches are given is checked as sizes are, also where a
  // branch that uses it is not taken, or its loop has no iterations.
  Index parameter(const std::string& of, const Index& value) {
    if (value.is_const() && value.value() < 2) return value;
    if (!defined_anywhere(value, ranges_) || !ranges_.proves_nonnegative(value)) return value;
    for (const Length& known : all_)
      if (known.of == of && known.value == value) return Index::var(known.parameter);
    std::string name;
    do name = "length_" + std::to_string(numbered_++);
    while (taken_.contains(name));
    all_.push_back({of, value, name});
    return Index::var(name);
  }

  std::set<std::string> fixed_, taken_;
  Ranges ranges_;  // of the symbols
  std::vector<Length> all_;
  int numbered_ = 0;
};

// Of items, not of the channels of a block.
bool is_sum(const LoopOrigin& origin) {
  return origin.role == LoopRole::reduced &&
         std::ranges::find(origin.parts, LoopPart::inner) == origin.parts.end();
}

class Freeing {
 public:
  explicit Freeing(Lengths& lengths) : lengths_(lengths) {}

  Stmt statement(const Stmt& stmt, bool outermost) {
    if (stmt == nullptr) return stmt;
    if (const auto* block = std::get_if<Block>(&stmt->node)) {
      std::vector<Stmt> body;
      for (const Stmt& s : block->body) body.push_back(statement(s, outermost));
      return std::make_shared<const StmtNode>(StmtNode{Block{std::move(body)}});
    }
    if (const auto* branch = std::get_if<If>(&stmt->node)) {
      Stmt yes = statement(branch->then_body, outermost);
      return k::if_(branch->cond, std::move(yes), statement(branch->else_body, outermost));
    }
    if (const auto* let = std::get_if<Let>(&stmt->node)) return limit(stmt, *let);
    const auto* loop = std::get_if<For>(&stmt->node);
    return loop == nullptr ? stmt : this->loop(*loop, outermost);
  }

 private:
  // The number of items of a block.
  Stmt limit(const Stmt& stmt, const Let& let) {
    const auto* index = std::get_if<IndexExpr>(&let.value->node);
    if (index == nullptr || let.value->lanes > 1) return stmt;
    return k::let(let.name, k::index(lengths_.free_part(around_, index->value)));
  }

  Stmt loop(const For& loop, bool outermost) {
    if (loop.kind == LoopKind::unrolled) return k::loop(loop, loop.body);
    const bool serial = loop.kind == LoopKind::serial;
    const std::string outer = std::exchange(around_, origin_of(loop).axis);
    Index begin = loop.begin, end = loop.end;
    if (serial) {
      const bool whole = outermost || is_sum(loop.origin);
      begin = whole ? lengths_.free(around_, begin) : lengths_.free_part(around_, begin);
      end = whole ? lengths_.free(around_, end) : lengths_.free_part(around_, end);
    }
    Stmt body = statement(loop.body, outermost && !serial);
    around_ = outer;
    return k::loop(loop, begin, end, std::move(body));
  }

  Lengths& lengths_;
  std::string around_;
};

}  // namespace

Program with_free_lengths(Program program) {
  std::map<std::string, std::pair<std::vector<SymbolParam>, std::vector<Length>>> added;
  for (LevelKernels& kernels : program.kernels) {
    Lengths lengths(kernels);
    std::vector<Stmt> bodies;
    for (const Kernel& kernel : kernels.levels)
      bodies.push_back(Freeing(lengths).statement(kernel.body, true));
    auto& [symbols, freed] = added[kernels.name];
    symbols = kernels.levels.front().symbols;
    if (lengths.all().size() > kMost) continue;
    freed = lengths.all();
    for (size_t level = 0; level < bodies.size(); ++level)
      kernels.levels[level].body = bodies[level];
    for (Kernel& kernel : kernels.levels)
      for (const Length& length : lengths.all())
        kernel.symbols.push_back({length.parameter, -kUnknown, -kUnknown - 1, 1});  // any
  }
  const auto pass = [&](Entry& entry) {
    visit_launches(entry.steps, [&](Launch& launch) {
      const auto& [symbols, lengths] = added.at(launch.kernel);
      std::map<std::string, Index> values;
      for (size_t n = 0; n < symbols.size(); ++n) values[symbols[n].name] = launch.symbols[n];
      for (const Length& length : lengths)
        launch.symbols.push_back(length.value.substitute(values));
    });
  };
  pass(program.prepare);
  for (Entry& entry : program.entries) pass(entry);
  return program;
}

}  // namespace mintor
