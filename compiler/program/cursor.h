// SPDX-License-Identifier: Apache-2.0
// A position in the text of a Program: words, quoted strings, integers, index lists. Takes text;
// gives its tokens in turn; CompileError with line and column where the text does not fit. Keeps
// true: never reads past the end; nothing is skipped but spaces and line ends.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/support/index.h"

namespace mintor {

class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool at_end();
  bool accept(std::string_view token);              // a word or punctuation, whole words only
  void expect(std::string_view token);
  std::string word();                               // letters, digits, _ and .
  std::string quoted();
  std::vector<std::string> quoted_list();           // ["a", "b"]
  int64_t integer();
  Index index(std::string_view stops);  // up to a stop character outside parentheses, or line end
  std::vector<Index> index_list(char open, char close);
  std::string rest_until_line(std::string_view line);   // whole lines up to one that equals `line`
  [[noreturn]] void fail(const std::string& problem) const;

 private:
  void skip_space();

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace mintor
