// SPDX-License-Identifier: Apache-2.0
// Look-up of target instructions by name. The list itself is generated from the targets' folders.
// Takes a name; gives the instruction or null. Keeps true: the set is the folders'.
#include "compiler/loop/instruction.h"

namespace mintor {

const Instruction* find_instruction(std::string_view name) {
  for (const Instruction* i : all_instructions())
    if (name == i->name) return i;
  return nullptr;
}

}  // namespace mintor
