// SPDX-License-Identifier: Apache-2.0
// Sizes that only a branch needs. Takes an entry; gives its branches checks of them, and marks the
// buffers that have them. Keeps true: where no branch is taken that needs a size, it may be below
// 0; no launch and no loop runs over a size that is.
//
//   if p then { launch tail (x[n], t[n - 10]) }
//   -> if p then { needs n - 10 == 0 or n - 10 >= 1, launch .. }, t in_branch
#pragma once

#include "compiler/program/program.h"

namespace mintor {

void check_sizes_in_branches(Program& program, Entry& entry);
// Whether it says of a size that it is not below 0, and nothing else.
bool is_size_check(const Check& check);

}  // namespace mintor
