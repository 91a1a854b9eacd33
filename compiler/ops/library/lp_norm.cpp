// SPDX-License-Identifier: Apache-2.0
// lp_norm: x over its 1- or 2-norm along one axis; a zero norm gives 0.
// Takes a float value; computed in f32 for f16 and bf16.
#include "compiler/ops/library/norm.h"

namespace mintor::ops {

Value lp_norm(Builder& b, Value x, int64_t axis, int64_t p) {
  OpScope scope(b, "lp_normalization");
  need_float("lp_norm", x);
  if (p != 1 && p != 2) fail("lp_norm", "p = " + std::to_string(p) + ", only 1 and 2 are defined");
  Value wide = widen(b, x);
  Value norm =
      reduce(b, p == 1 ? Reduction::l1 : Reduction::l2, wide, std::vector<int64_t>{axis}, true);
  Value zero = scalar(b, wide.dtype(), 0);
  Value y = div(b, wide, norm);
  return narrow(b, where(b, apply(b, ScalarOp::eq, {norm, zero}), zero, y), x.dtype());
}

}  // namespace mintor::ops
