// SPDX-License-Identifier: Apache-2.0
// Evaluator == loop interpreter on plain loops == on the schedules of every level, bit for bit.
// Takes a graph and values for its symbols; runs both pipelines on it, with their checks, and fails
// the test on the first result that differs, with the kernels' text.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "compiler/ir/graph.h"

namespace mintor {

void check_chain(Graph graph, const std::map<std::string, int64_t>& symbols = {});

}  // namespace mintor
