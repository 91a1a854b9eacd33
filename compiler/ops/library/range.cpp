// SPDX-License-Identifier: Apache-2.0
// range: iota * step + start.
// Takes sizes as Index, so that a symbolic count is no table; f16 and bf16 are counted in f32.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value range(Builder& b, DType dtype, Index start, Index count, Index step) {
  OpScope scope(b, "range");
  if (count.is_const() && count.value() < 0) fail("range", "count " + count.str());
  DType counted = is_storage_float(dtype) ? DType::f32 : dtype;
  Value y = b.iota(counted, {count}, 0);
  if (!step.is_const(1)) y = mul(b, y, count_of(b, counted, step));
  if (!start.is_const(0)) y = add(b, y, count_of(b, counted, start));
  return b.cast(y, dtype);
}

}  // namespace mintor::ops
