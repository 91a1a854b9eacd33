// SPDX-License-Identifier: Apache-2.0
// What a loop holds where that is one loop, or one in each side of a branch, which is how a tail
// stands beside full blocks. Takes a loop; gives those inside. Keeps true: the branch reads nothing
// that the loop may write, and both sides have as many iterations.
//| for a { for b { S } }        for a { if c(a) { for b { S } } else { for b_t { T } } }
#pragma once

#include "compiler/loop/ir.h"

namespace mintor {

struct LoopInside {
  const For* loop = nullptr;       // none: it holds something else
  const For* otherwise = nullptr;  // of the branch that is taken where `cond` is false
  Expr cond;                       // null: there is no branch
};
LoopInside loop_inside(const For& outer);

}  // namespace mintor
