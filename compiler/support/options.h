// SPDX-License-Identifier: Apache-2.0
// Options of a compile, made from options.def: the struct, and the table that the command line,
// the Python module and the documentation are made from.
// Takes text values; gives checked fields; throws CompileError for an unknown name (with the
// nearest one) or a value that is not among its choices. Keeps true: no option lives elsewhere.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mintor {

namespace option_types {
using Text = std::string;
using Integer = int64_t;
using Flag = bool;
using List = std::vector<std::string>;
}  // namespace option_types

struct Options {
#define MINTOR_OPTION(type, name, default_value, flag, choices, help) \
  option_types::type name = default_value;
#include "compiler/support/options.def"
#undef MINTOR_OPTION
  bool operator==(const Options&) const = default;
};

enum class OptionKind { Text, Integer, Flag, List };

struct OptionInfo {
  OptionKind kind;
  std::string_view name;     // field and Python keyword
  std::string_view flag;     // "--target"
  std::string_view choices;  // "a|b", empty: anything
  std::string_view help;
};

std::span<const OptionInfo> option_table();

// Text to field: Flag takes true/false/1/0, Integer decimal digits, List appends one item.
void set_option(Options& options, std::string_view name, std::string_view value);
// Field to text, as set_option reads it; List items are joined by a line feed.
std::string option_text(const Options& options, std::string_view name);
// "name = value" for every option that differs from its default, one per line, in table order.
std::string changed_options(const Options& options);

}  // namespace mintor
