// SPDX-License-Identifier: Apache-2.0
// The user's code before it is compiled: parsed by clang and checked against what it may say
// (docs/user_code.md). Takes a Graph; throws CompileError with the line and column of the text that
// its author wrote. Keeps true: nothing of a text that does not pass is compiled or run; a Graph
// without code opens no LLVM.
#pragma once

#include "compiler/ir/user_code.h"

namespace mintor {

// Every node that is needed, those of bodies too.
void check_code(const Graph& graph);
void check_code(const Node& node, const std::string& place = "");

}  // namespace mintor
