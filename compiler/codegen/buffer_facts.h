// SPDX-License-Identifier: Apache-2.0
// What a program knows of the memory that its launches give a kernel, and C++ cannot say. Takes a
// planned Program; gives an attribute for a kernel's declaration that clang carries along and that
// decides nothing by itself: passes of the user's own read it (compiler/jit/plugins).
//   void kernel(const float* x, float* y, char* scratch)
//   -> __attribute__((annotate("mintor.buffers align 64, align 4 noalias, align 64 noalias")))
// Keeps true: a fact holds at every launch of the kernel; the words are those of LLVM's parameters.
#pragma once

#include <string>

#include "compiler/program/program.h"

namespace mintor {

// Whether kernels say what they know of their buffers; with it, fewer programs share a kernel.
enum class Facts { left_out, stated };

// Of Program::kernels by position, at a level; parameters that are no pointers are left out.
std::string stated_facts(const Program& program, size_t kernel, size_t level);

}  // namespace mintor
