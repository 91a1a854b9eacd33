// SPDX-License-Identifier: Apache-2.0
// Regular expressions, compiled to the table of a deterministic automaton over bytes.
// Takes RE2's syntax (github.com/google/re2/wiki/Syntax); gives the table, which knows nothing of
// the syntax: a match of a whole string is one look-up a byte.
//   a|b+   class of 'a' 0, of 'b' 1, of others 2       next  {1 2 3}  {3 3 3}  {3 2 3}  {3 3 3}
// Keeps true: characters are UTF-8, what is no UTF-8 matches nothing; \d \w \s \b are ASCII's, as
// RE2 has them; the work is bounded. Throws CompileError: a bad pattern, with the place; what is
// not supported: \p, \C, and case folding of letters beyond ASCII; a table that grows too large.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace mintor {

struct PatternTable {
  std::vector<int32_t> class_of;  // of each of 256 bytes
  std::vector<int32_t> next;      // [states, classes]; state 0 is the first one
  std::vector<bool> accepts;      // a string that ends in this state matches
  int64_t classes = 0;
};
PatternTable compile_pattern(std::string_view pattern);

// What a pattern says, before it becomes a table.
struct Pattern {
  enum class Kind : uint8_t { characters, sequence, choice, repeat, assertion };
  enum class Assertion : uint8_t { text_begin, text_end, line_begin, line_end, word, no_word };
  struct Range {
    int32_t lo, hi;  // code points, inclusive
  };
  static constexpr int kNoEnd = -1;

  Kind kind = Kind::sequence;
  std::vector<Pattern> parts;    // sequence, choice; repeat: one
  std::vector<Range> ranges;     // characters: ascending, apart
  int least = 0, most = kNoEnd;  // repeat
  Assertion assertion = Assertion::text_begin;
};
Pattern parse_pattern(std::string_view text);

}  // namespace mintor
