// SPDX-License-Identifier: Apache-2.0
// What the normalisations share. Mean and variance are two reductions (exact two-pass); the
// deviation is multiplied by one reciprocal per row.
// Takes widened values; gives values of the same dtype.
#pragma once

#include "compiler/ops/library/common.h"

namespace mintor::ops {

// The mean over `dims`, which the result drops.
Value mean_over(Builder& b, Value x, std::span<const int32_t> dims);

struct Standard {
  Value y, mean, variance, inv_std;  // all but y without the reduced dimensions
};

// d = x - mean, y = d * (1 / sqrt(mean(d * d) + eps)) over `dims`.
Standard standardise(Builder& b, Value x, std::span<const int32_t> dims, double eps);

// y * scale + bias along dimension 1, each [C] or null.
Value scale_channels(std::string_view op, Builder& b, Value y, Value scale, Value bias);

// first, first + 1, ..., rank - 1.
std::vector<int32_t> dims_from(size_t first, size_t rank);

}  // namespace mintor::ops
