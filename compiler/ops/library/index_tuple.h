// SPDX-License-Identifier: Apache-2.0
// Index tuples of gather_nd and scatter_nd: the last dimension of the indices.
// Takes the indices; gives one load of the map per component.
#pragma once

#include "compiler/ops/library/common.h"

namespace mintor::ops {

// One load per component from operand number `operand`, addressed by the leading dimensions.
void load_tuple(IndexMap& map, int32_t operand, int64_t components, std::span<const Index> leading);
// Components of each index tuple: the last dimension, which must be constant.
int64_t tuple_size(std::string_view op, Value index);

}  // namespace mintor::ops
