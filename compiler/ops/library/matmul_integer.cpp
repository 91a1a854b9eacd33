// SPDX-License-Identifier: Apache-2.0
// matmul_integer: matmul with exact i32 sums (integer_sums.h).
// Takes bytes and zero points; gives i32. Keeps true: no sum saturates.
#include "compiler/ops/library/integer_sums.h"

namespace mintor::ops {

namespace {

void check_operand(Value v, const char* name) {
  if (v.dtype() != DType::i8 && v.dtype() != DType::u8)
    fail("matmul_integer", std::string(name) + " must be i8 or u8, not " + text(v.type()));
}

}  // namespace

Value without_zero(std::string_view op, Builder& b, Value v, Value zero, int32_t dim) {
  Value wide = b.cast(v, DType::i16);
  if (!zero) return wide;
  if (zero.dtype() != v.dtype())
    fail(op, "zero point " + text(zero.type()) + " of an operand " + text(v.type()));
  zero = b.cast(zero, DType::i16);
  if (zero.shape().size() == 1 && !zero.shape()[0].is_const(1))
    return apply(b, ScalarOp::sub, {wide, b.broadcast(zero, v.shape(), {dim})});
  if (zero.shape().size() == 1) zero = b.reshape(zero, {});
  return apply(b, ScalarOp::sub, {wide, zero});
}

Value matmul_integer(Builder& b, Value x, Value y, Value x_zero, Value y_zero) {
  OpScope scope(b, "matmul_integer");
  check_operand(x, "x");
  check_operand(y, "y");
  int32_t rows = static_cast<int32_t>(x.shape().size()) - 2,
          columns = static_cast<int32_t>(y.shape().size()) - 1;
  if (rows < 0 || columns < 1)
    fail("matmul_integer",
         "operands must have at least 2 dimensions: " + text(x.type()) + ", " + text(y.type()));
  bool plain = !x_zero && !y_zero && x.dtype() == y.dtype();
  Value xs = plain ? x : without_zero("matmul_integer", b, x, x_zero, rows),
        ys = plain ? y : without_zero("matmul_integer", b, y, y_zero, columns);
  // The sum of one i16 or i8 contraction is i32 already: matmul() would cast it back.
  return matmul_sums(b, xs, ys);
}

}  // namespace mintor::ops
