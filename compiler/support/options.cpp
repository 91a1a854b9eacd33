// SPDX-License-Identifier: Apache-2.0
// Reads and writes the fields of Options by name. Takes names and text values; gives fields;
// every branch over an option's name is made from options.def, so a new row needs nothing here.
#include "compiler/support/options.h"

#include <algorithm>
#include <charconv>

#include "compiler/support/error.h"
#include "compiler/support/nearest.h"

namespace mintor {
namespace {

constexpr OptionInfo kTable[] = {
#define MINTOR_OPTION(type, name, default_value, flag, choices, help) \
  {OptionKind::type, #name, flag, choices, help},
#include "compiler/support/options.def"
#undef MINTOR_OPTION
};

const OptionInfo& info_of(std::string_view name) {
  std::vector<std::string_view> names;
  for (const OptionInfo& info : kTable) {
    if (info.name == name) return info;
    names.push_back(info.name);
  }
  throw CompileError("options", "there is no option '" + std::string(name) + "'", "",
                     did_you_mean(name, names));
}

[[noreturn]] void bad_value(const OptionInfo& info, std::string_view value,
                            const std::string& wanted) {
  throw CompileError("options", std::string(info.flag) + " is '" + std::string(value) + "'", "",
                     "give " + wanted);
}

std::vector<std::string_view> split(std::string_view choices) {
  std::vector<std::string_view> list;
  while (!choices.empty()) {
    const size_t bar = std::min(choices.find('|'), choices.size());
    list.push_back(choices.substr(0, bar));
    choices.remove_prefix(std::min(bar + 1, choices.size()));
  }
  return list;
}

bool is_choice(std::string_view choices, std::string_view value) {
  const std::vector<std::string_view> list = split(choices);
  return std::ranges::find(list, value) != list.end();
}

std::string comma_list(std::string_view choices) {
  std::string list;
  for (const char c : choices) list += c == '|' ? std::string(", ") : std::string(1, c);
  return list;
}

void assign(std::string& field, const OptionInfo&, std::string_view value) { field = value; }

void assign(bool& field, const OptionInfo& info, std::string_view value) {
  if (value == "true" || value == "1") {
    field = true;
  } else if (value == "false" || value == "0") {
    field = false;
  } else {
    bad_value(info, value, "true or false");
  }
}

void assign(int64_t& field, const OptionInfo& info, std::string_view value) {
  const char* end = value.data() + value.size();
  int64_t parsed = 0;
  const auto [stop, error] = std::from_chars(value.data(), end, parsed);
  if (error != std::errc() || stop != end || parsed < 0) {
    bad_value(info, value, "a whole number, 0 or larger");
  }
  field = parsed;
}

void assign(std::vector<std::string>& field, const OptionInfo&, std::string_view value) {
  field.emplace_back(value);
}

std::string text(const std::string& field) { return field; }
std::string text(bool field) { return field ? "true" : "false"; }
std::string text(int64_t field) { return std::to_string(field); }
std::string text(const std::vector<std::string>& field) {
  std::string joined;
  for (const std::string& item : field) joined += (joined.empty() ? "" : "\n") + item;
  return joined;
}

}  // namespace

std::span<const OptionInfo> option_table() { return kTable; }

void set_option(Options& options, std::string_view name, std::string_view value) {
  const OptionInfo& info = info_of(name);
  if (!info.choices.empty() && !is_choice(info.choices, value)) {
    const std::string_view near = nearest(value, split(info.choices));
    throw CompileError("options", std::string(info.flag) + " is '" + std::string(value) + "'", "",
                       (near.empty() ? "give" : "did you mean '" + std::string(near) + "'?") +
                           " one of: " + comma_list(info.choices));
  }
#define MINTOR_OPTION(type, field, default_value, flag, choices, help) \
  if (name == #field) assign(options.field, info, value);
#include "compiler/support/options.def"
#undef MINTOR_OPTION
}

std::string option_text(const Options& options, std::string_view name) {
  info_of(name);
#define MINTOR_OPTION(type, field, default_value, flag, choices, help) \
  if (name == #field) return text(options.field);
#include "compiler/support/options.def"
#undef MINTOR_OPTION
  return "";
}

std::string changed_options(const Options& options) {
  const Options defaults;
  std::string lines;
  for (const OptionInfo& info : kTable) {
    const std::string value = option_text(options, info.name);
    if (value == option_text(defaults, info.name)) continue;
    lines += std::string(info.name) + " = " + value + "\n";
  }
  return lines;
}

}  // namespace mintor
