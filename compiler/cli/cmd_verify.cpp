// SPDX-License-Identifier: Apache-2.0
// mintor verify: a package against the cases it carries, or a model against itself and others.
// Takes DIR or MODEL; gives one line per comparison with the largest error and where it occurs;
// exit code 1 when one fails. MODEL: the JIT at every level that this CPU runs and with 1, 2, 3
// and 7 threads must give the same bits, so must packages built by --compilers; small models are
// run by the reference evaluator too; --against onnxruntime and --case compare within --tolerance.
// A model with states runs twice from their start, and they are compared like outputs.
// Keeps true: a level or compiler that is not here is reported as skipped, by name.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>

#include "compiler/cli/command.h"
#include "compiler/cli/open_any.h"
#include "compiler/cli/runs_from_start.h"
#include "compiler/cli/verdict.h"
#include "compiler/codegen/target.h"
#include "compiler/package/builder.h"
#include "compiler/package/package.h"
#include "compiler/support/error.h"
#include "compiler/support/subprocess.h"

namespace mintor {
namespace {

constexpr int64_t kEvaluatorLimit = 10'000'000;  // operations; it does about 10^7 a second

// A model on the way through one verification.
struct Subject {
  const VerifyArguments& arguments;
  CompileContext& context;
  const Graph& graph;
  Verdict verdict{arguments.json};
  NamedTensors inputs = {}, expected = {};

  std::vector<int> threads() const {
    if (arguments.threads_given) return {threads_of(arguments.options)};
    return {1, 2, 3, 7};
  }
};

void verify_evaluator(Subject& subject) {
  const GraphCost cost = cost_of(subject.graph, typical_symbols(subject.graph));
  if (cost.flops > kEvaluatorLimit) {
    subject.verdict.skipped("evaluator",
                            std::to_string(cost.flops) + " operations are too many for it");
    return;
  }
  subject.verdict.same_bits_as("evaluator", evaluated_from_start(subject.graph, subject.inputs),
                               subject.expected);
}

// The same bits, or, of a level that rounds in its own way, close to them.
void compare(Subject& subject, const std::string& what, const NamedTensors& got,
             const TargetInfo& level) {
  if (keeps_bits(subject.context.options, level))
    subject.verdict.same_bits_as(what, got, subject.expected);
  else
    subject.verdict.close_to(what, got, subject.expected, kOwnRounding);
}

// The best level here that has the evaluator's bits.
std::string exact_level(const Options& options) {
  const TargetInfo native = find_level("native");
  if (keeps_bits(options, native)) return native.level;
  std::string best = "reference";
  for (const Target* target : all_targets())
    for (const TargetInfo& level : target->levels())
      if (level.vectors() && target->host_supports(level) && keeps_bits(options, level))
        best = level.level;
  return best;
}

void verify_levels(Subject& subject) {
  const std::vector<std::string> here = host_levels();
  for (const Target* target : all_targets()) {
    for (const TargetInfo& level : target->levels()) {
      if (std::ranges::find(here, level.level) == here.end()) {
        subject.verdict.skipped("jit " + level.level, "this CPU lacks it");
        continue;
      }
      const Program program = build_program(subject.context, subject.graph, {level.level});
      for (const int threads : subject.threads()) {
        LoadOptions load;
        load.threads = threads;
        const auto loaded = jit(subject.context, program, load);
        compare(subject, "jit " + level.level + " threads " + std::to_string(threads),
                runs_from_start(*loaded, subject.inputs), level);
      }
    }
  }
}

void verify_compilers(Subject& subject) {
  if (subject.arguments.compilers.empty()) return;
  const TemporaryFolder folder;
  const std::vector<std::string> levels =
      levels_of(subject.context, DefaultLevels::all_with_vectors);
  const std::vector<std::string> here = host_levels();
  const Program program = build_program(subject.context, subject.graph, levels);
  for (const std::string& compiler : subject.arguments.compilers) {
    if (find_executable({&compiler, 1}).empty()) {
      subject.verdict.skipped("package by " + compiler, "not found on PATH");
      continue;
    }
    const std::string directory = folder.path() + "/package";
    const NamedTensors outputs = outputs_of_first_run(subject.graph, subject.expected);
    write_program_package(subject.context, program, {Case{subject.inputs, outputs, 0, 0}},
                          directory);
    BuildOptions build;
    build.compiler = compiler;
    build_package(directory, build);
    for (const std::string& level : levels) {
      const std::string what = "package by " + compiler + " " + level;
      if (std::ranges::find(here, level) == here.end()) {
        subject.verdict.skipped(what, "built; this CPU cannot run it");
        continue;
      }
      LoadOptions load;
      load.level = level;
      load.threads = subject.threads().front();
      const auto opened = open_package(directory, load);
      compare(subject, what, runs_from_start(*opened, subject.inputs), find_level(level));
    }
    std::filesystem::remove_all(directory);
  }
}

void check_arguments(const VerifyArguments& arguments) {
  const bool against = !arguments.against.empty(), cases = !arguments.cases.empty();
  if (against && std::filesystem::path(arguments.model).extension() != ".onnx") {
    throw UsageError("--against " + arguments.against + " needs an .onnx file, MODEL is '" +
                     arguments.model + "'");
  }
  if (arguments.tolerance_given && !against && !cases) {
    throw UsageError("--tolerance is that of --against and --case; the rest compares bits");
  }
  if (cases && !against && arguments.compilers.empty() &&
      (!arguments.inputs.empty() || arguments.seed_given)) {
    throw UsageError(std::string(arguments.inputs.empty() ? "--seed" : "--input") +
                     " has no use beside --case, which brings its inputs");
  }
}

int verify_model(const VerifyArguments& arguments) {
  check_arguments(arguments);
  CompileContext context = make_context(arguments.options);
  const Graph graph = optimise(context, load_model(context, arguments.model));
  Subject subject{arguments, context, graph};
  const std::string level = exact_level(context.options);
  LoadOptions load;
  load.threads = subject.threads().front();
  const auto loaded = jit(context, build_program(context, graph, {level}), load);
  verify_cases(subject.verdict, arguments, "case", *loaded);
  const bool own = arguments.against.empty() && arguments.cases.empty();
  if (own || !arguments.against.empty() || !arguments.compilers.empty()) {
    subject.inputs = read_inputs(arguments.inputs, input_infos(graph), arguments.seed);
    subject.expected = runs_from_start(*loaded, subject.inputs);
  }
  if (!arguments.against.empty()) {
    subject.verdict.close_to(
        "onnxruntime", subject.expected,
        onnxruntime_from_start(arguments.options, arguments.model, graph, subject.inputs),
        arguments.tolerance);
  }
  if (own) {
    verify_evaluator(subject);
    verify_levels(subject);
  }
  verify_compilers(subject);
  report(context);
  return subject.verdict.close();
}

RunCommand declare(CLI::App& app) {
  const auto arguments = std::make_shared<VerifyArguments>();
  app.add_option("MODEL", arguments->model, "a package, an .onnx file or the text of a graph")
      ->required();
  app.add_option("--against", arguments->against, "another implementation: onnxruntime")
      ->check(CLI::IsMember({"onnxruntime"}));
  const auto* tolerance =
      app.add_option("--tolerance", arguments->tolerance,
                     "largest error over largest output that --against and --case allow")
          ->check(refuse_tolerance);
  app.add_option("--case", arguments->cases, "in.npz,out.npz: compare with given outputs")
      ->allow_extra_args(false);
  app.add_option("--compilers", arguments->compilers, "also packages built by these: gcc,clang-19")
      ->delimiter(',');
  app.add_flag("--json", arguments->json, "the same for machines");
  app.add_option("--input", arguments->inputs, "name=file.npy; repeatable")
      ->allow_extra_args(false);
  const auto* seed =
      app.add_option("--seed", arguments->seed, "seed of the inputs that are not given")
          ->check(CLI::NonNegativeNumber);
  add_options(app, arguments->options,
              {"threads", "shapes", "states", "numerics", "db", "disable_pass", "jit", "cache_dir",
               "llvm_pass_plugin", "explain"});
  const auto* threads = app.get_option("--threads");
  return [arguments, tolerance, seed, threads] {
    arguments->tolerance_given = tolerance->count() > 0;
    arguments->seed_given = seed->count() > 0;
    arguments->threads_given = threads->count() > 0;
    return is_package_folder(arguments->model) ? verify_package(*arguments)
                                               : verify_model(*arguments);
  };
}

}  // namespace

extern const Command cmd_verify = {
    "verify", "a package against its cases; a model's bits everywhere, or against onnxruntime",
    "  mintor verify out --compilers gcc,clang-19\n"
    "  mintor verify model.onnx --compilers gcc,clang-19\n"
    "  mintor verify model.onnx --against onnxruntime --numerics strict\n"
    "  mintor verify model.onnx --case in.npz,out.npz\n"
    "  mintor verify gru.onnx --state h=hn\n",
    declare};

}  // namespace mintor
