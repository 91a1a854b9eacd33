// SPDX-License-Identifier: Apache-2.0
// What program.cpp does when sizes are bound: computes the symbols that follow from others, checks
// the conditions on all. Takes a Program; appends `derive` and `check_conditions` to a writer,
// where there is something to compute or check. Keeps true: conditions are computed with `Size`,
// which knows when 64 bits do not hold a value.
#pragma once

#include "compiler/codegen/program_writer.h"

namespace mintor {

void write_conditions(ProgramWriter& out, const Program& program);
bool needs_derive(const Program& program);

}  // namespace mintor
