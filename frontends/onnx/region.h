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
// `variant` tells imports of one sub-graph apart whose inputs have other sizes: what one finds out
// says nothing about another.
std::unique_ptr<OnnxDraft> import_region(OnnxNode& n, std::string_view attribute,
                                         const std::vector<OnnxRegionInput>& inputs,
                                         const std::string& variant = "");

// The region of a sub-graph that cannot be, for the reason given: a run that comes there ends. It
// gives what `like` gives, empty where a size of that is known inside of it alone.
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

// Whether the graph around a region knows this size too; sizes that the region computes of known
// ones it then does.
bool keeps_size(OnnxNode& n, const OnnxDraft& draft, const Index& size);
// What `trip` slices stack up to: a size that the body alone knows becomes a symbol.
Type stacked_type(OnnxNode& n, const OnnxDraft& body, const Index& trip, const Type& slice);

// A carried value of a body: its type before an iteration, what it is after one.
struct OnnxKept {
  size_t number;
  const Type& before;
  Value after;
};
// Throws where the element type or the rank changes.
void need_rank(OnnxNode& n, const OnnxKept& kept);
// Whether an iteration keeps this size. Throws where it does so under a condition that another
// attempt assumes.
bool keeps_dimension(OnnxNode& n, OnnxDraft& body, const OnnxKept& kept, size_t dim);
// What it is after an iteration, as the type that it has before one.
Value kept_type(OnnxNode& n, OnnxDraft& body, const OnnxKept& kept);

// x, where that and what it takes the place of have one element each: with as many dimensions as
// that. Exporters are careless with these: [] becomes [1] in a branch or after an iteration.
Value with_rank(Builder& b, Value x, const Shape& of);

// The one number that x should be, without dimensions.
Value single(OnnxNode& n, Builder& b, Value x, std::string_view what);

}  // namespace mintor
