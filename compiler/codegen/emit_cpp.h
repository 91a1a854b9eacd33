// SPDX-License-Identifier: Apache-2.0
// Kernel -> C++17 text that reads like the loops it came from.
// The function: `static void NAME(params in order, symbols in order, int64_t tile_begin, int64_t tile_end)`; buffers are
// `const T* MT_RESTRICT` / `T* MT_RESTRICT` (f16 and bf16: uint16_t, bool: uint8_t), symbols int64_t; the parallel loop
// runs [tile_begin, tile_end) of its range. Logical vectors are split into parts of at most the target's vector.
#pragma once

#include <string>

#include "compiler/loop/ir.h"
#include "compiler/support/target_info.h"

namespace mintor {

std::string emit_cpp(const Kernel& kernel, const TargetInfo& level);
// "void (*)(const float*, float*, int64_t, int64_t, int64_t)" as the type of the kernel-table member called `name`.
std::string kernel_pointer(const Kernel& kernel, std::string_view name);

}  // namespace mintor
