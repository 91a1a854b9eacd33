// SPDX-License-Identifier: Apache-2.0
// A value of one graph in another, with all that it is computed from.
// Takes a builder, a value and its graph, and what stands for some nodes of that; gives the value
// in the builder's graph. Keeps true: a node is made once, `made` remembers it; scope names follow;
// no recursion, a chain may be a million long.
#pragma once

#include <unordered_map>
#include <vector>

#include "compiler/ir/builder.h"

namespace mintor {

using Clones = std::unordered_map<const Node*, std::vector<Value>>;  // results by node

Value clone(Builder& b, const Graph& from, const Value& value, Clones& made);
// What binds the sizes that conditions of the graph mention.
void clone_conditions(Builder& b, const Graph& from, Clones& made);

}  // namespace mintor
