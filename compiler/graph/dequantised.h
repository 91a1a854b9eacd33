// SPDX-License-Identifier: Apache-2.0
// Values that are scaled differences of bytes: what quantised operands stand for.
// Takes a value; gives its bytes, zero points and scales. Keeps true: put together again, in the
// dtypes that they had, they are that value.
#pragma once

#include <optional>

#include "compiler/ir/builder.h"

namespace mintor {

// value - zero: value is u8 or i8; zero is i32, one or one per element of dimension `dim` of the
// value, from -255 to 255, or null for 0.
struct Bytes {
  Value value, zero;
  std::optional<size_t> dim = {};
};

// cast f32 (bytes) * scale; scale is f32, one or one per element of dimension `dim`.
struct Dequantised {
  Bytes bytes;
  Value scale;
  std::optional<size_t> dim = {};
};

// cast (x) or cast (x) - zero, where nothing can have wrapped.
std::optional<Bytes> bytes_of(Builder& b, const Value& v);
// What varies along one dimension of v at most, as a value of one or no dimension.
std::optional<Value> per_dimension(Builder& b, const Value& v, std::optional<size_t>& dim);
// The value as scaled bytes: of that form, or a transpose of it.
std::optional<Dequantised> dequantised(Builder& b, const Value& v);
// value - zero: the value itself, or in i16.
Value difference(Builder& b, const Bytes& bytes);
// The dimension of a contract's result along which a coordinate of an operand runs; null for any
// other coordinate.
std::optional<size_t> dim_of_result(const Contract& c, const Index& coordinate);

}  // namespace mintor
