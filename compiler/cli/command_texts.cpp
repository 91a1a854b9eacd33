// SPDX-License-Identifier: Apache-2.0
// Reads CLI11's tree. Takes the declarations of all commands; gives them as plain values.
// Keeps true: choices are those that the flag's check would take.
#include "compiler/cli/command_texts.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "compiler/cli/command.h"
#include "compiler/cli/model_io.h"
#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/graph/pass.h"

namespace mintor {
namespace {

// Of options whose values have names in this build; those of the table's own column else.
std::vector<std::string> choices_of(const OptionInfo& info) {
  std::vector<std::string> names;
  if (info.name == "target") {
    for (const Target* target : all_targets())
      for (const TargetInfo& level : target->levels()) names.push_back(level.level);
    names.emplace_back("native");
  } else if (info.name == "disable_pass") {
    for (const std::string_view name : may_be_left_out()) names.emplace_back(name);
  } else if (info.name == "stop_after") {
    for (const GraphPass* pass : all_graph_passes()) names.emplace_back(pass->name);
  } else if (!info.choices.empty()) {
    names = split_list(std::string(info.choices), '|');
  }
  return names;
}

// Of a flag that takes members of a list, which its type spells: "TEXT:{bash,zsh,fish}".
std::vector<std::string> members_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t begin = type.find('{'), end = type.find('}');
  if (begin == std::string::npos || end == std::string::npos) return {};
  return split_list(type.substr(begin + 1, end - begin - 1), ',');
}

FlagText text_of(const CLI::Option& option) {
  FlagText flag;
  for (const std::string& name : option.get_snames()) flag.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flag.names.push_back("--" + name);
  flag.help = option.get_description();
  if (option.get_items_expected_max() > 0) flag.argument = "VALUE";
  if (flag.names.empty()) flag.argument = option.get_name();
  flag.choices = members_of(option);
  for (const OptionInfo& info : option_table())
    if (std::ranges::find(flag.names, info.flag) != flag.names.end())
      flag.choices = choices_of(info);
  return flag;
}

}  // namespace

std::vector<CommandText> command_texts() {
  CLI::App app;
  RunCommand chosen;
  declare_commands(app, chosen);
  std::vector<CommandText> texts;
  for (const Command* command : all_commands()) {
    CommandText text{command->name, command->summary, command->examples, {}};
    for (const CLI::Option* option : app.get_subcommand(command->name)->get_options())
      text.flags.push_back(text_of(*option));
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace mintor
