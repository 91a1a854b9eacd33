// SPDX-License-Identifier: Apache-2.0
// Library operators that carry something along an axis, beside ops/library.h's cum_sum.
// Takes numbers and an axis; gives the same shape. Keeps true: the order is serial, from one end.
#pragma once

#include "compiler/ops/library.h"

namespace mintor::ops {

Value cum_prod(Builder& b, Value x, int64_t axis, bool exclusive, bool reverse);

}  // namespace mintor::ops
