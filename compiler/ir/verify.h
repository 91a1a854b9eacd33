// SPDX-License-Identifier: Apache-2.0
// What is legal in a Graph, one table per stage.
// Takes a Graph and how far it has come; gives its first fault, which names the node and the broken
// rule. Keeps true: what the Builder makes is legal.
#pragma once

#include <string>

#include "compiler/ir/graph.h"

namespace mintor {

// imported: as a frontend wrote it. frozen: after the numerics passes (every reduce, scan and
// contract has its order). fused: after the bit-preserving passes, ready for lowering.
enum class Stage { imported, frozen, fused };

// What is wrong first, or "".
std::string find_fault(const Graph& graph, Stage stage = Stage::imported);
// After a pass a fault is our bug: InternalError with the text as repro.
void verify(const Graph& graph, Stage stage = Stage::imported);
// In a text that a user wrote it is his: CompileError.
void verify_text(const Graph& graph);

}  // namespace mintor
