// SPDX-License-Identifier: Apache-2.0
// A search for symbol values that make every size legal. Takes a Program; gives values. Keeps true:
// each turn lowers what is missing in all, so the search ends; equal Programs give equal values.
#include "compiler/memory/symbol_values.h"

#include <algorithm>
#include <set>

#include "compiler/ir/sizes.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

constexpr int kMostTurns = 64;
constexpr int64_t kHopeless = INT64_MAX;       // a size that cannot be computed

int64_t divisor_of(const Symbol& symbol) { return std::max<int64_t>(symbol.divisor, 1); }

// The legal value next to `value`, upwards first.
int64_t nearest_legal(const Symbol& symbol, int64_t value) {
  const int64_t step = divisor_of(symbol);
  value = std::max(value, symbol.lo);
  if (symbol.hi >= 0) value = std::min(value, symbol.hi);
  const int64_t up = (value + step - 1) / step * step;
  return symbol.hi >= 0 && up > symbol.hi ? symbol.hi / step * step : up;
}

std::vector<Condition> all_conditions(const Program& program) {
  std::vector<Condition> all;
  for (const Entry& entry : program.entries)
    all.insert(all.end(), entry.conditions.begin(), entry.conditions.end());
  return all;
}

// A size that some values may make negative, and whose it is.
struct Extent {
  const Buffer* buffer;
  size_t dim;
  const Index& size() const { return buffer->shape[dim]; }
};

std::vector<Extent> symbolic_extents(const Program& program) {
  std::vector<Extent> extents;
  std::set<Index> seen;
  for (const Buffer& buffer : program.buffers) {
    for (size_t d = 0; d < buffer.shape.size(); ++d) {
      const Index& size = buffer.shape[d];
      if (!size.is_const() && seen.insert(size).second) extents.push_back({&buffer, d});
    }
  }
  return extents;
}

// Where a symbol might go so that a size gets what it lacks: up as far as that, up in leaps (a
// window of 30 with a step of 32), or down.
std::vector<int64_t> candidates(const Symbol& symbol, int64_t now, int64_t lacks) {
  constexpr int64_t kFar = int64_t{1} << 40;
  if (now > kFar || lacks > kFar) return {now / 2, symbol.lo};
  return {now + lacks, 2 * now + lacks, 8 * now + lacks, 64 * now + lacks,
          now - lacks, now / 2,         symbol.lo};
}

// By how much sizes lie below `least`, summed; 0: all are legal.
int64_t missing(const std::vector<Extent>& extents, const SymbolValues& values, int64_t least) {
  int64_t sum = 0;
  try {
    for (const Extent& extent : extents) {
      const int64_t size = value_at(extent.size(), values);
      if (size < least && __builtin_add_overflow(sum, least - size, &sum)) return kHopeless;
    }
  } catch (const std::exception&) {     // leaves 64 bits, or divides by a symbol that is 0
    return kHopeless;
  }
  return sum;
}

// Also through a symbol that is computed.
bool depends(const Program& program, const Index& size, const Symbol& symbol) {
  return size.mentions(symbol.name) ||
         std::ranges::any_of(program.symbols, [&](const Symbol& other) {
           return other.value && size.mentions(other.name) && other.value->mentions(symbol.name);
         });
}

const Extent& first_below(const std::vector<Extent>& extents, const SymbolValues& values,
                          int64_t least) {
  return *std::ranges::find_if(
      extents, [&](const Extent& extent) { return value_at(extent.size(), values) < least; });
}

}  // namespace

int64_t value_at(const Index& e, const SymbolValues& values) {
  return e.evaluate([&](std::string_view name) { return values.at(std::string(name)); });
}

std::optional<SymbolValues> legal_values(const Program& program, SymbolValues values,
                                         int64_t least) {
  const std::vector<Extent> extents = symbolic_extents(program);
  values = sizes_that_fit(program.symbols, all_conditions(program), std::move(values));
  int64_t left = missing(extents, values, least);
  for (int turn = 0; left > 0 && left < kHopeless && turn < kMostTurns; ++turn) {
    const Extent& bad = first_below(extents, values, least);
    const int64_t lacks = least - value_at(bad.size(), values);
    const int64_t before = left;
    for (const Symbol& symbol : program.symbols) {
      if (left < before || symbol.value || !depends(program, bad.size(), symbol)) continue;
      for (const int64_t wanted : candidates(symbol, values.at(symbol.name), lacks)) {
        SymbolValues tried = values;
        tried[symbol.name] = nearest_legal(symbol, wanted);
        compute_sizes(program.symbols, tried);
        left = missing(extents, tried, least);
        if (left >= before) continue;
        values = std::move(tried);      // the first that helps: values stay small
        break;
      }
    }
    if (left >= before) return std::nullopt;
  }
  if (left > 0) return std::nullopt;
  return values;
}

SymbolValues hint_values(const Program& program) {
  SymbolValues values;
  for (const Symbol& symbol : program.symbols) {
    values[symbol.name] = nearest_legal(symbol, symbol.hint > 0 ? symbol.hint : 1);
  }
  compute_sizes(program.symbols, values);
  for (const int64_t least : {1, 0}) {
    if (auto found = legal_values(program, values, least)) return *std::move(found);
  }
  for (const Extent& extent : symbolic_extents(program)) {
    if (value_at(extent.size(), values) >= 0) continue;
    throw CompileError("memory", "dimension " + std::to_string(extent.dim) + " of '" +
                                     extent.buffer->name + "' is " + extent.size().str() +
                                     ", and no sizes were found for which it is not negative",
                       "", "give the sizes of the inputs with --shape");
  }
  throw CompileError("memory", "no sizes of the inputs were found for which all sizes fit 64 bits",
                     "", "give the sizes of the inputs with --shape");
}

}  // namespace mintor
