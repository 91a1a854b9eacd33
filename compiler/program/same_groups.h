// SPDX-License-Identifier: Apache-2.0
// Groups that become one kernel, told before anything is lowered: the equal layers of a model.
// Takes the fusion plans of a program's entries; gives, for each group that becomes a kernel, the
// first that is the same, whatever region holds it. Keeps true: the same work up to names, on
// values of the same types and kinds of place (the caller's memory or the program's own, which are
// aligned differently), for the same symbols by name.
#pragma once

#include <span>
#include <unordered_map>

#include "compiler/graph/fusion.h"

namespace mintor {

std::unordered_map<const Group*, const Group*> same_groups(std::span<const FusionPlan> entries);

}  // namespace mintor
