// SPDX-License-Identifier: Apache-2.0
// What conv and conv_transpose share: checks, bias, groups.
// Takes attributes as given; gives them complete, or throws with the actual shapes.
#pragma once

#include "compiler/ops/library/contraction.h"

namespace mintor::ops {

// m0, m1, ... and the like: names of axes.
std::string numbered(char letter, size_t d);

// Weights, groups and attribute lengths fit x; gives lists their defaults.
ConvAttr checked_conv(std::string_view op, Value x, Value weight, Value bias, ConvAttr attr,
                      bool transposed);

// The product alone, with the result dtype of `contract`: i32 for 8- and 16-bit integers.
Value conv_sums(std::string_view op, Builder& b, Value x, Value weight, const ConvAttr& attr);

// y + bias[O], y when bias is null.
Value add_bias(Builder& b, Value y, Value bias);

// [N, G, O / G, ..] as [N, O, ..].
Value join_groups(Builder& b, Value y);

}  // namespace mintor::ops
