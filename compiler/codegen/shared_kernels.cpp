// SPDX-License-Identifier: Apache-2.0
// Kernels as text of their own, under names made of what they do. Takes a planned Program; gives
// program.cpp with the tables, and each kernel once. Keeps true: equal work, equal text and name,
// in whatever program it stands; what a text says is what the package's says, up to names and to
// how often loops repeat.
#include <set>

#include "compiler/codegen/emit_cpp.h"
#include "compiler/codegen/free_lengths.h"
#include "compiler/codegen/idle_symbols.h"
#include "compiler/codegen/program_emitter.h"
#include "compiler/codegen/program_tables.h"
#include "compiler/codegen/target.h"
#include "compiler/program/canonical.h"
#include "compiler/support/key.h"
#include "compiler/support/parallel.h"

namespace mintor {
namespace {

constexpr const char* kOpen = "\nnamespace MT_PACKAGE {\nnamespace shared {\n\n";
constexpr const char* kClose = "}  // namespace shared\n";

// All are called `kernel`, each in a namespace of its own name.
SharedKernel shared_kernel(const Kernel& kernel, const TargetInfo& info, size_t level,
                           std::string facts) {
  const Kernel own = neutral(kernel);
  std::string text = target_of(info).emit(own, info, Linkage::external);
  Key key;
  key.add(info.target);
  key.add(info.level);
  key.add(text);
  if (!facts.empty()) key.add(facts);
  return {"k_" + key.hex().substr(0, 32), kernel_signature(own) + ";\n", std::move(text), level,
          std::move(facts)};
}

std::string in_namespace(const std::string& name, const std::string& text) {
  return "namespace " + name + " {\n" + text + "}\n";
}

std::string table_of(const Program& program, size_t level, const std::vector<SharedKernel>& all) {
  std::string text = "const Kernels " + table_name(program.levels[level]) + " = {\n    " +
                     std::to_string(level) + ",\n";
  for (const SharedKernel& kernel : all) text += "    shared::" + kernel.name + "::kernel,\n";
  return text + "};\n";
}

}  // namespace

SharedProgram emit_shared(const Program& planned, Facts facts) {
  const Program program = without_idle_symbols(with_free_lengths(planned));
  SharedProgram out;
  out.headers = headers_of(program);
  out.levels = program.levels;
  std::string declarations, tables;
  std::set<std::string> seen;
  for (size_t level = 0; level < program.levels.size(); ++level) {
    std::vector<SharedKernel> all(program.kernels.size());
    for_each_parallel(all.size(), [&](size_t k) {
      all[k] = shared_kernel(program.kernels[k].levels[level], program.levels[level], level,
                             facts == Facts::stated ? stated_facts(program, k, level) : "");
    });
    tables += table_of(program, level, all);
    for (SharedKernel& kernel : all) {
      if (!seen.insert(kernel.name).second) continue;
      declarations += in_namespace(kernel.name, kernel.declaration);
      out.kernels.push_back(std::move(kernel));
    }
  }
  out.program = {"program.cpp",
                 emit_program_unit(program, "") + kOpen + declarations + kClose + tables +
                     "}  // namespace MT_PACKAGE\n",
                 // It only calls kernels: a flag that the in-process compiler takes few passes for.
                 {"-O1"}};
  return out;
}

// Weak: a kernel that is compiled by two processes at one time is in two objects, which one program
// may need for others of theirs.
SourceFile shared_unit(const std::string& file, const TargetInfo& level,
                       const std::vector<const SharedKernel*>& kernels) {
  std::string text = prelude_includes(level) + "#include \"mintor_program.h\"\n" + kOpen;
  for (const SharedKernel* kernel : kernels)
    text += in_namespace(kernel->name, "__attribute__((weak)) " + kernel->facts +
                                           kernel->declaration + kernel->text) +
            "\n";
  return {file, text + kClose + "}  // namespace MT_PACKAGE\n", level.compile_flags};
}

}  // namespace mintor
