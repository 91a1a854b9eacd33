// SPDX-License-Identifier: Apache-2.0
// What operators on strings share (ops/strings.h).
// Takes x as u8[.., width]; gives values of its shape, or without the dimension of bytes.
// Keeps true: what is behind the end of a string is 0.
#pragma once

#include "compiler/ops/library/common.h"
#include "compiler/ops/strings.h"

namespace mintor::ops {

void need_strings(std::string_view op, Value x);
Shape without_bytes(const Value& x);
// y[.., j] = x[.., j + offset], 0 outside.
Value at_offset(Builder& b, Value x, int64_t offset);
// j of [.., j], i64.
Value byte_places(Builder& b, const Shape& shape);
Value over_bytes(Builder& b, Reduction how, Value x);  // along the last dimension, which goes

}  // namespace mintor::ops
