// SPDX-License-Identifier: Apache-2.0
// What is legal in a Graph, one table per stage. Throws InternalError naming the node and the
// broken rule.
#pragma once

#include "compiler/ir/graph.h"

namespace mintor {

// imported: as a frontend wrote it. frozen: after the numerics passes (every reduce, scan and
// contract has its order). fused: after the bit-preserving passes, ready for lowering.
enum class Stage { imported, frozen, fused };

void verify(const Graph& graph, Stage stage = Stage::imported);

}  // namespace mintor
