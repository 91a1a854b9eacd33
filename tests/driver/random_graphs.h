// SPDX-License-Identifier: Apache-2.0
// Graphs made at random from library operators and meta-operators of every kind that compiles.
// Takes a seed and a number of steps; gives a Graph. Keeps true: the same on every machine, and a
// graph of fewer steps is the beginning of the longer one of that seed, so a failure shrinks by
// taking steps away. The symbol of half of the graphs has no upper bound.
#pragma once

#include <cstdint>

#include "compiler/ir/graph.h"

namespace mintor {

// Of a thin graph no value has more than a few times n elements: it is quick for thousands.
bool is_thin(uint64_t seed);
Graph random_graph(uint64_t seed, int steps);

}  // namespace mintor
