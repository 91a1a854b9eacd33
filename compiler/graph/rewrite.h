// SPDX-License-Identifier: Apache-2.0
// The one way in which passes make a new Graph: node by node, operands first, each node kept or
// replaced. Takes a Graph and a callback; gives a Graph with the same name, symbols, results,
// updates and states. Keeps true: nodes that nothing needs are dropped; scopes follow: what
// replaces a node carries its scopes.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "compiler/ir/builder.h"
#include "compiler/ir/graph.h"

namespace mintor {

// New values for an old node, given its new operands; nullopt keeps the node as it is (on its new
// operands).
using NodeRewrite = std::function<std::optional<std::vector<Value>>(
    Builder& builder, const Node& old, std::span<const Value> operands)>;

Graph rewrite(const Graph& graph, const NodeRewrite& fn);

}  // namespace mintor
