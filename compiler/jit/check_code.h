// SPDX-License-Identifier: Apache-2.0
// The user's code before it is compiled: parsed by clang and checked against what it may say
// (docs/user_code.md). Takes a Graph; throws CompileError with the line and column of the text that
// its author wrote. Keeps true: nothing of a text that does not pass is compiled or run; a Graph
// without code, or whose code the cache says has passed, opens no LLVM.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/user_code.h"
#include "compiler/support/context.h"

namespace mintor {

struct CodeToCheck {
  UserFunction function;
  std::vector<Type> inputs, outputs;
  std::string place;
  Ranges ranges = {};  // of the symbols in their sizes
};
void check_code(const CompileContext& context, const CodeToCheck& code);
// Every node that is needed, those of bodies too.
void check_code(const CompileContext& context, const Graph& graph);

}  // namespace mintor
