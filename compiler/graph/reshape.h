// SPDX-License-Identifier: Apache-2.0
// Recognises reshapes: a reindex that keeps every element in row-major order.
// Takes a node and its graph; gives yes or no. Keeps true: no false yes.
#pragma once

#include "compiler/ir/graph.h"

namespace mintor {

// True when the node is what Builder::reshape makes of these shapes (after simplification of both).
bool is_reshape(const Node& node, const Graph& graph);

}  // namespace mintor
