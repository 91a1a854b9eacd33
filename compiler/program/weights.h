// SPDX-License-Identifier: Apache-2.0
// Which weights are one: the only thing that is asked of the values of parameters on the way from a
// Graph to a Program; and which of them a run reads. Takes values, or a Program; gives whether they
// share a place, or whether they are only packed. Keeps true: asked of a Graph as it was loaded,
// the answers are those that `plan` gets.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/program/program.h"

namespace mintor {

bool same_weight(const Tensor& a, const Tensor& b);  // dtype and bytes; shapes may differ

// For each parameter that the results need, graph by graph, the first one that is the same weight.
// Graphs
// of one structure (structure_hash) and equal answers here become Programs that differ in values
// alone.
std::vector<int32_t> equal_parameters(std::span<const Graph> graphs);

// For each of Program::weights, whether `prepare` alone reads it: once a model is open nobody does,
// unless parameters can be set, which packs them anew.
std::vector<bool> only_prepared(const Program& program);

}  // namespace mintor
