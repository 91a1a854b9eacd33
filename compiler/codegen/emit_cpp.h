// SPDX-License-Identifier: Apache-2.0
// Kernel -> C++17 text that reads like the loops it came from.
// The function: `[static] void NAME(params in order, symbols in order[, char* scratch][, int64_t
// tile_begin, int64_t tile_end])`; buffers are `const T*` / `T*` (f16 and bf16: uint16_t, bool:
// uint8_t), symbols int64_t. `scratch` is a piece of memory of its own for each task that runs at
// one time. A kernel with a parallel loop has the last two parameters and runs tasks [tile_begin,
// tile_end) of it, counted from 0; one without has neither. No `restrict` on buffers: the memory
// plan may give an output the bytes of an input that dies there, and explicit vectors do not need
// it. Logical vectors are split into parts of at most the target's vector. Keeps true: equal
// kernels and facts give equal text.
#pragma once

#include <string>

#include "compiler/codegen/target.h"
#include "compiler/loop/ir.h"
#include "compiler/support/target_info.h"

namespace mintor {

std::string emit_cpp(const Kernel& kernel, const TargetInfo& level, Linkage linkage);
// "void NAME(...)": the function's first line, and what declares it where its linkage is external.
std::string kernel_signature(const Kernel& kernel);
// The parallel loop, or null: its trip count is the number of tasks.
const For* parallel_loop(const Kernel& kernel);
// "void (*)(const float*, float*, int64_t, int64_t, int64_t)" as the type of the kernel-table
// member called `name`.
std::string kernel_pointer(const Kernel& kernel, std::string_view name);

}  // namespace mintor
