// SPDX-License-Identifier: Apache-2.0
// Sizes of a branch or a loop that its regions decide: known outside once it has run.
//   y = if f32[n] (c, x)  graph { .. results f32[k] }  graph { .. results f32[2*m] }
//   v = loop f32[n] (x)   trip t carried 1  graph { v = input f32[p]; .. results f32[p + 1] }
// Takes a node; gives where its results have a size of their own, which must be a symbol that
// nothing else defines: the size of the branch that is taken, of a carried value after the last
// iteration, of a stacked slice, alike in all iterations and 0 where there is none. A carried value
// is an input of the body whose size there is a symbol too, bound by each iteration.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace mintor {

struct OpenSize {
  size_t result = 0, dim = 0;
  Index outside;     // in the results' types: a symbol of the graph around the node
  Index inside = 0;  // of a carried value, in the body's input: a symbol of the body
};

// Of a branch or loop with these parts; none of any other node.
std::vector<OpenSize> open_sizes(const RegionAttr& attr, Kind kind, std::span<const Value> operands,
                                 std::span<const Type> results);
std::vector<OpenSize> open_sizes(const Node& node);

// The symbols that a node defines for the graph that it stands in: of a bind or compact, or sizes
// that are open.
std::vector<std::string> bound_by(const Node& node);
// Those that its regions are given by carried values.
std::vector<std::string> bound_inside(const Node& node);

}  // namespace mintor
