// SPDX-License-Identifier: Apache-2.0
// Graphs that become the entries of one model: `forward`, `train_step`, ...
// Takes Graphs as they were loaded, one per entry and named like it; gives them with the parameters
// that another one updates marked as states. Keeps true: parameters are one by name; a parameter
// that any entry updates is a state for all that read it, so that no entry keeps anything made of
// its first value.
#pragma once

#include <span>
#include <string>

#include "compiler/ir/graph.h"

namespace mintor {

// CompileError where two entries have one name, a name is no identifier, or parameters of one name
// differ in dtype, shape or value. A Graph alone may have any name: its entry is `forward`.
void join_entries(std::span<Graph> graphs);

// The name of an entry, and of the model.
std::string entry_name(const Graph& graph, size_t entries);
std::string model_name(std::span<const Graph> graphs);

// After the passes: sizes have one namespace in a program. Where a size of an entry is another than
// the one of that name in an entry before it (another range, or one that a run binds), it gets a
// name of its own.
void unify_symbols(std::span<Graph> graphs);

}  // namespace mintor
