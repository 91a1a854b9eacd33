// SPDX-License-Identifier: Apache-2.0
// Tokens of the text forms (graph, kernel, program) for hand-written recursive descent.
// Takes text that outlives the Lexer; gives names, numbers, strings and punctuation, one token
// ahead; `#` starts a comment. Every error is a CompileError with line and column. Keeps true: no
// allocation but for string contents.
//   name    letter or _, then letters, digits, _; a dot inside a name when a letter, digit or _
//   follows number  what starts with a digit, with fraction, exponent or 0x; `1..4` is two numbers
//   around `..`
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "compiler/support/index.h"

namespace mintor {

struct Token {
  enum class Kind : uint8_t { end, name, number, string, punctuation } kind = Kind::end;
  std::string_view text;  // a string without its quotes, escapes as written
  int line = 1, column = 1;
  bool starts_line = false;  // the first token of its line
};

class Lexer {
 public:
  // `what` names the kind of text in errors: "graph text".
  Lexer(std::string_view text, std::string_view what);

  const Token& peek() const { return token_; }
  Token next();
  bool at(std::string_view text) const;  // the next token is this name or punctuation
  bool at_end() const { return token_.kind == Token::Kind::end; }
  bool accept(std::string_view text);  // takes it when it is next
  void expect(std::string_view text);
  std::string_view name(const char* meaning);  // "expected <meaning>, found ..." otherwise
  int64_t integer(const char* meaning);        // with an optional sign
  std::string string(const char* meaning);     // unescaped
  std::string name_or_string(const char* meaning);
  std::string place() const;  // "line 3, column 7"
  [[noreturn]] void fail(const std::string& problem, const std::string& help = "") const;

 private:
  void advance();

  std::string_view text_, what_;
  size_t position_ = 0, line_start_ = 0;
  int line_ = 1;
  Token token_;
};

// An Index in the spelling of Index::str(), ending where no operator follows.
Index read_index(Lexer& lexer);

// Whether text is one name token (so that it needs no quotes).
bool is_name(std::string_view text);
// "..." with \" \\ \n \t and \xHH for other control bytes; the Lexer reads it back.
std::string quoted(std::string_view text);
inline std::string name_or_quoted(std::string_view text) {
  return is_name(text) ? std::string(text) : quoted(text);
}

}  // namespace mintor
