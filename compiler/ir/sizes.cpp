// SPDX-License-Identifier: Apache-2.0
// Conditions as text and as a check, computed symbols, and the search for sizes that fit (sizes.h).
// Keeps true: the search lowers the number of broken conditions with each change, so it ends.
#include "compiler/ir/sizes.h"

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include "compiler/support/error.h"

namespace mintor {

namespace {

using Form = Condition::Form;

int64_t value_in(const Index& e, const SizeValues& values) {
  return e.evaluate([&](std::string_view name) { return values.at(std::string(name)); });
}

bool is_bound(const Index& e, const SizeValues& values) {
  return std::ranges::all_of(e.vars(), [&](const auto& name) { return values.contains(name); });
}

constexpr int64_t kUnknown = INT64_MAX / 4;

// How many conditions are broken, and by how much.
struct Distance {
  int64_t broken = 0, missing = 0;
  auto operator<=>(const Distance&) const = default;
};

Distance distance(const Condition& c, const SizeValues& values) {
  int64_t left = 0, right = kUnknown;
  try {
    left = value_in(c.left, values), right = value_in(c.right, values);
  } catch (const std::exception&) {  // overflows, or divides by 0: as far off as can be
  }
  if (holds(c.form, left, right)) return {};
  return {1, std::min(kUnknown, std::abs(std::clamp(left, -kUnknown, kUnknown) -
                                         std::clamp(right, -kUnknown, kUnknown)))};
}

Distance sum(std::span<const Distance> each) {
  Distance all;
  for (const Distance& one : each) {
    all.broken += one.broken;
    all.missing = std::min(kUnknown, all.missing + one.missing);
  }
  return all;
}

int64_t nearest_legal(const Symbol& symbol, int64_t value) {
  const int64_t step = std::max<int64_t>(symbol.divisor, 1);
  value = std::max(value, symbol.lo);
  if (symbol.hi >= 0) value = std::min(value, symbol.hi);
  const int64_t up = (value + step - 1) / step * step;
  return symbol.hi >= 0 && up > symbol.hi ? symbol.hi / step * step : up;
}

// Sizes that models have: 1, what another symbol is, or what constant it meets, then powers of 2
// and 3 times them.
std::vector<int64_t> candidates(const Condition& broken, const SizeValues& values) {
  std::vector<int64_t> out{1};
  for (const Index* side : {&broken.left, &broken.right})
    if (is_bound(*side, values)) {
      try {
        out.push_back(value_in(*side, values));
      } catch (const std::exception&) {
      }
    }
  for (int64_t n = 2; n <= 4096; n *= 2) out.insert(out.end(), {n, n + n / 2});
  for (int64_t n = 3; n <= 64; ++n) out.push_back(n);
  return out;
}

// Adds the symbols of which an expression is made, also through computed ones.
void add_symbols(std::span<const Symbol> symbols, const Index& e, std::set<std::string>& names) {
  for (const std::string& name : e.vars()) {
    if (!names.insert(name).second) continue;
    const auto symbol = std::ranges::find(symbols, name, &Symbol::name);
    if (symbol != symbols.end() && symbol->value) add_symbols(symbols, *symbol->value, names);
  }
}

// Values on their way to where all conditions hold. What a change of one symbol does is asked of
// those that depend on it alone.
class Search {
 public:
  Search(std::span<const Symbol> symbols, std::span<const Condition> conditions, SizeValues start)
      : symbols_(symbols), conditions_(conditions), values_(std::move(start)) {
    compute_sizes(symbols, values_);
    for (const Condition& c : conditions) {
      parts_.push_back(distance(c, values_));
      std::set<std::string>& names = made_of_.emplace_back();
      add_symbols(symbols, c.left, names);
      add_symbols(symbols, c.right, names);
    }
    best_ = sum(parts_);
  }

  // The first change that makes it better, by what mends a condition.
  bool improve() {
    for (size_t c = 0; c < conditions_.size(); ++c) {
      if (parts_[c].broken == 0) continue;
      for (const int64_t wanted : candidates(conditions_[c], values_))
        for (const Symbol& symbol : symbols_)
          if (!symbol.value && made_of_[c].contains(symbol.name) && changes(symbol, wanted))
            return true;
    }
    return false;
  }

  bool is_done() const { return best_.broken == 0; }
  SizeValues take() { return std::move(values_); }

 private:
  bool changes(const Symbol& symbol, int64_t wanted) {
    const int64_t legal = nearest_legal(symbol, wanted);
    if (values_.at(symbol.name) == legal) return false;
    const std::vector<const Symbol*>& computed = computed_from(symbol);
    std::vector<int64_t> before;
    for (const Symbol* other : computed) before.push_back(values_.at(other->name));
    const int64_t own = std::exchange(values_.at(symbol.name), legal);
    for (const Symbol* other : computed) values_.at(other->name) = value_in(*other->value, values_);
    std::vector<Distance> parts = parts_;
    for (size_t c = 0; c < conditions_.size(); ++c)
      if (made_of_[c].contains(symbol.name)) parts[c] = distance(conditions_[c], values_);
    if (const Distance now = sum(parts); now < best_) {
      parts_ = std::move(parts), best_ = now;
      return true;
    }
    values_.at(symbol.name) = own;
    for (size_t n = 0; n < computed.size(); ++n) values_.at(computed[n]->name) = before[n];
    return false;
  }

  // In the order of the symbols, in which each follows what it is computed from.
  const std::vector<const Symbol*>& computed_from(const Symbol& symbol) {
    const auto [found, is_new] = computed_.try_emplace(symbol.name);
    if (!is_new) return found->second;
    for (const Symbol& other : symbols_) {
      std::set<std::string> names;
      if (other.value) add_symbols(symbols_, *other.value, names);
      if (names.contains(symbol.name) && values_.contains(other.name))
        found->second.push_back(&other);
    }
    return found->second;
  }

  std::span<const Symbol> symbols_;
  std::span<const Condition> conditions_;
  SizeValues values_;
  std::vector<Distance> parts_;                                 // of each condition
  std::vector<std::set<std::string>> made_of_;                  // symbols of each condition
  std::map<std::string, std::vector<const Symbol*>> computed_;  // from each symbol
  Distance best_;
};

}  // namespace

bool says_the_same(const Condition& a, const Condition& b) {
  return a.left == b.left && a.right == b.right && a.form == b.form;
}

Index count_of(const Shape& shape) {
  Index count = 1;
  for (const Index& extent : shape) count = count * extent;
  return count;
}

bool is_stretch(const Condition& c) {
  return c.form == Form::left_or_one || c.form == Form::either_or_one;
}

bool is_never(const Condition& c) {
  return c.left.is_const() && c.right.is_const() && !c.because.empty();
}

bool holds(Form form, int64_t left, int64_t right) {
  switch (form) {
    case Form::equal:
      return left == right;
    case Form::left_or_one:
      return left == right || left == 1;
    case Form::either_or_one:
      return left == right || left == 1 || right == 1;
    case Form::left_or_positive:
      return left == right || left >= 1;
  }
  return false;
}

std::string to_string(const Condition& c) {
  std::string text = c.left.str() + " == " + c.right.str();
  if (c.form == Form::left_or_positive) return text + " or " + c.left.str() + " >= 1";
  if (is_stretch(c)) text += " or " + c.left.str() + " == 1";
  if (c.form == Form::either_or_one) text += " or " + c.right.str() + " == 1";
  return text;
}

std::string alternative_text(const Condition& c) {
  switch (c.form) {
    case Form::equal:
      return "";
    case Form::left_or_one:
      return c.right.is_const() ? " or 1" : ", or the first 1";
    case Form::either_or_one:
      return c.right.is_const() ? " or 1" : ", or one of them 1";
    case Form::left_or_positive:
      return c.right.is_const() ? " or at least 1" : ", or the first at least 1";
  }
  return "";
}

std::string broken_text(const Condition& c, int64_t left, int64_t right) {
  if (is_never(c)) return c.because;
  std::string text = c.left.str() + " is " + std::to_string(left);
  text += c.right.is_const() ? ", must be " + std::to_string(right)
                             : " and " + c.right.str() + " is " + std::to_string(right) +
                                   ", they must be equal";
  text += alternative_text(c);
  return c.because.empty() ? text : text + ": " + c.because;
}

Index common_size(const Index& p, const Index& q) { return max(p, q) * min(p, 1) * min(q, 1); }

void compute_sizes(std::span<const Symbol> symbols, SizeValues& values) {
  for (const Symbol& symbol : symbols)
    if (symbol.value && is_bound(*symbol.value, values))
      values[symbol.name] = value_in(*symbol.value, values);
}

std::optional<std::string> broken_condition(std::span<const Condition> conditions,
                                            const SizeValues& values) {
  for (const Condition& c : conditions) {
    if (!is_bound(c.left, values) || !is_bound(c.right, values)) continue;
    const int64_t left = value_in(c.left, values), right = value_in(c.right, values);
    if (!holds(c.form, left, right)) return broken_text(c, left, right);
  }
  return std::nullopt;
}

SizeValues sizes_that_fit(std::span<const Symbol> symbols, std::span<const Condition> conditions,
                          SizeValues wish) {
  constexpr int kMostTurns = 64;
  Search search(symbols, conditions, std::move(wish));
  for (int turn = 0; !search.is_done() && turn < kMostTurns; ++turn)
    if (!search.improve()) break;
  return search.take();
}

}  // namespace mintor
