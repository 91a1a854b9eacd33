// SPDX-License-Identifier: Apache-2.0
// Inputs of a model that become states: what a stream hands from run to run by itself.
// Takes a Graph as it was loaded and pairs of an input and an output; gives a Graph with neither,
// in which a parameter of the input's name, zero at first, is updated by what was the output.
//   input h, result hn          --state h=hn
//   parameter h = 0, updates h := hn
// Keeps true: a run from the states of a new context computes what the model does for zeros. A size
// of the state that runs bind has the symbol's upper bound there; a run reads and updates the first
// ones, the others stay.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "compiler/ir/graph.h"

namespace mintor {

struct StateInput {
  std::string input, output;
};

// "in=out"; CompileError for another form.
StateInput parse_state_input(std::string_view text);

// CompileError where a name is unknown (with the nearest) or an input is named twice, where dtypes
// or shapes differ, and for a size without an upper bound, or that no other input says.
Graph with_state_inputs(const Graph& graph, std::span<const StateInput> states);

}  // namespace mintor
