// SPDX-License-Identifier: Apache-2.0
// The tokens of a Program's text. Takes text; gives tokens, or CompileError with line and column.
// Keeps true: every read is checked against the end of the text.
#include "compiler/program/cursor.h"

#include <cctype>
#include <charconv>

#include "compiler/support/error.h"
#include "compiler/support/identifier.h"

namespace mintor {
namespace {


}  // namespace

void Cursor::fail(const std::string& problem) const {
  int line = 1, column = 1;
  for (size_t i = 0; i < position_ && i < text_.size(); ++i) {
    column = text_[i] == '\n' ? 1 : column + 1;
    line += text_[i] == '\n';
  }
  throw CompileError("program text", problem,
                     "line " + std::to_string(line) + ", column " + std::to_string(column));
}

void Cursor::skip_space() {
  while (position_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[position_]))) {
    ++position_;
  }
}

bool Cursor::at_end() {
  skip_space();
  return position_ == text_.size();
}

bool Cursor::accept(std::string_view token) {
  skip_space();
  if (!text_.substr(position_).starts_with(token)) return false;
  const size_t end = position_ + token.size();
  if (is_word(token.back()) && end < text_.size() && is_word(text_[end])) return false;
  position_ = end;
  return true;
}

void Cursor::expect(std::string_view token) {
  if (!accept(token)) fail("'" + std::string(token) + "' is missing");
}

std::string Cursor::word() {
  skip_space();
  const size_t begin = position_;
  while (position_ < text_.size() && is_word(text_[position_])) ++position_;
  if (begin == position_) fail("a name is missing");
  return std::string(text_.substr(begin, position_ - begin));
}

std::string Cursor::quoted() {
  expect("\"");
  std::string out;
  while (position_ < text_.size() && text_[position_] != '"') {
    char c = text_[position_++];
    if (c == '\\' && position_ < text_.size()) {
      c = text_[position_++];
      if (c == 'n') c = '\n';
    }
    out += c;
  }
  if (position_ == text_.size()) fail("a string is not closed");
  ++position_;
  return out;
}

std::vector<std::string> Cursor::quoted_list() {
  std::vector<std::string> items;
  expect("[");
  while (!accept("]")) {
    if (!items.empty()) expect(",");
    items.push_back(quoted());
  }
  return items;
}

int64_t Cursor::integer() {
  skip_space();
  int64_t value = 0;
  const char* begin = text_.data() + position_;
  const auto [stop, error] = std::from_chars(begin, text_.data() + text_.size(), value);
  if (error != std::errc()) fail("an integer is missing");
  position_ += stop - begin;
  return value;
}

Index Cursor::index(std::string_view stops) {
  skip_space();
  const size_t begin = position_;
  int depth = 0;
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c == '\n' || (depth == 0 && stops.find(c) != std::string_view::npos)) break;
    depth += (c == '(') - (c == ')');
    ++position_;
  }
  size_t end = position_;
  while (end > begin && text_[end - 1] == ' ') --end;
  if (end == begin) fail("an integer expression is missing");
  return parse_index(text_.substr(begin, end - begin));
}

std::vector<Index> Cursor::index_list(char open, char close) {
  std::vector<Index> items;
  const std::string closing(1, close), stops = "," + closing;
  expect(std::string(1, open));
  while (!accept(closing)) {
    if (!items.empty()) expect(",");
    items.push_back(index(stops));
  }
  return items;
}

std::string Cursor::rest_until_line(std::string_view line) {
  skip_space();
  std::string out;
  while (position_ < text_.size()) {
    const size_t end = std::min(text_.find('\n', position_), text_.size());
    const std::string_view current = text_.substr(position_, end - position_);
    position_ = std::min(end + 1, text_.size());
    if (current == line) return out;
    out.append(current).append("\n");
  }
  fail("the line '" + std::string(line) + "' is missing");
}

}  // namespace mintor
