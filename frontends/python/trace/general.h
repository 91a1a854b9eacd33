// SPDX-License-Identifier: Apache-2.0
// Segments for more than one size. Two segments with the same calls, whose sizes and integer
// attributes differ, become one: a number that differs is a symbol, or a multiple of one and a
// constant, as both samples say. Takes the numbers of the two; gives symbols and an expression for
// each number. Keeps true: whether a third segment is one of them is checked number by number; what
// a segment may become for sizes in general is checked by its operators (NotGeneral); a symbol has
// a bound far above its samples, so that sums over it have few levels and sizes fit 64 bits.
//
//   x[64, 10] -> reshape (64, 2, 5)      numbers 64 10 64 2 5
//   x[48, 10] -> reshape (48, 2, 5)      numbers 48 10 48 2 5      ->   s0 10 s0 2 5
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/support/index.h"
#include "frontends/python/trace/segment.h"
#include "frontends/python/trace/signature.h"

namespace mintor::trace {

// Sizes of the leaves, then integer attributes of the calls, in order.
std::vector<int64_t> numbers_of(const TapeContents& contents);

struct General {
  std::vector<size_t> defined_by;  // for each symbol the number that it is
  std::vector<int64_t> hints, most;  // of each symbol a typical value, and its bound
  std::vector<Index> numbers;  // over the symbols s0, s1, ...

  // Values of the symbols; null where a number is not what its expression gives.
  std::optional<std::vector<int64_t>> match(std::span<const int64_t> numbers) const;
};

std::string symbol_name(size_t symbol);  // s0, s1, ...
// Null where nothing differs, or too much.
std::optional<General> generalise(std::span<const int64_t> before, std::span<const int64_t> now);

// A size that the user declared, and its values in some samples.
struct DeclaredSize {
  std::string name;
  std::vector<int64_t> samples;
};
// What a number with these values in the samples is: a constant, a multiple of a size or of the
// product of two, or a size and a constant. Null: none of these.
std::optional<Index> over_sizes(std::span<const DeclaredSize> sizes,
                                std::span<const int64_t> number);

}  // namespace mintor::trace
