// SPDX-License-Identifier: Apache-2.0
// The JIT: the text of a package, compiled and linked in memory or by a child into one shared
// library per program, kept in a cache, and opened. A warm start opens that file and nothing else.
// Takes emitted source; gives the address of the generated Program
// (runtime/include/mintor_program.h, MT_NAME at its default) and what keeps its code alive. Keeps
// true: only a file whose SHA-256 is the one it was stored with is opened; a compiler's complaint
// about our text is an InternalError.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/codegen/program_emitter.h"
#include "compiler/support/context.h"

namespace mintor {

struct JitCode {
  const void* program = nullptr;
  std::shared_ptr<void> code;
  std::string key;              // what jit_open finds it by
  std::string library;          // the file in the cache
  bool compiled = false;        // false: it was in the cache
  size_t compiled_kernels = 0;  // of a SharedProgram: those that no program before had
};

JitCode jit_compile(CompileContext& context, const ProgramSource& source);
// The same where programs share kernels: only those that the cache has not are compiled.
JitCode jit_compile(CompileContext& context, const SharedProgram& program);
// From the cache, by the key of an earlier compile; without a program when it is there no more.
JitCode jit_open(const CompileContext& context, const std::string& key);
// Which compiler and flags jit_compile would use, for keys of what leads to its libraries.
std::string jit_fingerprint(const CompileContext& context);

// One stage of one unit as text: "llvm-ir", "asm" or "obj" (bytes). CompileError without LLVM.
std::string emit_stage(const CompileContext& context, const ProgramSource& source, size_t unit,
                       const std::string& stage);

// The text formatted as package files are; unchanged where LLVM is not there.
std::string format_source(const std::string& file, const std::string& text);

// Flags of every unit of a package's own code, level flags aside.
std::vector<std::string> jit_flags();

}  // namespace mintor
