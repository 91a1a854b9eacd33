// SPDX-License-Identifier: Apache-2.0
// Options as flags of a command, and what a compile says while it works and afterwards. Takes rows
// of support/options.def and a CompileContext; gives CLI11 flags and lines on stderr.
// Keeps true: a value that no model could make right (an unknown level, pass or shape's form) is a
// usage error before any work is done; nothing that was asked for is ignored in silence.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>

#include "compiler/cli/command.h"
#include "compiler/cli/model_io.h"
#include "compiler/cli/terminal.h"
#include "compiler/codegen/target.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/state_inputs.h"
#include "compiler/support/error.h"
#if MINTOR_HAS_ONNX
#include "frontends/onnx/onnx.h"
#endif

namespace mintor {
namespace {

// Throws CompileError where a name or a form is wrong whatever the model is.
void check_value(const std::string& name, const std::string& value) {
  if (name == "target") {
    for (const std::string& level : split_list(value, ',')) find_level(level);
  }
  if (name == "disable_pass") check_may_be_left_out(value);
  if (name == "stop_after") find_graph_pass(value);
  if (name == "states") parse_state_input(value);
#if MINTOR_HAS_ONNX
  if (name == "shapes") parse_onnx_shape(value);
#endif
}

// The flag's value into the options; a refusal becomes CLI11's, with the help that it came with.
void set_checked(Options& options, const OptionInfo& info, const std::string& value) {
  const std::string name(info.name), flag(info.flag);
  try {
    set_option(options, name, value);
    check_value(name, value);
  } catch (const CompileError& error) {
    const std::string text = error.what();
    const size_t help = text.find("\n  help: ");
    const bool named = error.problem().starts_with(flag);
    throw CLI::ValidationError((named ? "" : flag + ": ") + error.problem() +
                               (help == std::string::npos ? "" : text.substr(help)));
  }
}

}  // namespace

void add_options(CLI::App& app, Options& options, std::initializer_list<std::string_view> names) {
  for (const std::string_view wanted : names) {
    for (const OptionInfo& info : option_table()) {
      if (info.name != wanted) continue;
      const std::string flag(info.flag);
      std::string help(info.help);
      if (!info.choices.empty()) help = "(" + std::string(info.choices) + ") " + help;
      const auto set = [&options, info](const std::string& value) {
        set_checked(options, info, value);
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

std::string refuse_tolerance(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool number = !text.empty() && *end == '\0';
  if (number && std::isfinite(value) && value >= 0) return "";
  return "a tolerance is '" + text + "', expected a finite number, 0 or larger";
}

void refuse_options(const Options& options, std::initializer_list<std::string_view> taken,
                    const std::string& why) {
  const Options defaults;
  for (const OptionInfo& info : option_table()) {
    if (std::ranges::find(taken, info.name) != taken.end()) continue;
    if (option_text(options, info.name) == option_text(defaults, info.name)) continue;
    throw UsageError(std::string(info.flag) + " " + why);
  }
}

void report(const CompileContext& context) {
  for (const std::string& warning : context.warnings) say("warning: " + warning);
  // Several programs of one model (verify, bench) decide the same again.
  std::set<std::string> said;
  for (const std::string& decision : context.explanations) {
    if (said.insert(decision).second) say(decision);
  }
  if (!context.options.explain) return;
  for (const PassTime& time : context.pass_times) {
    std::fprintf(stderr, "time: pass %s: %s\n", time.pass.c_str(),
                 time_text(static_cast<double>(time.nanoseconds) * 1e-9).c_str());
  }
}

CompileContext make_context(const Options& options) {
  CompileContext context(options);
  context.progress = [line = std::make_shared<ProgressLine>()](const std::string& stage,
                                                               int64_t done, int64_t total) {
    line->show(stage, done, total);
  };
  context.dump = [](const std::string& pass, const std::string& text) {
    say("--- after " + pass + "\n" + text);
  };
  return context;
}

}  // namespace mintor
