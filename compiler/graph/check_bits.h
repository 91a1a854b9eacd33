// SPDX-License-Identifier: Apache-2.0
// Does a rewrite keep bits? Both graphs run in the reference evaluator on the same seeded inputs.
// Takes two graphs of one signature; throws InternalError that names the pass, the result and the
// sizes where they differ. Graphs above 10^7 scalar operations, and those that hold `host` or
// `code`, are not run: their final bits are compared by tests of whole models.
#pragma once

#include <string_view>

#include "compiler/ir/graph.h"

namespace mintor {

void check_bits(std::string_view pass, const Graph& before, const Graph& after);

}  // namespace mintor
