// SPDX-License-Identifier: Apache-2.0
// ONNX element types of 8 bits and fewer that are no dtype of the Graph. Floats are u8 that hold
// their bits, integers i8 or u8 that hold their value; in files the 4- and 2-bit ones lie packed,
// the first in the low bits. Strings are u8 with one dimension more (compiler/ops/strings.h).
// Which of them a value is, OnnxValue::element says.
#pragma once

#include <cstdint>

#include "compiler/ops/small_float.h"

namespace mintor {

struct SmallType {
  int32_t element;  // onnx::TensorProto::DataType
  DType dtype;      // of the values that stand for it
  int bits;
  const ops::SmallFloat* format;  // null: integers
};

const SmallType* find_small_type(int64_t element);  // null: none of them

// The ONNX element type of strings, onnx::TensorProto::STRING.
inline constexpr int32_t kStringElement = 8;

// The dtype of an element type, small ones included, or a CompileError.
DType storage_dtype(int64_t element, const std::string& op);
// `element` where the Graph has no dtype for it: a small type, or strings; else 0.
int32_t stored_element(int64_t element);

// The number that a value of a small type is: f32 for floats, x itself for integers.
Value number_of(Builder& b, Value x, const SmallType& type);
// x as a value of the type: floats round once, integers keep their low bits.
Value small_of(Builder& b, Value x, const SmallType& type, bool saturate,
               std::string_view rounding);
// The same for whole numbers in i32, which saturate (quantisation).
Value saturated(Builder& b, Value x, const SmallType& type);

// Values of the type from packed bytes.
Tensor unpacked(const SmallType& type, std::vector<int64_t> shape, const std::byte* data);

}  // namespace mintor
