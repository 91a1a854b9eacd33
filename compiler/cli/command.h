// SPDX-License-Identifier: Apache-2.0
// A command of `mintor`: one file cmd_<x>.cpp each, collected from the folder.
// Takes a CLI11 sub-command to declare its arguments on; gives the function that runs it and
// returns the exit code: 0 ok, 1 the model or input is at fault, 2 usage, 3 our bug. Errors are
// thrown (CompileError 1, UsageError 2, InternalError 3); results go to stdout, progress and
// warnings to stderr. Keeps true: nothing outside compiler/cli prints.
#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "compiler/support/context.h"

namespace CLI {
class App;
}

namespace mintor {

using RunCommand = std::function<int()>;

struct Command {
  const char* name;      // as typed; the file is cmd_<name>.cpp with _ for -
  const char* summary;   // one line
  const char* examples;  // shown by --help after the flags
  RunCommand (*declare)(CLI::App& app);
};

std::span<const Command* const> all_commands();  // generated from the folder

// Arguments that CLI11 accepts and the command does not: exit code 2. The text may go on with
// "\n  help: ...".
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Declares all of them on a program of that name; parsing sets `chosen`, which outlives the parse.
void declare_commands(CLI::App& app, RunCommand& chosen);

// For CLI11's check(): a tolerance is a finite number, 0 or larger; "" when it is.
std::string refuse_tolerance(const std::string& text);
// UsageError for options that are not at their default and not in `taken`: what would be read and
// then ignored is refused instead. `why` ends the sentence "--shape ... ".
void refuse_options(const Options& options, std::initializer_list<std::string_view> taken,
                    const std::string& why);

// Declares the flags of these options (compiler/support/options.def) on a command; values land
// in `options`, which must outlive the parse.
void add_options(CLI::App& app, Options& options, std::initializer_list<std::string_view> names);

// Prints what a compile had to say on stderr: warnings; with --explain decisions, each once, and
// the time of each pass.
void report(const CompileContext& context);
// A context whose progress shows where stderr is a terminal (ProgressLine of terminal.h).
CompileContext make_context(const Options& options);

// The command line, argv[0] first; returns the exit code and never throws.
int run_command_line(int argc, const char* const* argv);

}  // namespace mintor
