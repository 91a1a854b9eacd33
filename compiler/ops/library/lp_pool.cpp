// SPDX-License-Identifier: Apache-2.0
// lp_pool: the p-norm of each window, (sum |x|^p)^(1/p); padding counts as 0.
// Takes a float value; computed in f32 for f16 and bf16.
#include "compiler/ops/library/pool.h"

namespace mintor::ops {

Value lp_pool(Builder& b, Value x, const PoolAttr& given, int64_t p) {
  OpScope scope(b, "lp_pool");
  PoolAttr attr = checked_pool("lp_pool", x, given);
  if (p < 1) fail("lp_pool", "p = " + std::to_string(p) + " must be at least 1");
  Value wide = widen(b, x), exponent = scalar(b, wide.dtype(), static_cast<double>(p));
  Value powers = apply(b, ScalarOp::pow, {apply(b, ScalarOp::abs, {wide}), exponent});
  Value sum = pooled("lp_pool", b, powers, attr, Combiner::add, Scalar::of(wide.dtype(), 0));
  Value root = div(b, scalar(b, wide.dtype(), 1), exponent);
  return narrow(b, apply(b, ScalarOp::pow, {sum, root}), x.dtype());
}

}  // namespace mintor::ops
