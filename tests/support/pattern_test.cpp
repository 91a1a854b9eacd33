// SPDX-License-Identifier: Apache-2.0
// Tables of patterns, run by hand.
// Takes patterns; gives what matches. Keeps true: states and classes stay few, assertions look both
// ways, a refusal names the place.
#include "compiler/support/pattern.h"

#include <gtest/gtest.h>

#include <string>

#include "compiler/support/error.h"

namespace mintor {
namespace {

bool matches(const PatternTable& table, std::string_view text) {
  int64_t state = 0;
  for (char c : text)
    state = table.next[static_cast<size_t>(state * table.classes +
                                           table.class_of[static_cast<unsigned char>(c)])];
  return table.accepts[static_cast<size_t>(state)];
}

TEST(pattern, whole_strings_match) {
  const PatternTable table = compile_pattern("a|b+");
  for (const char* yes : {"a", "b", "bbb"}) EXPECT_TRUE(matches(table, yes)) << yes;
  for (const char* no : {"", "ab", "aa", "ba", "c"}) EXPECT_FALSE(matches(table, no)) << no;
  EXPECT_LE(table.accepts.size(), 8u);
}

TEST(pattern, every_code_point_is_one_character) {
  const PatternTable dot = compile_pattern("(?s)."),
                     some = compile_pattern("[\\x{7FF}-\\x{10000}]");
  for (int32_t p : {0x0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF}) {
    std::string text;
    if (p < 0x80) {
      text = static_cast<char>(p);
    } else {
      const int length = p < 0x800 ? 2 : p < 0x10000 ? 3 : 4;
      constexpr int kLead[] = {0, 0, 0xC0, 0xE0, 0xF0};
      for (int k = length - 1; k >= 0; --k)
        text += static_cast<char>(k == length - 1 ? kLead[length] | (p >> (6 * k))
                                                  : 0x80 | ((p >> (6 * k)) & 0x3F));
    }
    EXPECT_TRUE(matches(dot, text)) << p;
    EXPECT_EQ(matches(some, text), p >= 0x7FF && p <= 0x10000) << p;
  }
  for (const char* no : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xC3", "\xFF"})
    EXPECT_FALSE(matches(dot, no));
}

TEST(pattern, assertions) {
  const PatternTable table = compile_pattern("(\\W|^)a\\b.*$");
  EXPECT_TRUE(matches(table, "a") && matches(table, "-a-") && matches(table, "a b"));
  EXPECT_FALSE(matches(table, "ab") || matches(table, "ba"));
  EXPECT_TRUE(matches(compile_pattern("(?m)^a$\\n^b$"), "a\nb"));
  EXPECT_FALSE(matches(compile_pattern("^a$\\n^b$"), "a\nb"));
}

TEST(pattern, refusals_name_the_place) {
  try {
    compile_pattern("ab(c");
    FAIL();
  } catch (const CompileError& error) {
    EXPECT_EQ(error.problem(), "a '(' is not closed, at byte 4");
  }
  for (const char* bad : {"a**", "a{2}{2}", "\\1", "\\pL", "(?i)\xC3\xA9", "[b-a]", "\xFF", "(?z)"})
    EXPECT_THROW(compile_pattern(bad), CompileError) << bad;
}

TEST(pattern, size_is_bounded) {
  EXPECT_THROW(compile_pattern("((a{1,99}){1,99}){1,99}"), CompileError);
  EXPECT_THROW(compile_pattern("(a|b)*a(a|b){40}"), CompileError);
}

}  // namespace
}  // namespace mintor
