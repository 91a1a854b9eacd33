// SPDX-License-Identifier: Apache-2.0
// mintor completion: a script that completes commands, flags and their values. Takes the name of a
// shell; gives the script on stdout. Keeps true: what it completes is what this build declares;
// where no values are known, files are completed.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "compiler/cli/command.h"
#include "compiler/cli/command_texts.h"

namespace mintor {
namespace {

std::string joined(const std::vector<std::string>& words, const char* between = " ") {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

std::vector<std::string> names_of(const std::vector<CommandText>& commands) {
  std::vector<std::string> names;
  for (const CommandText& command : commands) names.push_back(command.name);
  return names;
}

// In single quotes, which all three shells read alike but for what stands in them.
std::string quoted_for_shell(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

std::string bash_case(const std::string& pattern, const std::vector<std::string>& words) {
  return "    " + pattern + ") words='" + joined(words) + "' ;;\n";
}

// The first pattern that fits decides: the value of a flag, a flag, what stands without one.
std::string bash_script(const std::vector<CommandText>& commands) {
  std::string values, flags, others;
  for (const CommandText& command : commands) {
    std::vector<std::string> all;
    for (const FlagText& flag : command.flags) {
      all.insert(all.end(), flag.names.begin(), flag.names.end());
      if (flag.choices.empty()) continue;
      for (const std::string& name : flag.names)
        values += bash_case("'" + command.name + " " + name + " '*", flag.choices);
      if (flag.names.empty()) others += bash_case("'" + command.name + " '*", flag.choices);
    }
    flags += bash_case("'" + command.name + " '*' -'*", all);
  }
  return "# bash completion of mintor: source <(mintor completion bash)\n"
         "_mintor() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=\n"
         "  COMPREPLY=()\n"
         "  if ((COMP_CWORD == 1)); then\n"
         "    COMPREPLY=($(compgen -W '" +
         joined(names_of(commands)) +
         " --help --version' -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD-2]}  # --flag=value\n"
         "  [[ $word == = ]] && word=\n"
         "  case \"${COMP_WORDS[1]} $before $word\" in\n" +
         values + flags + others +
         "  esac\n"
         "  if [[ -n $words ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _mintor mintor\n";
}

// A colon or a bracket in a help text would end it.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_argument(const FlagText& flag) {
  if (flag.argument.empty()) return "";
  const std::string values = flag.choices.empty() ? "_files" : "(" + joined(flag.choices) + ")";
  return ":" + zsh_text(flag.argument) + ":" + values;
}

std::string zsh_script(const std::vector<CommandText>& commands) {
  std::string names, cases;
  for (const CommandText& command : commands) {
    names += "    " + quoted_for_shell(command.name + ":" + zsh_text(command.summary)) + "\n";
    cases += "    " + command.name + ") _arguments";
    for (const FlagText& flag : command.flags) {
      for (const std::string& name : flag.names)
        cases += " \\\n      " + quoted_for_shell("*" + name + "[" + zsh_text(flag.help) + "]" +
                                                  zsh_argument(flag));
      if (flag.names.empty()) cases += " \\\n      " + quoted_for_shell("*" + zsh_argument(flag));
    }
    cases += " ;;\n";
  }
  return "#compdef mintor\n"
         "# zsh completion of mintor: mintor completion zsh > ~/.zfunc/_mintor, fpath+=(~/.zfunc)\n"
         "_mintor() {\n"
         "  local -a commands=(\n" +
         names +
         "  )\n"
         "  if ((CURRENT == 2)); then\n"
         "    _describe command commands\n"
         "    return\n"
         "  fi\n"
         "  local command=${words[2]}\n"
         "  shift words\n"
         "  ((CURRENT--))\n"
         "  case $command in\n" +
         cases +
         "  esac\n"
         "}\n"
         "if [[ $funcstack[1] == _mintor ]]; then _mintor \"$@\"; else "
         "compdef _mintor mintor; fi\n";
}

std::string fish_line(const CommandText& command, const FlagText& flag) {
  std::string line = "complete -c mintor -n '__fish_seen_subcommand_from " + command.name + "'";
  for (const std::string& name : flag.names)
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (!flag.names.empty() && !flag.argument.empty()) line += " -r";
  if (!flag.choices.empty()) line += " -f -a " + quoted_for_shell(joined(flag.choices));
  return line + " -d " + quoted_for_shell(flag.help) + "\n";
}

std::string fish_script(const std::vector<CommandText>& commands) {
  std::string text =
      "# fish completion of mintor: mintor completion fish > "
      "~/.config/fish/completions/mintor.fish\n";
  for (const CommandText& command : commands) {
    text += "complete -c mintor -f -n '__fish_use_subcommand' -a " + command.name + " -d " +
            quoted_for_shell(command.summary) + "\n";
    for (const FlagText& flag : command.flags)
      if (!flag.names.empty() || !flag.choices.empty()) text += fish_line(command, flag);
  }
  return text;
}

struct Shell {
  const char* name;
  std::string (*script)(const std::vector<CommandText>& commands);
};
constexpr Shell kShells[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

RunCommand declare(CLI::App& app) {
  const auto wanted = std::make_shared<std::string>();
  std::vector<std::string> names;
  for (const Shell& shell : kShells) names.emplace_back(shell.name);
  app.add_option("SHELL", *wanted, joined(names, ", "))->required()->check(CLI::IsMember(names));
  return [wanted] {
    for (const Shell& shell : kShells)
      if (*wanted == shell.name) std::fputs(shell.script(command_texts()).c_str(), stdout);
    return 0;
  };
}

}  // namespace

extern const Command cmd_completion = {
    "completion", "a script with which a shell completes commands, flags and values",
    "  source <(mintor completion bash)\n"
    "  mintor completion zsh > ~/.zfunc/_mintor\n"
    "  mintor completion fish > ~/.config/fish/completions/mintor.fish\n",
    declare};

}  // namespace mintor
