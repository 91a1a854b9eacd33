// SPDX-License-Identifier: Apache-2.0
// Takes text; gives names, character by character. Keeps true: bytes above ASCII are no letters,
// whatever the locale says.
#include "compiler/support/identifier.h"

#include <algorithm>

namespace mintor {

bool is_identifier(std::string_view text) {
  return !text.empty() && !is_digit(text[0]) && std::ranges::all_of(text, is_word);
}

std::string identifier(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (!is_word(c)) c = '_';
  return out;
}

std::string joined_words(std::string_view text, std::string_view lead) {
  std::string out;
  for (const char c : text) {
    if (is_letter(c) || is_digit(c))
      out += c;
    else if (!out.empty() && out.back() != '_')
      out += '_';
  }
  if (!out.empty() && out.back() == '_') out.pop_back();
  if (out.empty()) return std::string(lead);
  return is_digit(out[0]) ? std::string(lead) + "_" + out : out;
}

std::string unique_name(std::string wish, std::set<std::string>& taken) {
  while (!taken.insert(wish).second) wish += '_';
  return wish;
}

}  // namespace mintor
