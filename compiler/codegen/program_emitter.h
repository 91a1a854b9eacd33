// SPDX-License-Identifier: Apache-2.0
// Program -> the source text of a package: program.cpp, kernels.h, one kernels_<level>.cpp per
// level, and the headers that these include. runtime/include/mintor_program.h says what program.cpp
// defines. Takes a planned Program; gives texts by file name, includes flattened to names without
// folders. Keeps true: the same Program gives the same bytes; every function is static, the kernel
// tables and `program` are the only definitions with linkage, all constant-initialised.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/codegen/buffer_facts.h"
#include "compiler/program/program.h"

namespace mintor {

struct SourceFile {
  std::string file, text;
  std::vector<std::string> flags;  // of a compiled file, beyond those of every unit
};

struct ProgramSource {
  std::vector<SourceFile> units;       // program.cpp, then the kernels, lowest level first
  std::vector<SourceFile> headers;     // kernels.h, prelude, CPU detection
  // What the units of kernels hold, by level and by position in Program::kernels.
  std::vector<std::vector<std::string>> kernels = {};
};

// Where the weights are found unless the caller has others: in a file, or in the library under the
// name `weights_symbol`.
enum class WeightsIn : uint8_t { file, library };
std::string weights_symbol(const Program& program);

// weights_sha256: of the payload of weights.bin, "" when nothing is to be compared.
ProgramSource emit_program(const Program& planned, const std::string& weights_sha256,
                           Facts facts = Facts::left_out, WeightsIn weights = WeightsIn::file);

// A program whose kernels are compiled apart from it, so that programs share them. A kernel's text
// and name depend on what it does alone: not on names, nor on the program.
struct SharedKernel {
  std::string name, declaration, text;
  size_t level = 0;
  std::string facts = "";  // an attribute of its definition
};
struct SharedProgram {
  SourceFile program;                 // program.cpp, with the tables of all levels
  std::vector<SourceFile> headers;    // the first is kernels.h, which is the program's own
  std::vector<SharedKernel> kernels;  // each once, lowest level first
  std::vector<TargetInfo> levels;
};
SharedProgram emit_shared(const Program& planned, Facts facts = Facts::left_out);
// Kernels of one level as a unit; two units may have the same kernel.
SourceFile shared_unit(const std::string& file, const TargetInfo& level,
                       const std::vector<const SharedKernel*>& kernels);

// program.cpp alone; the parts of emit_program, for tests.
std::string emit_program_unit(const Program& program, const std::string& weights_sha256,
                              WeightsIn weights = WeightsIn::file);
std::string emit_kernels_header(const Program& program);
std::string prelude_includes(const TargetInfo& level);
std::vector<SourceFile> prelude_headers(const TargetInfo& level);  // what these includes name
// kernels.h, the preludes of the levels, what tells their CPUs.
std::vector<SourceFile> headers_of(const Program& program);

}  // namespace mintor
