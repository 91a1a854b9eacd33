// SPDX-License-Identifier: Apache-2.0
// Declares every command, parses, runs one, and turns exceptions into messages and exit codes.
// Takes argv; gives 0, 1, 2 or 3 (design: 0 ok, 1 model or input, 2 usage, 3 our bug). An
// InternalError leaves its repro in a file and names the command that replays it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "compiler/cli/command.h"
#include "compiler/cli/files.h"
#include "compiler/cli/terminal.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"

namespace mintor {
namespace {

constexpr int kOk = 0, kModelAtFault = 1, kUsage = 2, kOurBug = 3;

std::string quoted(const std::string& argument) {
  const bool plain = argument.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                         "_-./=,:+%@") == std::string::npos;
  if (plain && !argument.empty()) return argument;
  std::string text = "'";
  for (const char c : argument) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

// Every line a comment of the text forms, so that what follows it is read by `mintor opt`.
std::string as_comment(const std::string& text) {
  std::string comment = "# ";
  for (const char c : text) comment += c == '\n' ? std::string("\n# ") : std::string(1, c);
  return comment + "\n";
}

int internal_error(const InternalError& error, int argc, const char* const* argv) {
  say(error.what());
  std::string replay = "mintor";
  for (int i = 1; i < argc; ++i) replay += " " + quoted(argv[i]);
  const std::string text = as_comment(error.what()) + as_comment("replay: " + replay);
  const std::string file = "mintor-repro.txt";
  try {
    write_file(file, text + error.repro());
    say("this is a bug of Mintor; what shows it was written to " + file);
  } catch (const CompileError&) {
    say("this is a bug of Mintor");
  }
  say("replay: " + replay);
  return kOurBug;
}

// The first word that looks like a flag and is none of the command's; "" without one.
std::string unknown_flag(const std::vector<std::string_view>& flags, int argc,
                         const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = std::string_view(argv[i]).substr(
        0, std::string_view(argv[i]).find('='));
    if (word == "--") break;
    if (word.starts_with("--") && std::ranges::find(flags, word) == flags.end()) {
      return std::string(word);
    }
  }
  return "";
}

// CLI11's own message names unknown words; the nearest command or flag is added.
int usage_error(const CLI::App& app, const CLI::ParseError& error, int argc,
                const char* const* argv) {
  say(std::string("usage: ") + error.what());
  const auto commands = app.get_subcommands();
  if (argc > 1 && argv[1][0] != '-' && commands.empty()) {
    std::vector<std::string_view> names;
    for (const Command* command : all_commands()) names.emplace_back(command->name);
    say("  help: " + did_you_mean(argv[1], names));
    return kUsage;
  }
  if (std::string_view(error.what()).find("\n  help: ") != std::string_view::npos) return kUsage;
  const CLI::App& command = commands.empty() ? app : *commands[0];
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::vector<std::string_view> flags(names.begin(), names.end());
  const std::string wrong = unknown_flag(flags, argc, argv);
  const std::string_view near = wrong.empty() ? "" : nearest(wrong, flags);
  const std::string which = commands.empty() ? "" : " " + command.get_name();
  say(near.empty() ? "  help: mintor" + which + " --help shows every flag"
                   : "  help: did you mean '" + std::string(near) + "'?");
  return kUsage;
}

int run_guarded(const RunCommand& run, int argc, const char* const* argv) {
  try {
    return run();
  } catch (const CompileError& error) {
    say(error.what());
    return kModelAtFault;
  } catch (const InternalError& error) {
    return internal_error(error, argc, argv);
  } catch (const UsageError& error) {
    say(std::string("usage: ") + error.what());
    return kUsage;
  } catch (const std::filesystem::filesystem_error& error) {
    // A folder that cannot be read or made is the user's to mend.
    say("error: file: '" + error.path1().string() + "': " + error.code().message());
    return kModelAtFault;
  } catch (const std::bad_alloc&) {
    say("error: out of memory");
    return kModelAtFault;
  } catch (const std::exception& error) {
    return internal_error(InternalError("mintor", error.what()), argc, argv);
  }
}

}  // namespace

void declare_commands(CLI::App& app, RunCommand& chosen) {
  app.name("mintor");
  app.description("Mintor compiles trained models to self-contained C++ packages.");
  app.set_version_flag("--version", "mintor " MINTOR_VERSION);
  app.require_subcommand(1);
  app.footer("Exit codes: 0 ok, 1 the model or input is at fault, 2 usage, 3 a bug of Mintor.\n"
             "mintor COMMAND --help shows examples.");
  for (const Command* command : all_commands()) {
    CLI::App* sub = app.add_subcommand(command->name, command->summary);
    sub->footer(std::string("Examples:\n") + command->examples);
    RunCommand run = command->declare(*sub);
    sub->final_callback([&chosen, run] { chosen = run; });
  }
}

int run_command_line(int argc, const char* const* argv) {
  CLI::App app;
  RunCommand chosen;
  declare_commands(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    return app.exit(done) == 0 ? kOk : kUsage;
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error, argc, argv);
  }
  return run_guarded(chosen, argc, argv);
}

}  // namespace mintor
