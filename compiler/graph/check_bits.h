// SPDX-License-Identifier: Apache-2.0
// Does a rewrite keep bits? Both graphs run in the reference evaluator on the same seeded inputs.
// Takes two graphs of one signature; throws InternalError that names the pass and the result where
// they differ, or where only the first can be evaluated. Graphs above 10^7 scalar operations, and
// those that hold `host` or `code`, are not run: their final bits are compared by tests of whole
// models. Sizes that the model does not take are passed over for its symbols' hints.
#pragma once

#include <string>
#include <string_view>

#include "compiler/ir/graph.h"

namespace mintor {

// Why the bits were not compared; "": they were.
std::string check_bits(std::string_view pass, const Graph& before, const Graph& after);

}  // namespace mintor
