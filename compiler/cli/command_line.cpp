// SPDX-License-Identifier: Apache-2.0
// Declares every command, parses, runs one, and turns exceptions into messages and exit codes.
// Takes argv; gives 0, 1, 2 or 3 (design: 0 ok, 1 model or input, 2 usage, 3 our bug). An
// InternalError leaves its repro in a file and names the command that replays it.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>

#include "compiler/cli/command.h"
#include "compiler/cli/files.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"

namespace mintor {
namespace {

constexpr int kOk = 0, kModelAtFault = 1, kUsage = 2, kOurBug = 3;

void say(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  if (text.empty() || text.back() != '\n') std::fputc('\n', stderr);
}

std::string quoted(const std::string& argument) {
  const bool plain = argument.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                         "_-./=,:+%@") == std::string::npos;
  return plain && !argument.empty() ? argument : "'" + argument + "'";
}

int internal_error(const InternalError& error, int argc, const char* const* argv) {
  say(error.what());
  std::string replay = "mintor";
  for (int i = 1; i < argc; ++i) replay += " " + quoted(argv[i]);
  std::string text = std::string("# ") + error.what() + "\n# replay: " + replay + "\n";
  if (!error.repro().empty()) text += error.repro();
  const std::string file = "mintor-repro.txt";
  try {
    write_file(file, text);
    say("this is a bug of Mintor; what shows it was written to " + file);
  } catch (const CompileError&) {
    say("this is a bug of Mintor");
  }
  say("replay: " + replay);
  return kOurBug;
}

// CLI11's own message names unknown words; the nearest command is added.
int usage_error(const CLI::App& app, const CLI::ParseError& error, int argc,
                const char* const* argv) {
  say(std::string("usage: ") + error.what());
  if (argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty()) {
    std::vector<std::string_view> names;
    for (const Command* command : all_commands()) names.emplace_back(command->name);
    say("  help: " + did_you_mean(argv[1], names));
  } else {
    const std::string command =
        app.get_subcommands().empty() ? "" : " " + app.get_subcommands()[0]->get_name();
    say("  help: mintor" + command + " --help shows every flag");
  }
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
  } catch (const std::bad_alloc&) {
    say("error: out of memory");
    return kModelAtFault;
  } catch (const std::exception& error) {
    return internal_error(InternalError("mintor", error.what()), argc, argv);
  }
}

}  // namespace

void add_options(CLI::App& app, Options& options, std::initializer_list<std::string_view> names) {
  for (const std::string_view wanted : names) {
    for (const OptionInfo& info : option_table()) {
      if (info.name != wanted) continue;
      const std::string name(info.name), flag(info.flag);
      std::string help(info.help);
      if (!info.choices.empty()) help = "(" + std::string(info.choices) + ") " + help;
      // Values are checked by set_option; CLI11 reports its refusal as a usage error.
      const auto set = [&options, name, flag](const std::string& value) {
        try {
          set_option(options, name, value);
        } catch (const CompileError& error) {
          throw CLI::ValidationError(flag, error.problem());
        }
      };
      if (info.kind == OptionKind::Flag) {
        app.add_flag_callback(flag, [set] { set("true"); }, help);
      } else if (info.kind == OptionKind::List) {
        app.add_option_function<std::vector<std::string>>(
               flag, [set](const std::vector<std::string>& values) {
                 for (const std::string& value : values) set(value);
               }, help)
            ->allow_extra_args(false);
      } else {
        app.add_option_function<std::string>(flag, set, help);
      }
    }
  }
}

void report(const CompileContext& context) {
  for (const std::string& warning : context.warnings) say("warning: " + warning);
  for (const std::string& decision : context.explanations) say(decision);
}

CompileContext make_context(const Options& options) {
  CompileContext context(options);
  using Clock = std::chrono::steady_clock;
  struct Shown {
    Clock::time_point begin = Clock::now(), last{};
  };
  context.progress = [shown = std::make_shared<Shown>()](const std::string& stage, int64_t done,
                                                         int64_t total) {
    const auto now = Clock::now();
    if (now - shown->begin < std::chrono::seconds(1)) return;
    if (now - shown->last < std::chrono::milliseconds(200) && done < total) return;
    shown->last = now;
    std::fprintf(stderr, "%s %lld/%lld\n", stage.c_str(), static_cast<long long>(done),
                 static_cast<long long>(total));
  };
  context.dump = [](const std::string& pass, const std::string& text) {
    say("--- after " + pass + "\n" + text);
  };
  return context;
}

int run_command_line(int argc, const char* const* argv) {
  CLI::App app("Mintor compiles trained models to self-contained C++ packages.", "mintor");
  app.set_version_flag("--version", "mintor " MINTOR_VERSION);
  app.require_subcommand(1);
  app.footer("Exit codes: 0 ok, 1 the model or input is at fault, 2 usage, 3 a bug of Mintor.\n"
             "mintor COMMAND --help shows examples.");
  RunCommand chosen;
  for (const Command* command : all_commands()) {
    CLI::App* sub = app.add_subcommand(command->name, command->summary);
    sub->footer(std::string("Examples:\n") + command->examples);
    RunCommand run = command->declare(*sub);
    sub->final_callback([&chosen, run] { chosen = run; });
  }
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
