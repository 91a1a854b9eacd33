// SPDX-License-Identifier: Apache-2.0
// The dtype rule around contract. Takes operands of one dtype, gives a sum of that dtype.
// Keeps true: integers wrap as if summed in their own width; f16 and bf16 round once, at the end.
#include "compiler/ops/library/contraction.h"

namespace mintor::ops {

Value contract_as(std::string_view op, Builder& b, Value x, Value y, Contract contract) {
  DType dtype = x.dtype();
  if (dtype != y.dtype())
    fail(op, "operands of different dtypes: " + text(x.type()) + " and " + text(y.type()));
  if (dtype == DType::boolean)
    fail(op, "sums of bool products are not defined", "cast the operands first");
  DType wide = dtype;
  if (dtype == DType::i32 || dtype == DType::u32 || dtype == DType::u64) wide = DType::i64;
  Value sum = b.contract(b.cast(x, wide), b.cast(y, wide), std::move(contract));
  return b.cast(sum, dtype);
}

}  // namespace mintor::ops
