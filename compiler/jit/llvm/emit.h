// SPDX-License-Identifier: Apache-2.0
// A unit's LLVM IR to an object, by few passes. Takes an instance of clang with its invocation;
// gives bytes. Keeps true: what is computed is what clang's own levels compute, no operation that
// rounds is changed.
#pragma once

#include <clang/Frontend/CompilerInstance.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringRef.h>

namespace mintor::jit {

// For code that only calls kernels: its small functions are inlined, nothing more. The time that
// the unit takes counts, that of its instructions does not.
// stage: "obj", "asm", "llvm-ir". False where the instance has diagnostics that say why.
bool emit_quickly(clang::CompilerInstance& instance, llvm::StringRef stage,
                  llvm::SmallVectorImpl<char>& output);

}  // namespace mintor::jit
