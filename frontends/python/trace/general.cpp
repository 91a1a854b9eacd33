// SPDX-License-Identifier: Apache-2.0
// Numbers of two segments to expressions over symbols. A number that differs is taken as an earlier
// symbol where both samples have it; else as a multiple of one (c*s), or at a distance (s + d);
// else it is a symbol of its own.
#include "frontends/python/trace/general.h"

#include <algorithm>
#include <bit>
#include <map>

#include "runtime/include/mintor_abi.h"

namespace mintor::trace {
namespace {

struct Sample {
  int64_t before, now;
};

// c*s + d with c = 1, or d = 0, through both samples; null: there is none.
std::optional<Index> in_terms_of(const Sample& symbol, const Index& name, const Sample& number) {
  if (number.now - symbol.now == number.before - symbol.before) {
    return name + (number.now - symbol.now);
  }
  if (symbol.now != 0 && number.now % symbol.now == 0 &&
      number.now / symbol.now * symbol.before == number.before) {
    return name * (number.now / symbol.now);
  }
  return std::nullopt;
}

constexpr int64_t kLeastSize = 2;                // 0 and 1 mean something else in a broadcast
constexpr int64_t kMostSize = int64_t{1} << 40;  // sizes in bytes stay far within 64 bits

bool may_be_symbol(const Sample& sample) {
  return std::min(sample.before, sample.now) >= kLeastSize &&
         std::max(sample.before, sample.now) <= kMostSize;
}

// The square of its samples. Few processes meet a larger one later; for one that does a program is
// compiled again, with a larger bound. Sums over 4096 elements are one block (docs/numerics.md).
int64_t bound_of(const Sample& sample) {
  const auto larger = static_cast<uint64_t>(std::max(sample.before, sample.now));
  const int64_t rounded = std::min<int64_t>(std::bit_ceil(larger), int64_t{1} << 20);
  return std::max(rounded * rounded, int64_t{4096});
}

}  // namespace

std::string symbol_name(size_t symbol) { return "s" + std::to_string(symbol); }

std::vector<int64_t> numbers_of(const TapeContents& contents) {
  std::vector<int64_t> numbers;
  for (const Ref<Variable>& leaf : contents.leaves) {
    numbers.insert(numbers.end(), leaf->type->shape.begin(), leaf->type->shape.end());
  }
  for (const auto* calls : {&contents.history, &contents.calls}) {
    for (const Ref<Call>& call : *calls) {
      const std::vector<int64_t>& integers = call->signature->integers;
      numbers.insert(numbers.end(), integers.begin(), integers.end());
    }
  }
  return numbers;
}

std::optional<General> generalise(std::span<const int64_t> before, std::span<const int64_t> now) {
  if (before.size() != now.size()) return std::nullopt;
  General general;
  std::vector<Sample> symbols;
  for (size_t i = 0; i < now.size(); ++i) {
    const Sample number{before[i], now[i]};
    if (number.before == number.now) {
      general.numbers.emplace_back(number.now);
      continue;
    }
    std::optional<Index> known;
    for (size_t s = 0; s < symbols.size() && !known; ++s) {
      known = in_terms_of(symbols[s], Index::var(symbol_name(s)), number);
    }
    if (known) {
      general.numbers.push_back(*known);
      continue;
    }
    if (!may_be_symbol(number) || symbols.size() >= MT_MAX_SYMBOLS / 2) return std::nullopt;
    general.numbers.push_back(Index::var(symbol_name(symbols.size())));
    general.defined_by.push_back(i);
    general.hints.push_back(number.now);
    general.most.push_back(bound_of(number));
    symbols.push_back(number);
  }
  if (symbols.empty()) return std::nullopt;
  return general;
}

std::optional<Index> over_sizes(std::span<const DeclaredSize> sizes,
                                std::span<const int64_t> number) {
  if (std::ranges::all_of(number, [&](int64_t n) { return n == number[0]; })) return number[0];
  const auto is = [&](const auto& value_of) {
    for (size_t sample = 0; sample < number.size(); ++sample)
      if (value_of(sample) != number[sample]) return false;
    return true;
  };
  for (const DeclaredSize& size : sizes) {
    const int64_t distance = number[0] - size.samples[0];
    if (is([&](size_t sample) { return size.samples[sample] + distance; }))
      return Index::var(size.name) + distance;
  }
  const DeclaredSize one{"", std::vector<int64_t>(number.size(), 1)};
  for (const DeclaredSize& size : sizes) {
    std::vector<const DeclaredSize*> others{&one};
    for (const DeclaredSize& other : sizes) others.push_back(&other);
    for (const DeclaredSize* other : others) {
      const int64_t product = size.samples[0] * other->samples[0];
      if (product == 0 || number[0] % product != 0) continue;
      const int64_t factor = number[0] / product;
      if (!is([&](size_t sample) {
            return factor * size.samples[sample] * other->samples[sample];
          }))
        continue;
      const Index multiple = Index::var(size.name) * factor;
      return other == &one ? multiple : multiple * Index::var(other->name);
    }
  }
  return std::nullopt;
}

std::optional<std::vector<int64_t>> General::match(std::span<const int64_t> given) const {
  if (given.size() != numbers.size()) return std::nullopt;
  std::vector<int64_t> symbols;
  std::map<std::string, int64_t, std::less<>> values;
  for (size_t s = 0; s < defined_by.size(); ++s) {
    const int64_t value = given[defined_by[s]];
    if (value < kLeastSize || value > most[s]) return std::nullopt;
    symbols.push_back(value);
    values[symbol_name(s)] = value;
  }
  const auto value_of = [&](std::string_view name) { return values.find(name)->second; };
  for (size_t i = 0; i < given.size(); ++i) {
    if (numbers[i].evaluate(value_of) != given[i]) return std::nullopt;
  }
  return symbols;
}

}  // namespace mintor::trace
