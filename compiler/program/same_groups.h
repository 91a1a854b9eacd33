// SPDX-License-Identifier: Apache-2.0
// Groups that become one kernel, told before anything is lowered: the equal layers of a model.
// Takes a Graph and its fusion plan; gives, for each group, the first that is the same. Keeps true:
// the same work up to names, on values of the same types and kinds of place (the caller's memory or
// the program's own, which are aligned differently), for the same symbols by name.
#pragma once

#include <vector>

#include "compiler/graph/fusion.h"

namespace mintor {

std::vector<size_t> same_groups(const Graph& graph, const FusionPlan& fusion);

}  // namespace mintor
