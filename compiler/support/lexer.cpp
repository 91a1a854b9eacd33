// SPDX-License-Identifier: Apache-2.0
// Tokens and quoting of the text forms. See lexer.h.
// Keeps true: hostile text ends in a CompileError; numbers are checked.
#include "compiler/support/lexer.h"

#include <charconv>

#include "compiler/support/error.h"
#include "compiler/support/identifier.h"

namespace mintor {

namespace {

bool starts_name(char c) { return is_letter(c) || c == '_'; }

size_t name_length(std::string_view text) {
  if (text.empty() || !starts_name(text[0])) return 0;
  size_t n = 1;
  while (n < text.size() &&
         (is_word(text[n]) || (text[n] == '.' && n + 1 < text.size() && is_word(text[n + 1]))))
    ++n;
  return n;
}

// Digits, letters (hex, exponents), a sign after an exponent letter, and a dot that is not the
// start of `..`.
size_t number_length(std::string_view text) {
  const bool hex = text.size() > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  size_t n = 1;
  for (; n < text.size(); ++n) {
    const char c = text[n], before = text[n - 1];
    if (is_word(c)) continue;
    if (c == '.' && (n + 1 == text.size() || text[n + 1] != '.')) continue;
    const bool exponent = hex ? before == 'p' || before == 'P' : before == 'e' || before == 'E';
    if ((c == '+' || c == '-') && exponent) continue;
    break;
  }
  return n;
}

size_t punctuation_length(std::string_view text) {
  for (std::string_view two : {":=", "..", "<=", ">=", "==", "!=", "//", "->", "&&", "||"}) {
    if (text.starts_with(two)) return 2;
  }
  return 1;
}

}  // namespace

Lexer::Lexer(std::string_view text, std::string_view what) : text_(text), what_(what) { advance(); }

void Lexer::advance() {
  bool starts_line = position_ == 0;
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c == '\n') {
      ++line_;
      line_start_ = position_ + 1;
      starts_line = true;
      ++position_;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++position_;
    } else if (c == '#') {
      while (position_ < text_.size() && text_[position_] != '\n') ++position_;
    } else {
      break;
    }
  }
  token_ = Token{Token::Kind::end, "", line_, static_cast<int>(position_ - line_start_) + 1,
                 starts_line};
  const std::string_view rest = text_.substr(position_);
  if (rest.empty()) return;
  size_t length = 0;
  if (starts_name(rest[0])) {
    token_.kind = Token::Kind::name;
    length = name_length(rest);
  } else if (is_digit(rest[0])) {
    token_.kind = Token::Kind::number;
    length = number_length(rest);
  } else if (rest[0] == '"') {
    token_.kind = Token::Kind::string;
    for (length = 1; length < rest.size() && rest[length] != '"' && rest[length] != '\n';
         ++length) {
      if (rest[length] == '\\') ++length;
    }
    if (length >= rest.size() || rest[length] != '"') fail("a string is not closed");
    token_.text = rest.substr(1, length - 1);
    position_ += length + 1;
    return;
  } else {
    token_.kind = Token::Kind::punctuation;
    length = punctuation_length(rest);
  }
  token_.text = rest.substr(0, length);
  position_ += length;
}

Token Lexer::next() {
  const Token token = token_;
  advance();
  return token;
}

bool Lexer::at(std::string_view text) const {
  return (token_.kind == Token::Kind::name || token_.kind == Token::Kind::punctuation) &&
         token_.text == text;
}

bool Lexer::accept(std::string_view text) {
  if (!at(text)) return false;
  advance();
  return true;
}

std::string Lexer::place() const {
  return "line " + std::to_string(token_.line) + ", column " + std::to_string(token_.column);
}

void Lexer::fail(const std::string& problem, const std::string& help) const {
  throw CompileError(std::string(what_), problem, place(), help);
}

namespace {

std::string found(const Token& token) {
  if (token.kind == Token::Kind::end) return "the end of the text";
  return "'" + std::string(token.text.substr(0, 40)) + "'";
}

}  // namespace

void Lexer::expect(std::string_view text) {
  if (!accept(text)) fail("expected '" + std::string(text) + "', found " + found(token_));
}

std::string_view Lexer::name(const char* meaning) {
  if (token_.kind != Token::Kind::name)
    fail("expected " + std::string(meaning) + ", found " + found(token_));
  return next().text;
}

int64_t Lexer::integer(const char* meaning) {
  const bool negative = accept("-");
  if (token_.kind != Token::Kind::number)
    fail("expected " + std::string(meaning) + ", found " + found(token_));
  // Read with its sign, so that the smallest i64 has a spelling.
  const std::string digits = (negative ? "-" : "") + std::string(token_.text);
  int64_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    fail("expected " + std::string(meaning) + ", found " + found(token_));
  }
  advance();
  return value;
}

std::string Lexer::string(const char* meaning) {
  if (token_.kind != Token::Kind::string)
    fail("expected " + std::string(meaning) + ", found " + found(token_));
  const std::string_view raw = token_.text;
  std::string text;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      text += raw[i];
      continue;
    }
    const char c = raw[++i];
    unsigned char byte = 0;
    if (c == 'n') {
      text += '\n';
    } else if (c == 't') {
      text += '\t';
    } else if (c == 'x' && i + 2 < raw.size() &&
               std::from_chars(raw.data() + i + 1, raw.data() + i + 3, byte, 16).ptr ==
                   raw.data() + i + 3) {
      text += static_cast<char>(byte);
      i += 2;
    } else if (c == '"' || c == '\\') {
      text += c;
    } else {
      fail("unknown escape '\\" + std::string(1, c) + "' in a string");
    }
  }
  advance();
  return text;
}

std::string Lexer::name_or_string(const char* meaning) {
  return token_.kind == Token::Kind::string ? string(meaning) : std::string(name(meaning));
}

bool is_name(std::string_view text) { return !text.empty() && name_length(text) == text.size(); }

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += "0123456789abcdef"[byte >> 4];
      out += "0123456789abcdef"[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace mintor
