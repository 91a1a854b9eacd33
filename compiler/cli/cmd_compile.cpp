// SPDX-License-Identifier: Apache-2.0
// mintor compile: MODEL to a package, or to one stage as text (--emit). Takes a model, levels,
// shapes and cases; gives the folder DIR, built when asked. Says on stdout what it wrote.
// Keeps true: a folder is written whole or not at all; without --case the package's own check
// holds seeded inputs and the outputs of the JIT.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "compiler/cli/command.h"
#include "compiler/cli/emit.h"
#include "compiler/cli/files.h"
#include "compiler/cli/model_io.h"
#include "compiler/package/builder.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string model, output, compiler;
  std::vector<std::string> cases;
  double rtol = 1e-3, atol = 1e-4;
  bool build_too = false, json = false, tolerance_given = false;
  Options options;
};

std::vector<Case> read_cases(const Arguments& arguments) {
  std::vector<Case> cases;
  for (const std::string& item : arguments.cases) {
    const auto [inputs, outputs] = split_case(item);
    cases.push_back({read_npz(inputs), read_npz(outputs), arguments.rtol, arguments.atol});
  }
  return cases;
}

// Flags that would have no effect beside the others.
void check_arguments(const Arguments& arguments) {
  const bool emits = !arguments.options.emit.empty();
  const char* beside_emit = " has no use beside --emit, which writes no package";
  if (emits && arguments.build_too) throw UsageError(std::string("--build") + beside_emit);
  if (emits && !arguments.cases.empty()) throw UsageError(std::string("--case") + beside_emit);
  if (emits && arguments.json) throw UsageError(std::string("--json") + beside_emit);
  if (!arguments.compiler.empty() && !arguments.build_too) {
    throw UsageError("--compiler is that of --build, which is not given");
  }
  if (arguments.tolerance_given && arguments.cases.empty()) {
    throw UsageError("--rtol and --atol are those of --case, which is not given");
  }
  const std::string& stage = arguments.options.emit;
  const bool compiles = stage == "llvm-ir" || stage == "asm" || stage == "obj";
  if (!compiles && !arguments.options.llvm_pass_plugin.empty()) {
    throw UsageError("--llvm-pass-plugin is for what is compiled here: --emit=llvm-ir, asm or obj");
  }
  if (!emits && arguments.output.empty()) throw UsageError("compile needs -o DIR, or --emit");
}

void print_text(const Json& result) {
  std::printf("%s: %zu kernels, %lld bytes of weights, numerics %.12s, in %.1f s\n",
              result["package"].get<std::string>().c_str(), result["kernels"].get<size_t>(),
              static_cast<long long>(result["weights_bytes"].get<int64_t>()),
              result["numerics_hash"].get<std::string>().c_str(), result["seconds"].get<double>());
}

void build(const Arguments& arguments, const CompileContext& context, Json& result) {
  BuildOptions options;
  options.compiler = arguments.compiler;
  options.progress = [&](int64_t done, int64_t total) {
    context.progress("compiling the package", done, total);
  };
  const std::string library = build_package(arguments.output, options);
  result["library"] = library;
  result["library_bytes"] = std::filesystem::file_size(library);
  if (arguments.json) return;
  std::printf("%s: %lld bytes\n", library.c_str(),
              static_cast<long long>(result["library_bytes"].get<int64_t>()));
}

int run(const Arguments& arguments) {
  check_arguments(arguments);
  std::vector<Case> cases = read_cases(arguments);
  CompileContext context = make_context(arguments.options);
  if (!arguments.options.emit.empty()) {
    emit_stage(context, arguments.model, arguments.output);
    report(context);
    return 0;
  }
  const auto begin = std::chrono::steady_clock::now();
  std::vector<Graph> entries = load_entries(context, arguments.model);
  optimise(context, entries);
  const Program program =
      build_program(context, entries, levels_of(context, DefaultLevels::all_with_vectors));
  if (cases.empty()) cases = cases_from_here(context, program, entries);
  write_program_package(context, program, cases, arguments.output);
  report(context);
  const std::chrono::duration<double> compiled = std::chrono::steady_clock::now() - begin;
  Json result = {{"package", arguments.output},
                 {"levels", Json::array()},
                 {"kernels", program.kernels.size()},
                 {"weights_bytes", program.weights_bytes},
                 {"numerics_hash", program.numerics_hash},
                 {"seconds", compiled.count()},
                 {"warnings", context.warnings}};
  for (const TargetInfo& level : program.levels) result["levels"].push_back(level.level);
  if (!arguments.json) print_text(result);
  if (arguments.build_too) build(arguments, context, result);
  if (arguments.json) std::puts(result.dump(2).c_str());
  return 0;
}

RunCommand declare(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("MODEL", arguments->model, "an .onnx file or the text of a graph")->required();
  app.add_option("-o,--output", arguments->output, "the package's folder; a file with --emit");
  app.add_flag("--build", arguments->build_too,
               "build the package's library with the system compiler");
  app.add_flag("--json", arguments->json, "what was written, for machines");
  app.add_option("--compiler", arguments->compiler,
                 "compiler for --build (else $CC, cc, gcc, clang)");
  app.add_option("--case", arguments->cases,
                 "in.npz,out.npz: inputs and expected outputs for the package's own check")
      ->allow_extra_args(false);
  const auto* rtol = app.add_option("--rtol", arguments->rtol, "relative tolerance of the cases")
                         ->check(refuse_tolerance);
  const auto* atol = app.add_option("--atol", arguments->atol, "absolute tolerance of the cases")
                         ->check(refuse_tolerance);
  add_options(app, arguments->options,
              {"target", "size", "shapes", "states", "numerics", "settable_parameters",
               "embed_weights", "db", "explain", "emit", "disable_pass", "stop_after",
               "dump_changed", "verify_passes", "jit", "cache_dir", "llvm_pass_plugin"});
  return [arguments, rtol, atol] {
    arguments->tolerance_given = rtol->count() + atol->count() > 0;
    return run(*arguments);
  };
}

}  // namespace

extern const Command cmd_compile = {
    "compile", "a model to a package, or to one stage as text",
    "  mintor compile model.onnx -o out --build\n"
    "  mintor compile model.onnx -o out --target v4 --shape x=1..32x3x224x224\n"
    "  mintor compile model.onnx -o out --case in.npz,out.npz --explain\n"
    "  mintor compile dense.graph --emit=kernel --target v3\n",
    declare};

}  // namespace mintor
