// SPDX-License-Identifier: Apache-2.0
// What the groups of traced operators share. Takes values of the graph that is written; gives them
// with the dtypes that an operator works on.
#pragma once

#include <vector>

#include "compiler/ops/library.h"
#include "frontends/python/trace/operator.h"

namespace mintor::trace {

using Values = std::vector<Value>;
using Operands = std::span<const Value>;

// Both as their common dtype.
inline std::pair<Value, Value> promoted(Builder& b, Value x, Value y) {
  const DType dtype = promote(x.dtype(), y.dtype());
  return {ops::cast(b, x, dtype), ops::cast(b, y, dtype)};
}

// All as their common dtype; CompileError where there are none.
inline Values all_promoted(Builder& b, const char* op, Operands xs) {
  if (xs.empty()) throw CompileError(op, "there are no arrays");
  DType dtype = xs[0].dtype();
  for (const Value& x : xs) dtype = promote(dtype, x.dtype());
  Values made;
  for (const Value& x : xs) made.push_back(ops::cast(b, x, dtype));
  return made;
}

// Functions that have no meaning for integers take them as the default float.
inline Value as_float(Builder& b, Value x) {
  return is_float(x.dtype()) ? x : ops::cast(b, x, DType::f32);
}

inline DType dtype_attribute(AttributeReader& attributes) {
  const std::string name = attributes.text();
  const std::optional<DType> dtype = parse_dtype(name);
  if (!dtype) throw CompileError("dtype", "there is no dtype '" + name + "'");
  return *dtype;
}

}  // namespace mintor::trace
