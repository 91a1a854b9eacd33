// SPDX-License-Identifier: Apache-2.0
// Program -> the source text of a package: program.cpp, kernels.h, one kernels_<level>.cpp per
// level, and the headers that these include. runtime/include/mintor_program.h says what program.cpp
// defines. Takes a planned Program; gives texts by file name, includes flattened to names without
// folders. Keeps true: the same Program gives the same bytes; every function is static, the kernel
// tables and `program` are the only definitions with linkage, all constant-initialised.
#pragma once

#include <string>
#include <vector>

#include "compiler/program/program.h"

namespace mintor {

struct SourceFile {
  std::string file, text;
  std::vector<std::string> flags;      // of a compiled file, beyond those of every unit
};

struct ProgramSource {
  std::vector<SourceFile> units;       // program.cpp, then the kernels, lowest level first
  std::vector<SourceFile> headers;     // kernels.h, prelude, CPU detection
};

// weights_sha256: of the payload of weights.bin, "" when nothing is to be compared. kernel_units:
// into how many files the kernels of a level are split at most, for compiling them side by side;
// little text stays whole. A package has one, a split one defines each kernel with linkage in a
// namespace of its level.
ProgramSource emit_program(const Program& program, const std::string& weights_sha256,
                           int kernel_units = 1);

// program.cpp alone; the parts of emit_program, for tests.
std::string emit_program_unit(const Program& program, const std::string& weights_sha256);
std::string emit_kernels_header(const Program& program);

}  // namespace mintor
