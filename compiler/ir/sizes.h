// SPDX-License-Identifier: Apache-2.0
// Values of symbols: those that are computed from others, and the conditions on all.
// Takes symbols and conditions (of a Graph or a Program) and values by name; gives the values that
// follow, or what is broken. Used wherever sizes are bound: evaluator, interpreter, and where a
// pass needs sizes to try.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>

#include "compiler/ir/graph.h"

namespace mintor {

using SizeValues = std::map<std::string, int64_t>;

// Elements of a value.
Index count_of(const Shape& shape);

bool is_stretch(const Condition& c);  // of a broadcast: a 1 will do
bool says_the_same(const Condition& a, const Condition& b);
bool is_never(const Condition& c);  // of two numbers: what is wrong is its reason alone
bool holds(Condition::Form form, int64_t left, int64_t right);
// "n == 2 or n == 1"
std::string to_string(const Condition& condition);
// "n is 3, must be 2 or 1: node '/Add' (Add)"
std::string broken_text(const Condition& condition, int64_t left, int64_t right);
// ", or one of them 1"; "" where the sizes have to be equal. docs/runtime_abi.md has the messages.
std::string alternative_text(const Condition& condition);

// The size that two have in common when they are broadcast against each other: NumPy's rule, for
// sizes that are equal or of which one is 1. An empty one stays empty.
Index common_size(const Index& p, const Index& q);

// Gives values to the computed symbols of which all parts are there.
void compute_sizes(std::span<const Symbol> symbols, SizeValues& values);
// The first condition that does not hold, as broken_text; nullopt: all hold, or have a symbol that
// is not bound yet.
std::optional<std::string> broken_condition(std::span<const Condition> conditions,
                                            const SizeValues& values);
// `wish` (a legal value for each symbol) changed by a bounded search until all conditions hold;
// what was found best where they do not.
SizeValues sizes_that_fit(std::span<const Symbol> symbols, std::span<const Condition> conditions,
                          SizeValues wish);

}  // namespace mintor
