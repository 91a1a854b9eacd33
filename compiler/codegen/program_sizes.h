// SPDX-License-Identifier: Apache-2.0
// The size functions of an entry in program.cpp, and the check that has to pass before any of them
// is called: each size is at least 0, and none leaves 64 bits on the way. Takes a Program and an
// entry; appends text to a writer. Keeps true: what the ranges of the symbols prove is not checked
// again at run time.
#pragma once

#include "compiler/codegen/program_writer.h"

namespace mintor {

// `arena_bytes`, with room for outputs; the others for entries that have outputs.
void write_arena_bytes(ProgramWriter& out, const Program& program, const Entry& entry);
void write_output_functions(ProgramWriter& out, const Program& program, const Entry& entry);
// `check_sizes`, where needs_check().
void write_size_check(ProgramWriter& out, const Program& program, const Entry& entry);
bool needs_check(const Program& program, const Entry& entry, int32_t stage);
// Whether a run binds sizes.
bool has_dynamic(const Program& program, const Entry& entry);

// Whether no number on the way to e leaves 64 bits, whatever the symbols are in their ranges.
bool always_fits(const Program& program, const Index& e);

}  // namespace mintor
