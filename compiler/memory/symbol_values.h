// SPDX-License-Identifier: Apache-2.0
// Values of a Program's symbols at which no buffer has a size below 0: where h - 2 is a size, h
// has to be at least 2, though its range begins at 0. Takes a Program; gives one value per symbol,
// each legal for its symbol (range, divisor). The runtime refuses all other sizes.
#pragma once

#include <optional>

#include "compiler/program/program.h"

namespace mintor {

using SymbolValues = std::map<std::string, int64_t>;

int64_t value_at(const Index& e, const SymbolValues& values);

// The hints, raised until no size is 0 where that can be, else until none is negative.
// CompileError names a size for which no values were found.
SymbolValues hint_values(const Program& program);

// `wanted` changed by a bounded search, first until the conditions of all entries hold (or nearly:
// what is reserved for sizes that no run has does no harm), then until every size is at least
// `least`; nullopt: not found.
std::optional<SymbolValues> legal_values(const Program& program, SymbolValues wanted,
                                         int64_t least = 0);

}  // namespace mintor
