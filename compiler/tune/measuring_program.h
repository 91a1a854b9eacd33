// SPDX-License-Identifier: Apache-2.0
// A Program that does nothing but run kernels, to measure them. Takes kernels with the same
// parameters (candidates of one), a level, and values of their symbols; gives a Program with an
// entry for each: one launch, inputs and outputs by position of the kernel's parameters. Keeps
// true: the kernels are those of a model's program, at the alignment of its own buffers; no size is
// left open.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/program/program.h"

namespace mintor {

Program measuring_program(CompileContext& context, const std::vector<Kernel>& kernels,
                          const TargetInfo& level, const std::map<std::string, int64_t>& symbols,
                          int64_t work);

}  // namespace mintor
