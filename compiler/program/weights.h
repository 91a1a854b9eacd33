// SPDX-License-Identifier: Apache-2.0
// Which weights are one: the only thing that is asked of the values of parameters on the way from a
// Graph to a Program. Takes values; gives whether they share a place. Keeps true: asked of a Graph
// as it was loaded, the answers are those that `plan` gets.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/ir/graph.h"

namespace mintor {

bool same_weight(const Tensor& a, const Tensor& b);  // dtype and bytes; shapes may differ

// For each parameter that the results need, graph by graph, the first one that is the same weight.
// Graphs
// of one structure (structure_hash) and equal answers here become Programs that differ in values
// alone.
std::vector<int32_t> equal_parameters(std::span<const Graph> graphs);

}  // namespace mintor
