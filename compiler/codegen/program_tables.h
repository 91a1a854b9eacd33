// SPDX-License-Identifier: Apache-2.0
// The constant tables of program.cpp: inputs, outputs, symbols, levels, names, and the program
// itself. Takes a Program; appends text to a writer. Keeps true: an array without elements is
// not written, its pointer is nullptr.
#pragma once

#include "compiler/codegen/program_writer.h"

namespace mintor {

void write_tables(ProgramWriter& out, const Program& program);
void write_program_constant(ProgramWriter& out, const Program& program,
                            const std::string& weights_sha256);
// "kernels_v3": a level's table, and its file's name without ".cpp".
std::string table_name(const TargetInfo& level);

}  // namespace mintor
