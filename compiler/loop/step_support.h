// SPDX-License-Identifier: Apache-2.0
// Small helpers that step files share: arguments, the loop of an argument, copies of bodies, the
// tail of a split. Takes kernels and arguments of steps; gives what several steps need.
#pragma once

#include <span>
#include <string>

#include "compiler/loop/analysis.h"
#include "compiler/loop/ir.h"
#include "compiler/loop/simplify.h"
#include "compiler/loop/step.h"

namespace mintor {

// The loop of an argument that is one.
const For& loop_named(const Kernel& kernel, const std::string& var);
Refusal expect_fresh(const Kernel& kernel, const std::string& name);

// A copy of `body` with `var` := value and every bound name suffixed, simplified under `ranges`;
// its loops are that part of theirs.
Stmt copy_of_body(const Stmt& body, const std::string& var, const Index& value,
                  std::string_view suffix, LoopPart part, const Ranges& ranges);
// `suffix`, repeated until a copy of `body` with it binds no name of `taken`; the copy's names are
// added to `taken`.
std::string free_suffix(std::set<std::string>& taken, const Stmt& body, std::string_view suffix);

// Ranges at `loop`, for statements inside its body that replace it.
Ranges ranges_inside(const Kernel& kernel, const For& loop);

// What a split left: outer loop [0, ceil(n / factor)), and a guard in_range(factor * outer + inner,
// n) inside.
struct SplitTail {
  int64_t factor = 1;
  Index extent;  // n
};
std::optional<SplitTail> tail_of(const Kernel& kernel, const For& outer);
// `body` without the guards of that split, for whole blocks.
Stmt without_tail_guard(const Kernel& kernel, const For& outer, const SplitTail& tail);
// The body of `outer` at outer == extent // factor, its inner loop cut to extent % factor; names
// suffixed `_t`. keep_variable: the outer variable stays in the text, so that its iterations can
// still be seen to be independent.
Stmt tail_body(const Kernel& kernel, const For& outer, const SplitTail& tail,
               bool keep_variable = false);

}  // namespace mintor
