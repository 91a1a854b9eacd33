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

#include "compiler/cli/command.h"
#include "compiler/cli/emit.h"
#include "compiler/cli/files.h"
#include "compiler/cli/model_io.h"
#include "compiler/package/builder.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

struct Arguments {
  std::string model, output, compiler;
  std::vector<std::string> cases;
  double rtol = 1e-3, atol = 1e-4;
  bool build = false, tolerance_given = false;
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
  if (emits && arguments.build) throw UsageError(std::string("--build") + beside_emit);
  if (emits && !arguments.cases.empty()) throw UsageError(std::string("--case") + beside_emit);
  if (!arguments.compiler.empty() && !arguments.build) {
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

int run(const Arguments& arguments) {
  check_arguments(arguments);
  const std::vector<Case> cases = read_cases(arguments);
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
  write_program_package(context, program, cases, arguments.output);
  report(context);
  const std::chrono::duration<double> compiled = std::chrono::steady_clock::now() - begin;
  std::printf("%s: %zu kernels, %lld bytes of weights, numerics %.12s, in %.1f s\n",
              arguments.output.c_str(), program.kernels.size(),
              static_cast<long long>(program.weights_bytes), program.numerics_hash.c_str(),
              compiled.count());
  if (arguments.build) {
    BuildOptions build;
    build.compiler = arguments.compiler;
    const std::string library = build_package(arguments.output, build);
    std::printf("%s: %lld bytes\n", library.c_str(),
                static_cast<long long>(std::filesystem::file_size(library)));
  }
  return 0;
}

RunCommand declare(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("MODEL", arguments->model, "an .onnx file or the text of a graph")->required();
  app.add_option("-o,--output", arguments->output, "the package's folder; a file with --emit");
  app.add_flag("--build", arguments->build, "build the package's library with the system compiler");
  app.add_option("--compiler", arguments->compiler,
                 "compiler for --build (else $CC, cc, gcc, clang)");
  app.add_option("--case", arguments->cases,
                 "in.npz,out.npz: inputs and expected outputs for the package's own check")
      ->allow_extra_args(false);
  const auto* rtol = app.add_option("--rtol", arguments->rtol, "relative tolerance of the cases")
                         ->check(refuse_tolerance);
  const auto* atol = app.add_option("--atol", arguments->atol, "absolute tolerance of the cases")
                         ->check(refuse_tolerance);
  add_options(
      app, arguments->options,
      {"target", "shapes", "numerics", "db", "explain", "emit", "disable_pass", "stop_after",
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
