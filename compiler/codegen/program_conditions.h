// SPDX-License-Identifier: Apache-2.0
// What program.cpp does when sizes are bound: computes the symbols that follow from others, checks
// the conditions on all. Takes a Program; appends `derive` and `check_conditions` to a writer,
// where there is something to compute or check. Keeps true: conditions are computed with `Size`,
// which knows when 64 bits do not hold a value.
#pragma once

#include "compiler/codegen/program_writer.h"

namespace mintor {

void write_conditions(ProgramWriter& out, const Program& program);
// The function of a phase that checks.
std::string check_name(const Entry& entry, size_t phase);
bool needs_derive(const Program& program);
// Those that can be checked once so many dynamic sizes are bound, and no earlier.
std::vector<Condition> conditions_of(const Program& program, int32_t stage);
// "check_sizes" at stage 0, then "check_sizes_1".
std::string staged(const std::string& function, int32_t stage);

}  // namespace mintor
