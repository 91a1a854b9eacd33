// SPDX-License-Identifier: Apache-2.0
// What the quantisations share.
// Takes a scale or zero point of one element or one per element of an axis.
#pragma once

#include "compiler/ops/library/common.h"

namespace mintor::ops {

// A 0-d, [1] or [size of axis] value over x's shape.
Value along(std::string_view op, Builder& b, Value v, Value x, int64_t axis);

}  // namespace mintor::ops
