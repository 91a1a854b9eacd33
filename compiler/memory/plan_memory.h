// SPDX-License-Identifier: Apache-2.0
// The memory plan of a Program. Takes a Program as compiler/program/plan.h made it; sets offsets,
// in-place reuse and sizes, and appends to its report: peak, lower bound, what was reused.
// Keeps true: buffers that are live at the same time do not overlap, in-place pairs excepted, for
// every value of the symbols.
#pragma once

#include "compiler/program/program.h"

namespace mintor {

void plan_memory(CompileContext& context, Program& program);

// Checks the plan at the hints, the bounds and values between. InternalError names two buffers.
void verify_memory(const Program& program);

// One value per symbol: a typical one.
std::map<std::string, int64_t> hint_values(const std::vector<Symbol>& symbols);

}  // namespace mintor
