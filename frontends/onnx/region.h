// SPDX-License-Identifier: Apache-2.0
// Sub-graphs of If, Loop and Scan: imported where their node is, or as regions of a node.
// Takes a GraphProto and what its inputs are; gives its outputs. A region is imported into a graph
// of its own, a draft; once it is known which values of the graph around it the draft captured,
// `region_of` makes the region that the node gets.
// Keeps true: a sub-graph sees the values around it, to any depth that limits.h allows; a draft is
// imported once, however many regions are made of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"

namespace mintor {

// The sub-graph of an attribute; throws where there is none.
const onnx::GraphProto& graph_of(const OnnxNode& n, std::string_view attribute);

// The outputs of a sub-graph, its nodes made in the graph of the node itself; `inputs` by position.
std::vector<OnnxValue> import_here(OnnxNode& n, const onnx::GraphProto& graph,
                                   const std::vector<OnnxValue>& inputs = {});

struct OnnxDraft {
  OnnxState state;
  std::vector<OnnxValue> outputs;  // of the sub-graph, in its state

  // The output as a node.
  Value output(size_t i);
};
// `inputs` are by position what the sub-graph's inputs are; a Type becomes an input of the draft.
struct OnnxRegionInput {
  Type type;
  std::shared_ptr<const Known> known;  // not null: it is this, and no input
  bool symbolic = false;               // i64[]: also known, as a symbol that the region binds
  int64_t last = -1;                   // the largest that it can be; -1: no bound
};
std::unique_ptr<OnnxDraft> import_region(OnnxNode& n, std::string_view attribute,
                                         const std::vector<OnnxRegionInput>& inputs);

// The region of a sub-graph that cannot be, for the reason given: a run that comes there ends. It
// gives what `like` gives; null where a size of that is known inside of it alone.
std::unique_ptr<OnnxDraft> region_that_ends(OnnxNode& n, std::string_view attribute,
                                            std::string reason, const OnnxDraft& like);

// One input of a region: what stands for it in the draft, if anything does.
struct OnnxRegionPort {
  Type type;
  Value draft;
};
// What of the draft the results need, in a graph with these inputs.
std::shared_ptr<const Graph> region_of(OnnxDraft& draft, const std::vector<OnnxRegionPort>& ports,
                                       std::span<const Value> results);

// What drafts captured for these results, each value once: operands of the node; the ports for
// them.
struct OnnxGiven {
  OnnxDraft* draft;
  std::span<const Value> results;
};
std::vector<Value> captured_by(std::initializer_list<OnnxGiven> given);
std::vector<OnnxRegionPort> ports_of(const OnnxDraft& draft, std::span<const Value> captured);

// Sizes that a region computes, for what it gives to the graph around it. Throws where a result's
// size is known in the region alone.
void keep_sizes(OnnxNode& n, const OnnxDraft& draft, const Type& result);

// x of a body, the carried value i, as the type that it has before an iteration.
Value kept_type(OnnxNode& n, OnnxDraft& body, Value x, size_t i, const Type& type);

// The one number that x should be, without dimensions.
Value single(OnnxNode& n, Builder& b, Value x, std::string_view what);

}  // namespace mintor
