// SPDX-License-Identifier: Apache-2.0
// Contracts of bytes by words: the last summed axis runs over the four bytes of one, as dot-product
// instructions take them. The pass `byte_words` makes them so; layouts and strategies ask.
// Takes a contract; gives that axis. Keeps true: nothing here changes bits.
#pragma once

#include "compiler/ir/graph.h"

namespace mintor {

inline constexpr int64_t kBytesOfWord = 4;

// Of a contract of a u8 and an i8 operand; null when it has none, or other operands.
const ContractAxis* word_axis(const Contract& contract, const Value& x, const Value& y);

}  // namespace mintor
