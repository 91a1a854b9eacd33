// SPDX-License-Identifier: Apache-2.0
// Loop passes: always legal, no arguments, bit-preserving. One file each in loop/passes/.
// Takes a Kernel; gives one with the same meaning. Keeps true: every stored bit.
#pragma once

#include <span>

#include "compiler/loop/ir.h"
#include "compiler/support/context.h"

namespace mintor {

struct LoopPass {
  const char* name;
  const char* summary;
  Kernel (*run)(const Kernel& kernel);
};

std::span<const LoopPass* const> all_loop_passes();    // generated from the folder
Kernel run_loop_pass(std::string_view name, const Kernel& kernel);
// What follows every schedule, in order; a pass named by --disable-pass is left out.
Kernel run_loop_pipeline(const CompileContext& context, Kernel kernel);

}  // namespace mintor
