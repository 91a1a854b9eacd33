// SPDX-License-Identifier: Apache-2.0
// Library operators on windows and places of space beyond the pools of ops/library.h: where a
// maximum lies, values put back there, columns put back into images, a middle part; and the
// determinant of square matrices.
#pragma once

#include "compiler/ops/library.h"

namespace mintor::ops {

// The flat position in x[N, C, D..] of the largest element of each window, i64; the first D counts
// slowest, or fastest when `first_fastest`. Of equal ones the first.
Value max_pool_indices(Builder& b, Value x, const PoolAttr& attr, bool first_fastest);
// x at flat positions of zeros[shape].
Value max_unpool(Builder& b, Value x, Value indices, const Shape& shape);
// x[N, C * K.., L..] (flat: [N, C * K, L]) added into [N, C, sizes..] where its windows lie.
Value col2im(Builder& b, Value x, const Shape& sizes, std::span<const Index> block,
             const ConvAttr& attr);
// The middle of x, or x in the middle of zeros, in each dimension.
Value center_crop_pad(Builder& b, Value x, const Shape& shape);
// Of x[.., n, n]; by elimination with row exchanges, one step of a loop for each column.
Value determinant(Builder& b, Value x);

}  // namespace mintor::ops
