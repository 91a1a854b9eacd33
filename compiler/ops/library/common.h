// SPDX-License-Identifier: Apache-2.0
// What library operators share: argument checks, axes, widening of storage floats, scopes.
// Takes what callers were given; gives it checked and in one form (axes not negative, ascending).
// Keeps true: an error names the operator and the actual values; nothing here makes arithmetic.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/builder.h"
#include "compiler/ops/library.h"
#include "compiler/support/error.h"

namespace mintor::ops {

// "[batch, 3, 224]", "f32[batch, 3, 224]", "[1, 2]".
std::string text(const Shape& shape);
std::string text(const Type& type);
std::string text(std::span<const int64_t> values);

// Throws CompileError(op, problem) unless `condition`. Build `problem` only when needed: call
// fail() instead.
[[noreturn]] void fail(std::string_view op, std::string problem, std::string help = "");

// The same where sizes x and y would have to be equal (SizesDiffer).
[[noreturn]] void fail_unequal(std::string_view op, std::string problem, const Index& x,
                               const Index& y);

// A dimension number in 0..rank-1 from one that may be negative.
int32_t axis_of(std::string_view op, int64_t axis, size_t rank);
// The same for several: ascending, each once; empty means all of them when `empty_is_all`.
std::vector<int32_t> axes_of(std::string_view op, std::span<const int64_t> axes, size_t rank,
                             bool empty_is_all);

// The scope of a library operator: nothing is added when the last part of the current scope already
// says it
// (`layer1/conv1/Conv`, `MatMul_3`), so that importers' names stay as the model has them.
class OpScope {
 public:
  OpScope(Builder& b, std::string_view name);

 private:
  std::optional<Builder::Scope> scope_;
};

// f16 and bf16 as f32, everything else as it is; and back.
Value widen(Builder& b, Value x);
Value narrow(Builder& b, Value x, DType dtype);

// The product of dims as an Index, and as a value of `dtype` (0-d): a constant where it is one.
Index product(const Shape& shape, std::span<const int32_t> dims);
Value count_of(Builder& b, DType dtype, const Index& count);

// x of the dims `kept` (ascending) of `shape`, back to all of it.
Value spread(Builder& b, Value x, const Shape& shape, std::span<const int32_t> reduced);
// A [C] vector as [N, C, D..] (dimension 1 of rank).
Value spread_channels(Builder& b, Value x, const Shape& shape);
// Reduced dimensions as size 1 again.
Value keep_dims(Builder& b, Value x, const Shape& shape, std::span<const int32_t> reduced);
// Dimensions of a rank-`rank` value that are not in `dims` (ascending).
std::vector<int32_t> other_dims(size_t rank, std::span<const int32_t> dims);

// Throws CompileError unless x has a float dtype; unless index has an integer dtype.
void need_float(std::string_view op, Value x);
void need_index(std::string_view op, Value index);
// 0 of x's dtype, what a map that never leaves x fills with.
Scalar zero_of(Value x);
// i0..i{rank-1}, and the map that moves nothing.
std::vector<Index> result_indices(size_t rank);
IndexMap identity_map(size_t rank);

// i0, i1, ... of an IndexMap; l0, l1, ....
Index result_index(size_t dim);
Index loaded_index(size_t load);
// index where it is not negative, index + size otherwise; out of range stays out of range.
Index wrapped(const Index& index, const Index& size);

// Axis sizes are equal, as far as can be seen.
bool same_size(Builder& b, const Index& x, const Index& y);

}  // namespace mintor::ops
