// SPDX-License-Identifier: Apache-2.0
// Arithmetic on i64[] values and on short lists of them, for operators whose sizes come from data
// (ops/by_data.h).
// Takes lists of a constant length; gives 0-d values. Keeps true: constants stay constants where
// the importer folds them.
#pragma once

#include "compiler/ops/by_data.h"
#include "compiler/ops/library/common.h"

namespace mintor::ops {

struct Numbers {
  Builder& b;
  Value n(int64_t v) const { return b.constant_int(DType::i64, v); }
  Value size(const Index& e) const { return count_of(b, DType::i64, e); }
  Value apply(ScalarOp op, Value x, Value y) const { return b.apply(op, {x, y}); }
  Value add(Value x, Value y) const { return apply(ScalarOp::add, x, y); }
  Value sub(Value x, Value y) const { return apply(ScalarOp::sub, x, y); }
  Value mul(Value x, Value y) const { return apply(ScalarOp::mul, x, y); }
  Value div(Value x, Value y) const { return apply(ScalarOp::div, x, y); }  // toward 0
  Value max(Value x, Value y) const { return apply(ScalarOp::max, x, y); }
  Value min(Value x, Value y) const { return apply(ScalarOp::min, x, y); }
  Value clamp(Value x, Value lo, Value hi) const { return min(max(x, lo), hi); }
  Value is(Value x, Value y) const { return apply(ScalarOp::eq, x, y); }
  Value less(Value x, Value y) const { return apply(ScalarOp::lt, x, y); }
  Value both(Value x, Value y) const { return apply(ScalarOp::and_, x, y); }
  Value either(Value x, Value y) const { return apply(ScalarOp::or_, x, y); }
  Value pick(Value condition, Value x, Value y) const {
    return b.apply(ScalarOp::where, {condition, x, y});
  }
};

// The elements of a list that speaks of dimensions, as i64[]. A list longer than any shape is
// refused before there is a node for each element.
std::vector<Value> elements_of(std::string_view op, Builder& b, Value list);
// Whether `axis` (which may count from the end) is dimension d.
Value is_axis(const Numbers& m, Value axis, size_t d, size_t rank);
// For each dimension, what the list has for its axis, or `otherwise`. axes null: the first
// dimensions, in order.
std::vector<Value> by_dimension(std::string_view op, Builder& b, size_t rank,
                                std::span<const Value> list, Value axes,
                                const std::vector<Value>& otherwise);

}  // namespace mintor::ops
