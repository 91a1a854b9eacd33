// SPDX-License-Identifier: Apache-2.0
// mintor opt: named passes or schedule steps on a text form. Takes a file (or - for stdin) that
// holds a Graph, a Kernel or what --emit prints of several, and the rewrites in order: graph passes
// for a Graph, loop passes and steps, `split(m, 14)`, for a Kernel. Gives the text afterwards on
// stdout or in a file.
// Keeps true: the text is verified before the first and after every rewrite.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "compiler/cli/command.h"
#include "compiler/cli/emit.h"
#include "compiler/cli/files.h"
#include "compiler/cli/model_io.h"
#include "compiler/cli/opt_text.h"
#include "compiler/codegen/target.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/pipeline.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/loop/pass.h"
#include "compiler/loop/step.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"

namespace mintor {
namespace {

struct Arguments {
  std::string file, blobs, kernel, output;
  std::vector<std::string> rewrites;
  bool list = false;
  Options options;
};

std::string read_input(const std::string& path) {
  return read_file(path == "-" ? "/dev/stdin" : path);
}

// A text that breaks a rule of the verifier is its writer's to mend; what a rewrite makes of a
// good text is ours.
template <typename Check>
void check_given(const std::string& file, Check check) {
  try {
    check();
  } catch (const InternalError& error) {
    const std::string text = error.what(), prefix = "internal error: ";
    throw CompileError("opt", text.starts_with(prefix) ? text.substr(prefix.size()) : text, file);
  }
}

// A name that is none of the rewrites is the command line's fault, not the text's.
template <typename Find>
auto find_named(Find find) {
  try {
    return find();
  } catch (const CompileError& error) {
    const std::string text = error.what(), prefix = "error: ";
    throw UsageError(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
  }
}

Blobs side_file_of(const Arguments& arguments) {
  if (!arguments.blobs.empty()) return read_blobs(arguments.blobs);
  const std::string beside = arguments.file + ".blobs";
  return std::filesystem::is_regular_file(beside) ? read_blobs(beside) : Blobs{};
}

std::string on_graph(const Arguments& arguments, const std::string& text) {
  if (!arguments.kernel.empty()) throw UsageError("--kernel is for a text that holds kernels");
  std::vector<const GraphPass*> passes;
  for (const std::string& name : arguments.rewrites) {
    passes.push_back(find_named([&] { return &find_graph_pass(name); }));
  }
  CompileContext context = make_context(arguments.options);
  Graph graph;
  check_given(arguments.file, [&] {
    graph = parse_graph(text, side_file_of(arguments));
    verify(graph);
  });
  for (const GraphPass* pass : passes) {
    graph = pass->run(context, graph);
    verify(graph);
  }
  report(context);
  write_side_file({&graph, 1}, arguments.output);
  return print(graph);
}

struct LoopRewrite {
  std::string text;
  StepCall call;  // without a name: the loop pass `text`
};

LoopRewrite parse_rewrite(const std::string& text) {
  if (text.find('(') != std::string::npos) {
    LoopRewrite rewrite{text, parse_step(text)};
    if (find_step(rewrite.call.name)) return rewrite;
    std::vector<std::string_view> names;
    for (const Step* step : all_steps()) names.emplace_back(step->name);
    throw CompileError("opt", "there is no step '" + rewrite.call.name + "'", "",
                       did_you_mean(rewrite.call.name, names));
  }
  std::vector<std::string_view> names;
  for (const LoopPass* pass : all_loop_passes()) names.emplace_back(pass->name);
  if (std::ranges::find(names, text) != names.end()) return {text, {}};
  throw CompileError(
      "opt", "there is no loop pass '" + text + "'", "",
      find_step(text) ? "steps have arguments: '" + text + "(...)'" : did_you_mean(text, names));
}

std::string on_kernel(const Arguments& arguments, const std::string& text) {
  std::vector<LoopRewrite> rewrites;
  for (const std::string& rewrite : arguments.rewrites) {
    rewrites.push_back(find_named([&] { return parse_rewrite(rewrite); }));
  }
  check_one_level(arguments.options);
  const std::string& target = arguments.options.target;
  const std::string chosen =
      choose_kernel(text, arguments.kernel, target.empty() ? "" : find_level(target).level);
  Kernel kernel;
  check_given(arguments.file, [&] {
    kernel = parse_kernel(chosen);
    verify(kernel);
  });
  for (const auto& [name, call] : rewrites) {
    if (call.name.empty()) {
      kernel = run_loop_pass(name, kernel);
    } else if (const Refusal refusal = apply_step(kernel, call.name, call.args)) {
      throw CompileError("opt", name + " refuses: " + refusal.reason);
    }
    verify(kernel);
  }
  return print(kernel);
}

void list_rewrites() {
  std::puts("graph passes, as the pipeline runs them:");
  for (const auto list : {numerics_pipeline(), bit_preserving_pipeline()}) {
    for (const PipelineEntry& entry : list) {
      std::printf("  %-24s %s\n", entry.pass, find_graph_pass(entry.pass).summary);
    }
  }
  std::puts("loop passes:");
  for (const LoopPass* pass : all_loop_passes()) {
    std::printf("  %-24s %s\n", pass->name, pass->summary);
  }
  std::puts("steps:");
  for (const Step* step : all_steps()) {
    const std::string call = std::string(step->name) + "(" + signature(*step) + ")";
    std::printf("  %-36s %s\n", call.c_str(), step->summary);
  }
}

int run(const Arguments& arguments) {
  if (arguments.list) {
    list_rewrites();
    return 0;
  }
  if (arguments.file.empty()) throw UsageError("opt needs a FILE, or --list");
  const std::string text = read_input(arguments.file), word = first_word(text);
  std::string result;
  if (word == "graph") {
    result = on_graph(arguments, text);
  } else if (word == "kernel" || word == "program") {
    result = on_kernel(arguments, text);
  } else {
    throw CompileError("opt", "the text starts with '" + word + "'", arguments.file,
                       "give the text form of a graph, a kernel or a program (mintor compile "
                       "--emit)");
  }
  if (!result.ends_with('\n')) result += '\n';
  if (arguments.output.empty()) {
    std::fputs(result.c_str(), stdout);
  } else {
    write_file(arguments.output, result);
  }
  return 0;
}

RunCommand declare(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("FILE", arguments->file,
                 "text of a graph or of kernels, as --emit prints it; - reads stdin");
  app.add_option("REWRITE", arguments->rewrites, "passes by name, steps as name(arguments)");
  app.add_option("-o,--output", arguments->output,
                 "file for the text; a graph's large constants go beside it, as <file>.blobs");
  app.add_option("--blobs", arguments->blobs,
                 "side file with the bytes of large constants; else FILE.blobs");
  app.add_option("--kernel", arguments->kernel, "the kernel, where the text holds several");
  app.add_flag("--list", arguments->list, "what there is");
  add_options(app, arguments->options, {"target", "numerics", "explain"});
  return [arguments] { return run(*arguments); };
}

}  // namespace

extern const Command cmd_opt = {
    "opt", "run named passes or schedule steps on a text form",
    "  mintor opt --list\n"
    "  mintor opt dense.graph find_contracts order\n"
    "  mintor opt dense.kernel 'split(m, 14)'\n"
    "  mintor compile model.onnx --emit=kernel | mintor opt - --kernel conv_relu simplify\n",
    declare};

}  // namespace mintor
