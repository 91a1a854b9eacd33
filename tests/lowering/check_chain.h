// SPDX-License-Identifier: Apache-2.0
// Evaluator == loop interpreter on plain loops == on the schedules of every level, bit for bit.
// Takes a graph and values for its symbols; runs both pipelines on it, with their checks, and fails
// the test on the first result that differs, with the kernels' text.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "compiler/ir/graph.h"

namespace mintor {

// l2_bytes: of the levels, instead of their own, so that small operands are scheduled as large
// ones.
void check_chain(Graph graph, const std::map<std::string, int64_t>& symbols = {},
                 std::optional<int64_t> l2_bytes = {});

}  // namespace mintor
