// SPDX-License-Identifier: Apache-2.0
// Names made of any text: for variables, kernels, symbols, packages. What else a name must not be
// (a keyword, a library) is in reserved_names.h.
// Takes ASCII or anything else; gives letters, digits and '_' alone. Keeps true: no locale is
// asked; each function gives a result of its own unchanged back.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace mintor {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_'; }

// Whether it is one in C and in C++, keywords apart.
bool is_identifier(std::string_view text);
// Every other character becomes '_': as long as the text was. May start with a digit or be empty.
std::string identifier(std::string_view text);
// The runs of letters and digits, joined by '_': "/layer1/conv.1" -> "layer1_conv_1". One that
// would start with a digit, or be empty, starts with `lead`.
std::string joined_words(std::string_view text, std::string_view lead);
// The name, with as many '_' behind it as tell it from those that are taken; it is one of them
// then.
std::string unique_name(std::string wish, std::set<std::string>& taken);

}  // namespace mintor
