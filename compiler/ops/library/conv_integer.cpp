// SPDX-License-Identifier: Apache-2.0
// conv_integer: conv with exact i32 sums (integer_sums.h).
// Takes bytes and zero points; gives i32. Keeps true: no sum saturates.
#include "compiler/ops/library/integer_sums.h"

namespace mintor::ops {

Value conv_integer(Builder& b, Value x, Value weight, Value x_zero, Value weight_zero,
                   const ConvAttr& attr) {
  OpScope scope(b, "conv_integer");
  for (const Value& v : {x, weight})
    if (v.dtype() != DType::i8 && v.dtype() != DType::u8)
      fail("conv_integer",
           "operands must be i8 or u8: x " + text(x.type()) + ", weight " + text(weight.type()));
  return conv_sums("conv_integer", b, without_zero("conv_integer", b, x, x_zero, 1),
                   without_zero("conv_integer", b, weight, weight_zero, 0), attr);
}

}  // namespace mintor::ops
