// SPDX-License-Identifier: Apache-2.0
// Library operators that order and select elements, made of stable sorts. Sizes that depend on data
// are given to `bind` (ops/by_data.h).
#pragma once

#include "compiler/ops/by_data.h"

namespace mintor::ops {

// Where a bool[n] is true, ascending: i64[bind(count)].
Value places_of(Builder& b, Value mask, const BindSize& bind);
// Integers that order as x does: NaN last, -0 and +0 alike. Integers stay.
Value order_key(Builder& b, Value x);
// The positions of x along the axis in the order of its elements, equal ones as they lie: i64.
Value order_along(Builder& b, Value x, int64_t axis, bool descending);

struct TopK {
  Value values, indices;  // i64
};
TopK top_k(Builder& b, Value x, const Index& k, int64_t axis, bool largest);

// x by first occurrences, sorted or in their order; of slices along an axis, or of all elements.
struct Unique {
  Value values, first, inverse, counts;  // i64: the first of each, who each element is, how many
};
Unique unique(Builder& b, Value x, std::optional<int64_t> axis, bool sorted, const BindSize& bind);

// boxes[B, N, 4], scores[B, C, N]: rows (batch, class, box) of boxes that none with a higher score
// overlaps by more than `overlap`, at most `most` a class, with scores above `least` (null: any).
struct SuppressionAttr {
  bool centers = false;  // boxes are x, y, width, height; else two corners y, x
};
Value non_max_suppression(Builder& b, Value boxes, Value scores, Value most, Value overlap,
                          Value least, const SuppressionAttr& attr, const BindSize& bind);

}  // namespace mintor::ops
