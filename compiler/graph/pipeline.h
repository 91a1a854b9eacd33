// SPDX-License-Identifier: Apache-2.0
// The two ordered lists of passes (design: numerics passes decide bits and freeze the Graph; the
// others preserve bits) and the one runner: times, disables, stops after, dumps what changed,
// verifies, and in test builds checks bits.
#pragma once

#include <span>
#include <string>

#include "compiler/graph/pass.h"

namespace mintor {

struct PipelineEntry {
  const char* pass;
  const char* why;  // `needs: ... gives: ...`
};

std::span<const PipelineEntry> numerics_pipeline();
std::span<const PipelineEntry> bit_preserving_pipeline();

// Runs both lists as the options say.
Graph run_pipeline(CompileContext& context, Graph graph);
// SHA-256 of the frozen Graph's text without scopes: equal hash + equal input = equal bits.
std::string numerics_hash(const Graph& frozen);

}  // namespace mintor
