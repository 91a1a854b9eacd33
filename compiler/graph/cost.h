// SPDX-License-Identifier: Apache-2.0
// What a Graph costs, counted from its nodes: floating-point operations and bytes.
// Takes a Graph and values for its symbols; gives exact counts, not estimates of a schedule. A
// fused multiply-add counts as two; taps of a convolution that fall on padding are counted, as is
// usual; what depends on parameters alone is not, it is computed once. Keeps true: the counts
// depend on the Graph alone, so figures of two machines compare.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace mintor {

struct NodeCost {
  const Node* node = nullptr;
  int64_t flops = 0;
  int64_t result_bytes = 0;
};

struct GraphCost {
  std::vector<NodeCost> nodes;        // the live ones, in order
  int64_t flops = 0;
  int64_t contract_flops = 0;         // of which in contractions
  int64_t parameter_bytes = 0;        // parameters and constants
  int64_t largest_value_bytes = 0;    // among computed values
  int64_t peak_live_bytes = 0;        // computed values live at one time when nothing is fused
};

using SymbolValues = std::map<std::string, int64_t>;

// Each symbol at its hint, else at what images measure where windows move along it, else at the
// smallest value of at least 1 that it may take; doubled while a contract has an extent below 1 by
// it, for a run that computes nothing is no typical one.
SymbolValues typical_symbols(const Graph& graph);
// An expression where the symbols have these values; one that is not among them counts as 1.
int64_t value_of(const Index& index, const SymbolValues& symbols);
// Throws CompileError when a count overflows 63 bits.
GraphCost cost_of(const Graph& graph, const SymbolValues& symbols);

}  // namespace mintor
