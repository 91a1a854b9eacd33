// SPDX-License-Identifier: Apache-2.0
// Exact sums of quantised operands: zero points are taken off in i16, which holds every difference
// of 8-bit values, so that products stay one contraction of narrow integers with i32 sums.
// Takes 8-bit values and their zero points; gives i32.
#pragma once

#include "compiler/ops/library/conv.h"

namespace mintor::ops {

// v - zero in i16; zero is null, 0-d, [1] or one per element of dimension `dim`.
Value without_zero(std::string_view op, Builder& b, Value v, Value zero, int32_t dim);

// Sums of (x - x_zero) * (weight - weight_zero); x_zero 0-d, weight_zero 0-d or one per output
// channel, either may be null. Padding adds nothing.
Value conv_integer(Builder& b, Value x, Value weight, Value x_zero, Value weight_zero,
                   const ConvAttr& attr);

}  // namespace mintor::ops
