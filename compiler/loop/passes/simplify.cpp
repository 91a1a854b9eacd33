// SPDX-License-Identifier: Apache-2.0
// Simplifies every Index, removes what the ranges decide (conditions, guards, counts, loops of
// extent 0 and 1) and what nothing reads (Lets, local buffers).
//| for i in 0..1 {
//|   if in_range(i, n) { r[16*i + 0 // 4] = x[i] }     ->     r[0] = x[0]       with n >= 1
//| }
#include "compiler/loop/simplify.h"
#include "compiler/loop/pass.h"

namespace mintor {

static Kernel simplify(const Kernel& kernel) {
  Kernel out = kernel;
  out.body = remove_dead(simplify_stmt(kernel.body, ranges_at(kernel)));
  return out;
}

extern const LoopPass loop_pass_simplify;
const LoopPass loop_pass_simplify = {
    "simplify", "removes what the ranges of loops and symbols decide", simplify};

}  // namespace mintor
