// SPDX-License-Identifier: Apache-2.0
// mintor opt: named passes or schedule steps on a text form. Takes a file (or - for stdin) that
// holds a Graph or a Kernel, and the rewrites in order: graph passes for a Graph, loop passes and
// steps, `split(m, 14)`, for a Kernel. Gives the text afterwards on stdout.
// Keeps true: the text is verified before the first and after every rewrite.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "compiler/cli/command.h"
#include "compiler/cli/files.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/pipeline.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/loop/pass.h"
#include "compiler/loop/step.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

struct Arguments {
  std::string file, blobs;
  std::vector<std::string> rewrites;
  bool list = false;
  Options options;
};

std::string read_input(const std::string& path) {
  return read_file(path == "-" ? "/dev/stdin" : path);
}

// The first word that is not in a comment.
std::string first_word(const std::string& text) {
  size_t at = 0;
  while (at < text.size()) {
    at = text.find_first_not_of(" \t\r\n", at);
    if (at == std::string::npos) return "";
    if (text[at] != '#') break;
    at = text.find('\n', at);
  }
  return at >= text.size() ? "" : text.substr(at, text.find_first_of(" \t\r\n(", at) - at);
}

std::string on_graph(const Arguments& arguments, const std::string& text) {
  CompileContext context = make_context(arguments.options);
  const Blobs blobs = arguments.blobs.empty() ? Blobs{} : read_blobs(arguments.blobs);
  Graph graph = parse_graph(text, blobs);
  verify(graph);
  for (const std::string& name : arguments.rewrites) {
    graph = find_graph_pass(name).run(context, graph);
    verify(graph);
  }
  report(context);
  return print(graph);
}

std::string on_kernel(const Arguments& arguments, const std::string& text) {
  Kernel kernel = parse_kernel(text);
  verify(kernel);
  for (const std::string& rewrite : arguments.rewrites) {
    if (rewrite.find('(') == std::string::npos) {
      kernel = run_loop_pass(rewrite, kernel);
    } else {
      const StepCall call = parse_step(rewrite);
      const Refusal refusal = apply_step(kernel, call.name, call.args);
      if (refusal) throw CompileError("opt", rewrite + " refuses: " + refusal.reason);
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
    const std::string call = std::string(step->name) + "(" + step->signature + ")";
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
  } else if (word == "kernel") {
    result = on_kernel(arguments, text);
  } else {
    throw CompileError("opt", "the text starts with '" + word + "'", arguments.file,
                       "give the text form of a graph or a kernel (mintor compile --emit)");
  }
  std::fputs(result.c_str(), stdout);
  if (result.empty() || result.back() != '\n') std::fputc('\n', stdout);
  return 0;
}

RunCommand declare(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("FILE", arguments->file, "text of a graph or a kernel; - reads stdin");
  app.add_option("REWRITE", arguments->rewrites, "passes by name, steps as name(arguments)");
  app.add_option("--blobs", arguments->blobs, "side file with the bytes of large constants");
  app.add_flag("--list", arguments->list, "what there is");
  add_options(app, arguments->options, {"numerics", "explain"});
  return [arguments] { return run(*arguments); };
}

}  // namespace

extern const Command cmd_opt = {
    "opt", "run named passes or schedule steps on a text form",
    "  mintor opt --list\n"
    "  mintor opt dense.graph find_contracts order\n"
    "  mintor opt dense.kernel 'split(m, 14)' 'vectorize(n)'\n",
    declare};

}  // namespace mintor
