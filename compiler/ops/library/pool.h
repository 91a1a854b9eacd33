// SPDX-License-Identifier: Apache-2.0
// What the pools share: a reindex that puts the window in trailing dimensions, then a reduce.
//   [N, C, D..] -> [N, C, O.., K..] -> [N, C, O..]   coordinate = stride * o + dilation * k - pad
// Takes checked attributes; gives the reduced windows.
#pragma once

#include "compiler/ops/library/common.h"

namespace mintor::ops {

// Attributes fit x, with their defaults filled in.
PoolAttr checked_pool(std::string_view op, Value x, PoolAttr attr);

struct Windows {
  Shape output;               // O..
  std::vector<Index> coords;  // of each spatial dimension, over i{first}.. = O.., K..
};
Windows windows_of(std::string_view op, Value x, const PoolAttr& attr, size_t first);
std::vector<int32_t> trailing(size_t first, size_t count);
// Reduces the windows of x with `combiner`; what lies outside x is `fill`.
Value pooled(std::string_view op, Builder& b, Value x, const PoolAttr& attr, Combiner combiner,
             Scalar fill);
}  // namespace mintor::ops
