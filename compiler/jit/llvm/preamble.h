// SPDX-License-Identifier: Apache-2.0
// Headers that one unit after another begins with, parsed once in a process. Takes a unit and how
// it is compiled; gives an invocation that begins behind its includes. Keeps true: what is compiled
// is what clang would make of the whole text; where that cannot be had, nothing is changed.
#pragma once

#include <clang/Frontend/CompilerInvocation.h>
#include <clang/Frontend/PrecompiledPreamble.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/VirtualFileSystem.h>

#include <memory>
#include <string>

namespace mintor::jit {

// flags: all that the unit is compiled with. What is given stays alive while the unit is compiled;
// so must `main`, whose text becomes the unit's. The files are those that the invocation reads from
// now on.
std::shared_ptr<const clang::PrecompiledPreamble> begin_behind_includes(
    clang::CompilerInvocation& invocation, const std::string& flags, llvm::MemoryBuffer* main,
    llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem>& files);

}  // namespace mintor::jit
