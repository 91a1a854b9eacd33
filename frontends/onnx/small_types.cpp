// SPDX-License-Identifier: Apache-2.0
// The table of small element types, their conversions, and their bytes in files (small_types.h).
// Keeps true: whatever the bytes, an integer of n bits has one of its 2^n values.
#include "frontends/onnx/small_types.h"

#include "compiler/ops/library.h"
#include "compiler/support/error.h"
#include "frontends/onnx/import_state.h"
#include "onnx-ml.pb.h"

namespace mintor {

static_assert(kStringElement == onnx::TensorProto::STRING);

namespace {

constexpr SmallType kTypes[] = {
    {onnx::TensorProto::FLOAT8E4M3FN, DType::u8, 8, &ops::kE4M3fn},
    {onnx::TensorProto::FLOAT8E4M3FNUZ, DType::u8, 8, &ops::kE4M3fnuz},
    {onnx::TensorProto::FLOAT8E5M2, DType::u8, 8, &ops::kE5M2},
    {onnx::TensorProto::FLOAT8E5M2FNUZ, DType::u8, 8, &ops::kE5M2fnuz},
    {onnx::TensorProto::FLOAT8E8M0, DType::u8, 8, &ops::kE8M0},
    {onnx::TensorProto::FLOAT4E2M1, DType::u8, 4, &ops::kE2M1},
    {onnx::TensorProto::UINT4, DType::u8, 4, nullptr},
    {onnx::TensorProto::INT4, DType::i8, 4, nullptr},
    {onnx::TensorProto::UINT2, DType::u8, 2, nullptr},
    {onnx::TensorProto::INT2, DType::i8, 2, nullptr},
};

Value number(Builder& b, Value like, int64_t v) {
  return b.broadcast(b.constant_int(like.dtype(), v), like.shape(), {});
}

}  // namespace

const SmallType* find_small_type(int64_t element) {
  for (const SmallType& type : kTypes)
    if (type.element == element) return &type;
  return nullptr;
}

DType storage_dtype(int64_t element, const std::string& op) {
  const SmallType* small = find_small_type(element);
  return small ? small->dtype : dtype_from_onnx(element, op);
}

int32_t stored_element(int64_t element) {
  const bool own = find_small_type(element) || element == kStringElement;
  return own ? static_cast<int32_t>(element) : 0;
}

Value number_of(Builder& b, Value x, const SmallType& type) {
  return type.format ? ops::decode_small(b, x, *type.format) : x;
}

Value small_of(Builder& b, Value x, const SmallType& type, bool saturate,
               std::string_view rounding) {
  if (type.format == &ops::kE8M0) return ops::encode_exponent(b, x, saturate, rounding);
  if (type.format) return ops::encode_small(b, x, *type.format, saturate);
  const Value whole = b.cast(x, DType::i32);
  const int64_t count = int64_t{1} << type.bits, half = count / 2;
  Value low = b.apply(ScalarOp::bit_and, {whole, number(b, whole, count - 1)});
  if (type.dtype == DType::i8) {  // the sign goes on
    low = b.apply(ScalarOp::bit_xor, {low, number(b, low, half)});
    low = b.apply(ScalarOp::sub, {low, number(b, low, half)});
  }
  return b.cast(low, type.dtype);
}

Value saturated(Builder& b, Value x, const SmallType& type) {
  const int64_t count = int64_t{1} << type.bits, least = type.dtype == DType::i8 ? -count / 2 : 0;
  const Value y =
      b.apply(ScalarOp::clamp, {x, number(b, x, least), number(b, x, least + count - 1)});
  return b.cast(y, type.dtype);
}

Tensor unpacked(const SmallType& type, std::vector<int64_t> shape, const std::byte* data) {
  auto [tensor, out] = Tensor::make(type.dtype, std::move(shape));
  const int64_t in_byte = 8 / type.bits;
  const int mask = (1 << type.bits) - 1, half = 1 << (type.bits - 1);
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const int byte = std::to_integer<int>(data[i / in_byte]);
    int value = (byte >> (i % in_byte * type.bits)) & mask;
    if (type.dtype == DType::i8) value = (value ^ half) - half;
    out[i] = static_cast<std::byte>(value);
  }
  return tensor;
}

}  // namespace mintor
