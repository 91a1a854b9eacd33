// SPDX-License-Identifier: Apache-2.0
// Simplification of statements under ranges; what the pass `simplify` runs on a kernel and steps on
// the parts they made. Takes a kernel; gives a simpler one. Keeps true: every stored bit.
#pragma once

#include "compiler/loop/ir.h"

namespace mintor {

// Every Index under its ranges; decided conditions, guards and counts removed; loops of extent 1
// substituted, of extent 0 removed. Never nullptr: an empty Block when nothing is left.
Stmt simplify_stmt(const Stmt& stmt, const Ranges& ranges);
// Lets and Allocs inside `stmt` that nothing reads, and the stores to them. `names` outside are
// kept.
Stmt remove_dead(const Stmt& stmt);

}  // namespace mintor
