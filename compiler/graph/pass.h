// SPDX-License-Identifier: Apache-2.0
// Graph passes: Graph -> Graph. One file each in graph/passes/, collected by name; their order is
// in pipeline.cpp. Takes a Graph; gives another. Keeps true: a pass of the second list preserves
// every bit; regions of branches and loops go through the same passes as the graph around them.
#pragma once

#include <span>
#include <string_view>

#include "compiler/ir/graph.h"
#include "compiler/support/context.h"

namespace mintor {

struct GraphPass {
  const char* name;  // = file name = golden name = --disable-pass name
  const char* summary;
  Graph (*run)(CompileContext& context, const Graph& graph);
};

// The pass on a graph whose regions it has seen before.
Graph run_with_regions(const GraphPass& pass, CompileContext& context, const Graph& graph);

std::span<const GraphPass* const> all_graph_passes();     // generated from the folder
const GraphPass& find_graph_pass(std::string_view name);  // CompileError with the nearest name

}  // namespace mintor
