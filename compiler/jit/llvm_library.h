// SPDX-License-Identifier: Apache-2.0
// The door to libmintor_jit, which holds clang: opened on first use, never on a warm start. Takes
// units as text; gives objects, stages and formatted text. Keeps true: nothing of LLVM is named
// outside compiler/jit/llvm; errors come back as text and become exceptions here.
#pragma once

#include <string>

#include "compiler/codegen/program_emitter.h"
#include "compiler/jit/pass_plugins.h"

namespace mintor {

std::string llvm_library_path();               // "" where it is not installed
// stage: "obj", "asm" or "llvm-ir". CompileError without the library, InternalError when the text
// does not compile.
std::string llvm_emit(const ProgramSource& source, size_t unit, const std::string& stage,
                      const PassPlugins& plugins);
// What clang and the check of user code say of a unit of it; "" where it may be compiled.
// CompileError without the library.
std::string llvm_check(const ProgramSource& source);
std::string llvm_format(const std::string& file, const std::string& text);

}  // namespace mintor
