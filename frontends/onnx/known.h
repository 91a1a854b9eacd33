// SPDX-License-Identifier: Apache-2.0
// What the importer knows of a value: small integer tensors as expressions over symbols, so that
// chains like Shape -> Gather -> Mul -> Concat -> Reshape become shapes and leave no nodes.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "compiler/ir/builder.h"

namespace mintor {

// Row-major items. Floats are allowed as far as they are fractions with one small denominator
// (exporters cast sizes to float, halve and round them, and cast them back).
struct Known {
  DType dtype = DType::i64;
  std::vector<int64_t> shape;
  std::vector<Index> items;
  int64_t denominator = 1;  // of every item
  bool all_const() const;
};

// A value of the model: nodes, or what is known of it, or both. At least one is there.
// `element` is the number of an ONNX element type that the Graph has no dtype for: of 8 bits or
// fewer, or strings (small_types.h); 0: the value's own dtype.
struct OnnxValue {
  Value value;
  std::shared_ptr<const Known> known;
  int32_t element = 0;
  // Not null: a sequence, whose length is known when compiling.
  std::shared_ptr<const std::vector<OnnxValue>> items = nullptr;
  bool absent = false;  // an optional value without an element
  bool is_nothing() const { return !value && !known && !items && !absent; }
};

int64_t count_of_shape(const std::vector<int64_t>& shape);
std::optional<Known> known_of(const Tensor& tensor);  // nullopt: too large, or not whole numbers
Tensor tensor_of(const Known& known);                 // all_const() must hold
Value materialise(Builder& b, const Known& known);

// Element-wise functions over known tensors with broadcasting; nullopt where the result cannot be
// told.
enum class KnownOp { add, sub, mul, div, mod, min, max, eq, lt, le, gt, ge, and_, or_ };
std::optional<Known> known_binary(const Ranges& ranges, KnownOp op, const Known& x, const Known& y);
// floor, ceil (up) of fractions.
Known known_rounded(const Known& x, bool up);
// Whether an exact result is a value of the dtype; what is not, the operator wraps or rounds.
bool fits(DType dtype, const Index& item);
// y[i..] = x[start + step * i ..] of the given shape, a start and a step for each dimension of x;
// then dimension d of the result is dimension perm[d].
Known known_moved(const Known& x, const std::vector<int64_t>& start,
                  const std::vector<int64_t>& step, const std::vector<int64_t>& shape,
                  const std::vector<int32_t>& perm);
std::optional<Known> known_where(const Known& condition, const Known& x, const Known& y);
std::optional<Known> known_cast(const Ranges& ranges, const Known& x, DType dtype);
std::optional<Known> known_gather(const Known& x, const Known& index, int64_t axis);
std::optional<Known> known_concat(const std::vector<const Known*>& xs, int64_t axis);

}  // namespace mintor
