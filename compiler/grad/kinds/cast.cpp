// SPDX-License-Identifier: Apache-2.0
// cast: the gradient in the dtype of the operand; rounding counts as no change.
// Keeps true: integers and bool pass nothing, which the walk sees to.
#include "compiler/grad/rule.h"

namespace mintor {

Gradients backward_cast(const Backward& at) {
  return {at.b.cast(at.grads[0], at.operand().dtype())};
}

}  // namespace mintor
