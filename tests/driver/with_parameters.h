// SPDX-License-Identifier: Apache-2.0
// Takes a graph and values by name of its parameters; gives the graph with these.
// Keeps true: other parameters keep theirs.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/graph/rewrite.h"

namespace mintor {

inline Graph with_parameters(const Graph& graph, const std::map<std::string, Tensor>& values) {
  return rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value>) {
    std::optional<std::vector<Value>> made;
    if (old.kind != Kind::parameter) return made;
    const auto value = values.find(old.as<ParameterAttr>().name);
    if (value != values.end()) made = {b.parameter(value->first, value->second)};
    return made;
  });
}

}  // namespace mintor
