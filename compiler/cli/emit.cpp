// SPDX-License-Identifier: Apache-2.0
// Prints stages. Takes the option `emit`; gives text. For llvm-ir, asm and obj the kernel units of
// a package go through the JIT's compiler (without it: written to a temporary folder, through a
// compiler of the system), one file of output each, in order of the levels. The side file of a
// graph's large constants is written as OUTPUT.blobs when -o names a file.
#include "compiler/cli/emit.h"

#include <cstdio>

#include "compiler/cli/command.h"
#include "compiler/cli/files.h"
#include "compiler/cli/model_io.h"
#include "compiler/codegen/program_emitter.h"
#include "compiler/codegen/target.h"
#include "compiler/ir/text.h"
#include "compiler/jit/jit.h"
#include "compiler/jit/llvm_library.h"
#include "compiler/package/package.h"
#include "compiler/support/error.h"
#include "compiler/support/subprocess.h"

namespace mintor {
namespace {

std::string kernels_text(const Program& program) {
  std::string text;
  for (const LevelKernels& kernel : program.kernels) {
    for (size_t i = 0; i < kernel.levels.size(); ++i) {
      if (program.levels.size() > 1) text += "# level " + program.levels[i].level + "\n";
      text += print(kernel.levels[i]) + "\n";
    }
  }
  return text;
}

std::string source_text(CompileContext& context, const Program& program) {
  std::string text;
  for (const EmittedSource& source : emit_source(program)) {
    text += "// ---- " + source.file + "\n" + source.text + "\n";
  }
  return text;
}

// Kernels as the JIT's compiler makes them, under the names that a package gives them.
std::string compiled_in_process(CompileContext& context, const Program& program) {
  const bool read = !context.options.llvm_pass_plugin.empty();
  const ProgramSource source = emit_program(program, "", read ? Facts::stated : Facts::left_out);
  std::string text;
  for (size_t unit = 1; unit < source.units.size(); ++unit)
    text += emit_stage(context, source, unit, context.options.emit);
  return text;
}

// The system's, where there is no libmintor_jit: a clang, or any for what is not LLVM's.
std::string compiler_for(const std::string& stage) {
  const std::vector<std::string> clangs = {"clang++-19", "clang++-16", "clang++"};
  const std::vector<std::string> others = {"c++", "g++"};
  std::string found = find_executable(clangs);
  if (found.empty() && stage != "llvm-ir") found = find_executable(others);
  if (found.empty()) {
    throw CompileError("emit", "no compiler for --emit=" + stage + " on PATH", "",
                       stage == "llvm-ir" ? "install clang" : "install g++ or clang");
  }
  return found;
}

std::string compiled_by_system(CompileContext& context, const Program& program) {
  const std::string& stage = context.options.emit;
  const std::string compiler = compiler_for(stage);
  const TemporaryFolder folder;
  const std::string package = folder.path() + "/package";
  write_program_package(context, program, {}, package, WithoutCases::none);
  const Manifest manifest = read_manifest(package);
  std::string text;
  for (const ManifestUnit& unit : manifest.units) {
    if (unit.file.find("kernels") == std::string::npos) continue;
    const std::string output = folder.path() + "/output";
    std::vector<std::string> command = {compiler, "-O2", "-x", "c++"};
    for (const char* flag : package_compile_flags()) command.push_back(flag);
    command.insert(command.end(), unit.flags.begin(), unit.flags.end());
    command.insert(command.end(), {"-Iinclude", "-Iruntime", "-Isrc", "-Iruntime/include"});
    command.push_back(stage == "obj" ? "-c" : "-S");
    if (stage == "llvm-ir") command.push_back("-emit-llvm");
    command.insert(command.end(), {unit.file, "-o", output});
    const CommandResult result = run_command(command, package);
    if (result.status != 0) {
      throw InternalError("emit", unit.file + " does not compile:\n" + result.output);
    }
    text += read_file(output);
  }
  return text;
}

std::string compiled_text(CompileContext& context, const Program& program) {
  check_is_for_host(program.levels);
  const bool in_process = context.options.jit != "system" && !llvm_library_path().empty();
  if (in_process) return compiled_in_process(context, program);
  if (context.options.llvm_pass_plugin.empty()) return compiled_by_system(context, program);
  throw CompileError("emit", "--llvm-pass-plugin needs the in-process compiler, libmintor_jit", "",
                     "build with -DMINTOR_LLVM=ON, and leave out --jit system");
}

}  // namespace

void write_side_file(std::span<const Graph> graphs, const std::string& output) {
  Blobs blobs;
  for (const Graph& graph : graphs) blobs.merge(blobs_of(graph));
  if (blobs.empty()) return;
  if (!output.empty()) {
    write_blobs(blobs, output + ".blobs");
    return;
  }
  std::fprintf(stderr,
               "warning: the text names %zu large constants and parameters by hash; their bytes "
               "are kept only with -o FILE, as FILE.blobs\n",
               blobs.size());
}

void emit_stage(CompileContext& context, const std::string& model, const std::string& output) {
  const std::string& stage = context.options.emit;
  std::vector<Graph> graphs = load_entries(context, model);
  optimise(context, graphs);
  std::string text;
  if (stage == "graph") {
    for (const Graph& graph : graphs) text += print(graph);
    write_side_file(graphs, output);
  } else {
    const Program program =
        build_program(context, graphs, levels_of(context, DefaultLevels::native));
    if (stage == "kernel") text = kernels_text(program);
    if (stage == "program") text = print(program);
    if (stage == "source") text = source_text(context, program);
    if (text.empty()) text = compiled_text(context, program);
  }
  if (!output.empty()) {
    write_file(output, text);
  } else {
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
}

}  // namespace mintor
