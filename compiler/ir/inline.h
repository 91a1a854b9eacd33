// SPDX-License-Identifier: Apache-2.0
// A region's nodes where its call is.
// Takes a region and one operand per input, in order; adds its live nodes to the builder's graph,
// calls inside it too, and gives its results there.
#pragma once

#include <span>
#include <vector>

#include "compiler/ir/builder.h"

namespace mintor {

std::vector<Value> inline_region(Builder& b, const Graph& region, std::span<const Value> operands);

}  // namespace mintor
