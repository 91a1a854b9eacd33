// SPDX-License-Identifier: Apache-2.0
// The memory plan of a Program. Takes a Program as compiler/program/plan.h made it; sets offsets,
// in-place reuse and sizes, and appends to its report: peak, lower bound, what was reused.
// Keeps true: buffers that are live at the same time do not overlap, in-place pairs excepted, for
// all values of the symbols at which every size is at least 0; `run` refuses the others.
#pragma once

#include "compiler/program/program.h"

namespace mintor {

void plan_memory(CompileContext& context, Program& program);

// Checks the plan at the hints, the bounds and values between. InternalError names two buffers.
void verify_memory(const Program& program);

}  // namespace mintor
