// SPDX-License-Identifier: Apache-2.0
// Runs a Graph kernel by kernel in the loop interpreter: fuse, lower, schedule for a level (or
// leave the plain loops). Takes a Graph and inputs; gives its results, to be compared bit for bit
// with evaluate().
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/contraction/strategy.h"
#include "compiler/ir/graph.h"
#include "compiler/ir/tensor.h"
#include "compiler/support/target_info.h"

namespace mintor {

// No target: the loops as lowered. Symbols are taken from the inputs' shapes. `measured`: which
// candidates are taken.
std::vector<Tensor> run_groups(const Graph& graph, const std::map<std::string, Tensor>& inputs,
                               const std::optional<TargetInfo>& target,
                               const Measured& measured = {});
// The texts of the kernels that run_groups would run.
std::string kernels_text(const Graph& graph, const std::optional<TargetInfo>& target,
                         const Measured& measured = {});
// Deterministic values in [-2, 2] for every input of the graph (small integers for integer inputs).
std::map<std::string, Tensor> sample_inputs(const Graph& graph,
                                            const std::map<std::string, int64_t>& symbols,
                                            uint32_t seed);
// One of them, for a parameter.
Tensor noise(std::vector<int64_t> shape, uint32_t seed);

}  // namespace mintor
