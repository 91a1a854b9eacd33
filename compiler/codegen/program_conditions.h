// SPDX-License-Identifier: Apache-2.0
// What an entry in program.cpp does when sizes are bound: computes the symbols that follow from
// others, checks the conditions on all. Takes a Program and an entry; appends `derive` and
// `check_conditions` to a writer, where there is something to compute or check. Keeps true:
// conditions are computed with `Size`, which knows when 64 bits do not hold a value.
#pragma once

#include "compiler/codegen/program_writer.h"

namespace mintor {

void write_conditions(ProgramWriter& out, const Program& program, const Entry& entry);
// The function of a phase that checks.
std::string check_name(size_t phase);
bool needs_derive(const Program& program, const Entry& entry);
// Those that can be checked once so many dynamic sizes are bound, and no earlier.
std::vector<Condition> conditions_of(const Program& program, const Entry& entry, int32_t stage);
// How many dynamic sizes are bound when an entry checks: none, then with each of its own.
std::vector<int32_t> stages_of(const Program& program, const Entry& entry);
// "check_sizes" at stage 0, then "check_sizes_1".
std::string staged(const std::string& function, int32_t stage);

}  // namespace mintor
