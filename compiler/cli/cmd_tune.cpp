// SPDX-License-Identifier: Apache-2.0
// mintor tune: MODEL's kernels measured, each in several ways, for this machine. Takes a model and
// a file of records, which it appends to; says on stdout how many kernels are faster than by
// default. Keeps true: a run that is ended, or out of time, goes on where it stood when it is
// started again; progress shows on stderr.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "compiler/cli/command.h"
#include "compiler/cli/kernel_line.h"
#include "compiler/cli/model_io.h"
#include "compiler/cli/terminal.h"
#include "compiler/driver/tune_model.h"

namespace mintor {
namespace {

struct Arguments {
  std::string model, kernel;
  double budget = 600;
  int64_t candidates = 32;
  bool json = false;
  Options options;
};

// "[#####.....] 12/25  40 s, about 43 s left  conv1_relu: 0.93 of the default"; on a terminal the
// line is written over.
void show(const TuneStep& step) {
  const bool terminal = is_terminal(stderr);
  std::fprintf(stderr, "%s%s%zu/%zu  %.0f s, about %.0f s left  %.40s: %.2f of the default%s",
               terminal ? "\r\033[K" : "", bar_text(step.done, step.total).c_str(), step.done,
               step.total, step.elapsed, step.left, step.kernel.c_str(),
               step.record->seconds / step.record->default_seconds,
               terminal && step.done < step.total ? "" : "\n");
}

void print_json(const Database& database, const TuneSummary& summary) {
  const nlohmann::ordered_json result = {
      {"records", database.path()},   {"kernels", summary.kernels}, {"known", summary.known},
      {"measured", summary.measured}, {"faster", summary.faster},   {"seconds", summary.seconds}};
  std::puts(result.dump(2).c_str());
}

int run(const Arguments& arguments) {
  if (arguments.options.db.empty()) throw UsageError("tune needs --db F, the file of its records");
  if (arguments.model.empty() == arguments.kernel.empty())
    throw UsageError("tune takes a MODEL, or an operator by --kernel");
  check_one_level(arguments.options);
  CompileContext context = make_context(arguments.options);
  context.options.db.clear();  // what is measured is the default
  context.options.threads = threads_of(arguments.options);
  Database database(context, arguments.options.db);
  std::vector<Graph> entries;
  if (arguments.kernel.empty())
    entries = load_entries(context, arguments.model);
  else
    entries.push_back(graph_of_line(arguments.kernel));
  optimise(context, entries);
  const std::vector<std::string> levels = levels_of(context, DefaultLevels::native);
  const TemporaryFolder folder;  // what is measured is of no use to others
  if (context.options.cache_dir.empty()) context.options.cache_dir = folder.path();
  context.progress = nullptr;
  const TuneSummary summary =
      tune(context, entries, levels.back(), database,
           {arguments.budget, static_cast<size_t>(arguments.candidates)}, show);
  report(context);
  if (arguments.json) {
    print_json(database, summary);
    return 0;
  }
  const size_t left = summary.kernels - summary.known - summary.measured;
  std::printf(
      "%s: %zu kernels, %zu known, %zu measured, %zu of them faster than by default, "
      "in %.1f s\n",
      database.path().c_str(), summary.kernels, summary.known, summary.measured, summary.faster,
      summary.seconds);
  if (left > 0) std::printf("%zu kernels are left: the same command goes on with them\n", left);
  return 0;
}

RunCommand declare(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("MODEL", arguments->model, "an .onnx file or the text of a graph");
  app.add_option("--kernel", arguments->kernel,
                 "an operator instead: 'conv n1 c64 28x28 k3 s1 p1 o64 f32'");
  app.add_option("--budget", arguments->budget, "seconds after which no kernel is begun")
      ->check(CLI::Range(0.0, 1e9));
  app.add_option("--candidates", arguments->candidates,
                 "how many of a kernel are measured, the default among them")
      ->check(CLI::Range(1, 1000));
  app.add_flag("--json", arguments->json, "what was measured, for machines");
  add_options(app, arguments->options,
              {"db", "target", "threads", "shapes", "states", "numerics", "disable_pass", "jit",
               "cache_dir", "llvm_pass_plugin", "explain"});
  return [arguments] { return run(*arguments); };
}

}  // namespace

extern const Command cmd_tune = {
    "tune", "measure how a model's kernels are fastest on this machine",
    "  mintor tune model.onnx --db records.jsonl\n"
    "  mintor tune model.onnx --db records.jsonl --budget 120 --threads 1\n"
    "  mintor compile model.onnx --db records.jsonl -o out --target native\n",
    declare};

}  // namespace mintor
