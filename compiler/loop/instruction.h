// SPDX-License-Identifier: Apache-2.0
// A target instruction: its meaning as a small Kernel (the interpreter runs that, `use_instr`
// matches it) and the text that a target prints for it. One file each in targets/<t>/instructions/.
#pragma once

#include <span>
#include <string>

#include "compiler/loop/ir.h"

namespace mintor {

struct Instruction {
  const char* name;     // = the file name
  const char* feature;  // a feature of TargetInfo that it needs
  const char* meaning;  // text of a Kernel: parameters are the operands, constant shapes
  // C++ text of one use; operand pointers (to the first element) in the order of the meaning's
  // parameters.
  std::string (*emit)(std::span<const std::string> pointers);
};

std::span<const Instruction* const> all_instructions();  // generated from targets/*/instructions
const Instruction* find_instruction(std::string_view name);

}  // namespace mintor
