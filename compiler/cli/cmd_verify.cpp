// SPDX-License-Identifier: Apache-2.0
// mintor verify: a package against the cases it carries, or a model against itself and others.
// Takes DIR or MODEL; gives one line per comparison with the largest error and where it occurs;
// exit code 1 when one fails. MODEL: the JIT at every level that this CPU runs and with 1, 2, 3
// and 7 threads must give the same bits, so must packages built by --compilers; small models are
// run by the reference evaluator too; --against onnxruntime compares within --tolerance.
// Keeps true: a level or compiler that is not here is reported as skipped, by name.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "compiler/cli/against.h"
#include "compiler/cli/command.h"
#include "compiler/cli/files.h"
#include "compiler/cli/model_io.h"
#include "compiler/cli/open_any.h"
#include "compiler/codegen/target.h"
#include "compiler/ir/evaluate.h"
#include "compiler/package/builder.h"
#include "compiler/package/package.h"
#include "compiler/support/error.h"
#include "compiler/support/subprocess.h"

namespace mintor {
namespace {

constexpr int64_t kEvaluatorLimit = 10'000'000;  // operations; it does about 10^7 a second

struct Arguments {
  std::string model, against;
  std::vector<std::string> inputs, compilers, cases;
  int64_t seed = 0;
  double tolerance = 1e-4;
  Options options;
};

// Prints comparisons and remembers whether one failed.
struct Verdict {
  int compared = 0, failed = 0;

  void line(const std::string& what, bool ok, const std::string& detail) {
    std::printf("%-6s %s: %s\n", ok ? "ok" : "FAILED", what.c_str(), detail.c_str());
    compared += 1;
    failed += ok ? 0 : 1;
  }
  void skipped(const std::string& what, const std::string& why) {
    std::printf("%-6s %s: %s\n", "skip", what.c_str(), why.c_str());
  }
  int close() const {
    std::printf("%d compared, %d failed\n", compared, failed);
    return failed == 0 && compared > 0 ? 0 : 1;
  }
};

void same_bits_as(Verdict& verdict, const std::string& what, const NamedTensors& got,
                  const NamedTensors& expected) {
  for (const auto& [name, tensor] : expected) {
    const auto found = got.find(name);
    if (found == got.end()) {
      verdict.line(what + " " + name, false, "the output is missing");
      continue;
    }
    const Difference difference = compare(found->second, tensor);
    verdict.line(what + " " + name, difference.same_bits, to_string(difference));
  }
}

// |got - expected| <= atol + rtol * |expected| for every element; NaN equals NaN.
bool within(const Tensor& got, const Tensor& expected, double rtol, double atol) {
  if (got.dtype != expected.dtype || got.shape != expected.shape) return false;
  if (rtol == 0 && atol == 0) return same_bits(got, expected);
  for (int64_t i = 0; i < got.count(); ++i) {
    const Scalar a = got.at(i), b = expected.at(i);
    const double x = is_float(a.dtype) ? a.f : static_cast<double>(a.i);
    const double y = is_float(b.dtype) ? b.f : static_cast<double>(b.i);
    if (x == y || (x != x && y != y)) continue;
    if (!(std::abs(x - y) <= atol + rtol * std::abs(y))) return false;
  }
  return true;
}

int verify_package(const Arguments& arguments) {
  Verdict verdict;
  const std::string& directory = arguments.model;
  for (const std::string& file : damaged_files(directory)) {
    verdict.line(file, false, "is missing or differs from the manifest");
  }
  const Manifest manifest = read_manifest(directory);
  for (const std::string& level : manifest.levels) {
    const TargetInfo info = find_level(level);
    if (!target_of(info).host_supports(info)) {
      verdict.skipped("level " + level, "this CPU lacks it");
      continue;
    }
    LoadOptions load = load_options(arguments.options);
    load.level = level;
    const auto loaded = open_package(directory, load);
    for (const ManifestCase& one : manifest.cases) {
      NamedTensors inputs;
      for (const auto& [name, file] : one.inputs) inputs[name] = read_npy(directory + "/" + file);
      const NamedTensors outputs = loaded->run(inputs);
      for (const auto& [name, file] : one.outputs) {
        const Tensor expected = read_npy(directory + "/" + file);
        const std::string what = level + " " + one.folder + " " + name;
        const auto found = outputs.find(name);
        if (found == outputs.end()) {
          verdict.line(what, false, "the package has no such output");
          continue;
        }
        verdict.line(what, within(found->second, expected, one.rtol, one.atol),
                     to_string(compare(found->second, expected)));
      }
    }
  }
  return verdict.close();
}

NamedTensors by_name(const Graph& graph, const std::vector<Tensor>& results) {
  NamedTensors named;
  for (size_t i = 0; i < results.size(); ++i) named[graph.results[i].name] = results[i];
  return named;
}

NamedTensors run_jit(CompileContext& context, const Graph& graph, const std::string& level,
                     int threads, const NamedTensors& inputs) {
  LoadOptions load;
  load.threads = threads;
  return jit(context, build_program(context, graph, {level}), load)->run(inputs);
}

void verify_levels(Verdict& verdict, CompileContext& context, const Graph& graph,
                   const NamedTensors& inputs, const NamedTensors& expected) {
  const std::vector<std::string> here = host_levels();
  for (const Target* target : all_targets()) {
    for (const TargetInfo& level : target->levels()) {
      if (std::ranges::find(here, level.level) == here.end()) {
        verdict.skipped("jit " + level.level, "this CPU lacks it");
        continue;
      }
      for (const int threads : {1, 2, 3, 7}) {
        same_bits_as(verdict, "jit " + level.level + " threads " + std::to_string(threads),
                     run_jit(context, graph, level.level, threads, inputs), expected);
      }
    }
  }
}

void verify_compilers(Verdict& verdict, const Arguments& arguments, CompileContext& context,
                      const Graph& graph, const NamedTensors& inputs,
                      const NamedTensors& expected) {
  if (arguments.compilers.empty()) return;
  const TemporaryFolder folder;
  const std::vector<std::string> levels = levels_of(context, DefaultLevels::all_with_vectors);
  const std::vector<std::string> here = host_levels();
  const Program program = build_program(context, graph, levels);
  for (const std::string& compiler : arguments.compilers) {
    if (find_executable({&compiler, 1}).empty()) {
      verdict.skipped("package by " + compiler, "not found on PATH");
      continue;
    }
    const std::string directory = folder.path() + "/package";
    write_program_package(context, program, {Case{inputs, expected, 0, 0}}, directory);
    BuildOptions build;
    build.compiler = compiler;
    build_package(directory, build);
    for (const std::string& level : levels) {
      const std::string what = "package by " + compiler + " " + level;
      if (std::ranges::find(here, level) == here.end()) {
        verdict.skipped(what, "built; this CPU cannot run it");
        continue;
      }
      LoadOptions load;
      load.level = level;
      same_bits_as(verdict, what, open_package(directory, load)->run(inputs), expected);
    }
    std::filesystem::remove_all(directory);
  }
}

void verify_onnxruntime(Verdict& verdict, const Arguments& arguments, const NamedTensors& inputs,
                        const NamedTensors& expected) {
  const NamedTensors theirs = run_onnxruntime(arguments.model, inputs);
  for (const auto& [name, tensor] : theirs) {
    const auto found = expected.find(name);
    if (found == expected.end()) {
      verdict.line("onnxruntime " + name, false, "the output is missing here");
      continue;
    }
    const Difference difference = compare(found->second, tensor);
    const double scale = std::max(difference.largest_expected, 1e-30);
    verdict.line("onnxruntime " + name, difference.largest <= arguments.tolerance * scale,
                 to_string(difference));
  }
}

void verify_cases(Verdict& verdict, const Arguments& arguments, LoadedModel& loaded) {
  for (const std::string& item : arguments.cases) {
    const size_t comma = item.find(',');
    if (comma == std::string::npos) {
      throw UsageError("--case is '" + item + "', expected in.npz,out.npz");
    }
    const NamedTensors outputs = loaded.run(read_npz(item.substr(0, comma)));
    for (const auto& [name, expected] : read_npz(item.substr(comma + 1))) {
      const auto found = outputs.find(name);
      if (found == outputs.end()) {
        verdict.line("case " + name, false, "the output is missing");
        continue;
      }
      const Difference difference = compare(found->second, expected);
      const double scale = std::max(difference.largest_expected, 1e-30);
      verdict.line("case " + name, difference.largest <= arguments.tolerance * scale,
                   to_string(difference));
    }
  }
}

int verify_model(const Arguments& arguments) {
  CompileContext context = make_context(arguments.options);
  const Graph graph = optimise(context, load_model(context, arguments.model));
  const NamedTensors inputs = read_inputs(arguments.inputs, input_infos(graph), arguments.seed);
  const std::string level = find_level("native").level;
  Verdict verdict;
  const auto loaded = jit(context, build_program(context, graph, {level}), LoadOptions{});
  const NamedTensors expected = loaded->run(inputs);
  verify_cases(verdict, arguments, *loaded);
  if (arguments.against == "onnxruntime") {
    verify_onnxruntime(verdict, arguments, inputs, expected);
  } else if (arguments.cases.empty()) {
    const GraphCost cost = cost_of(graph, typical_symbols(graph));
    if (cost.flops <= kEvaluatorLimit) {
      same_bits_as(verdict, "evaluator", by_name(graph, evaluate(graph, inputs).results), expected);
    } else {
      verdict.skipped("evaluator", std::to_string(cost.flops) + " operations are too many for it");
    }
    verify_levels(verdict, context, graph, inputs, expected);
    verify_compilers(verdict, arguments, context, graph, inputs, expected);
  }
  report(context);
  return verdict.close();
}

RunCommand declare(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("MODEL", arguments->model, "a package, an .onnx file or the text of a graph")
      ->required();
  app.add_option("--against", arguments->against, "another implementation: onnxruntime")
      ->check(CLI::IsMember({"onnxruntime"}));
  app.add_option("--tolerance", arguments->tolerance,
                 "largest error over largest output that --against and --case allow");
  app.add_option("--case", arguments->cases, "in.npz,out.npz: compare with given outputs")
      ->allow_extra_args(false);
  app.add_option("--compilers", arguments->compilers, "also packages built by these: gcc,clang-19")
      ->delimiter(',');
  app.add_option("--input", arguments->inputs, "name=file.npy; repeatable")
      ->allow_extra_args(false);
  app.add_option("--seed", arguments->seed, "seed of the inputs that are not given");
  add_options(app, arguments->options,
              {"threads", "shapes", "numerics", "jit", "cache_dir", "explain"});
  return [arguments] {
    if (!is_package(arguments->model)) return verify_model(*arguments);
    if (!arguments->against.empty()) {
      throw UsageError("--against needs the model's file; a package does not hold it");
    }
    return verify_package(*arguments);
  };
}

}  // namespace

extern const Command cmd_verify = {
    "verify", "a package against its cases; a model's bits everywhere, or against onnxruntime",
    "  mintor verify out\n"
    "  mintor verify model.onnx --compilers gcc,clang-19\n"
    "  mintor verify model.onnx --against onnxruntime --numerics strict\n"
    "  mintor verify model.onnx --case in.npz,out.npz\n",
    declare};

}  // namespace mintor
