// SPDX-License-Identifier: Apache-2.0
// Library operators on strings. A string is its bytes (UTF-8) along the last dimension, filled up
// with NULs, as NumPy's dtype S has them: strings of shape [n] are u8[n, width]. It may hold NULs
// but not end in one. So strings are computed like all else; nothing of them is left to the host.
//   string_concat   "ab" + "c"       abc0
//   string_split    "a,b" by ","     a0 b0, 2
// Keeps true: widths of results are expressions over those of the operands; what is no UTF-8 is
// bytes that compare and move like all others, of no case, no white space, matched by no pattern.
#pragma once

#include <string_view>

#include "compiler/ops/by_data.h"
#include "compiler/support/pattern.h"

namespace mintor::ops {

// Strings as they lie: u8[count, width], of the longest one's width, at least 1.
Tensor string_rows(std::span<const std::string> strings);

Value string_lengths(Builder& b, Value x);               // i64[..], in bytes
Value widened(Builder& b, Value x, const Index& width);  // width is not below that of x
Value string_equal(Builder& b, Value x, Value y);        // broadcasts; bool[..]
Value string_concat(Builder& b, Value x, Value y);       // broadcasts
Value find_string(Builder& b, Value x, Value keys);      // keys u8[k, w]: the first equal one, or k
enum class Case { lower, upper };
// Letters of up to three bytes whose other case has as many; all others stay.
Value string_case(Builder& b, Value x, Case to);
// The code point of the character that each byte begins, -1 where it begins none: i32[.., width].
Value code_points(Builder& b, Value x);
// Bytes of the character that begins with each byte; 0 where none does: i32[.., width].
Value character_sizes(Builder& b, Value points);

// Parts between delimiters, each beside the others in a new dimension of bind(most parts); empty:
// white space, of which any amount is one delimiter and none is at the ends. At most `most`
// delimiters count, from the left.
struct StringSplit {
  Value parts, counts;  // u8[.., bind(most), width], i64[..]
};
StringSplit string_split(Builder& b, Value x, std::string_view delimiter, int64_t most,
                         const BindSize& bind);

// Whether the pattern matches all of a string: bool[..].
Value full_match(Builder& b, Value x, const PatternTable& pattern);

}  // namespace mintor::ops
