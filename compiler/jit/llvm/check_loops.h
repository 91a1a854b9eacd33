// SPDX-License-Identifier: Apache-2.0
// Loops that count: `for (T i = a; i < b; ++i)` and the like. Takes loops; gives the variable that
// counts and what is known of it. Keeps true: a variable that anything but the loop's own step
// changes counts nothing.
#pragma once

#include <clang/AST/Stmt.h>

#include "compiler/jit/llvm/check_values.h"

namespace mintor::jit {

struct LoopVariable {
  const clang::VarDecl* variable = nullptr;  // null: the loop counts nothing
  Wide step = 0;
  Sum start;
};

LoopVariable loop_variable(const clang::ForStmt& loop, Values& values);
// In the condition and the step: anything.
void begin_loop(const LoopVariable& counted, Values& values);
// In the body: before the end that the condition names.
void enter_body(const clang::ForStmt& loop, const LoopVariable& counted, Values& values);

bool always_leaves(const clang::Stmt* stmt);  // it ends with break, continue or return
bool may_leave(const clang::Stmt* body);      // of a loop: it has a break of its own, or a return

}  // namespace mintor::jit
