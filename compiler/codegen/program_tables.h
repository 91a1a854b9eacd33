// SPDX-License-Identifier: Apache-2.0
// The constant tables of program.cpp: symbols, levels, of each entry its inputs, outputs and names,
// and the program itself. Takes a Program; appends text to a writer. Keeps true: an array without
// elements is not written, its pointer is nullptr.
#pragma once

#include "compiler/codegen/program_writer.h"

namespace mintor {

void write_tables(ProgramWriter& out, const Program& program);
void write_entry_tables(ProgramWriter& out, const Program& program, const Entry& entry);
// "entry_forward", which holds the tables and functions of an entry.
std::string entry_namespace(const Entry& entry);
// `weights`: what the library has of them, an expression.
void write_program_constant(ProgramWriter& out, const Program& program,
                            const std::string& weights_sha256, const std::string& weights);
// "kernels_v3": a level's table, and its file's name without ".cpp".
std::string table_name(const TargetInfo& level);

}  // namespace mintor
