// SPDX-License-Identifier: Apache-2.0
// A region's nodes where its call is.
// Takes a region and one operand per input, in order; adds its live nodes to the builder's graph
// and gives its results there. Calls inside it stay calls, which have gradients of their own, or
// are inlined too.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "compiler/ir/builder.h"

namespace mintor {

enum class InnerCalls : uint8_t { keep, inlined };
std::vector<Value> inline_region(Builder& b, const Graph& region, std::span<const Value> operands,
                                 InnerCalls calls = InnerCalls::keep);

// What nodes of the region have become there.
using Copies = std::unordered_map<const Node*, std::vector<Value>>;
// The same; nodes that `made` holds already are those values, and it receives all others.
std::vector<Value> inline_region(Builder& b, const Graph& region, std::span<const Value> operands,
                                 Copies& made, InnerCalls calls = InnerCalls::keep);

}  // namespace mintor
