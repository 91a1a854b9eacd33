// SPDX-License-Identifier: Apache-2.0
// TensorProto to Tensor. Raw bytes are used in place (the Tensor keeps the model alive); typed
// fields are converted. Keeps true: the number of bytes is exactly what dtype and shape say, before
// anything is read or allocated.
#include <cstring>

#include "compiler/ops/strings.h"
#include "compiler/support/error.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/small_types.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

[[noreturn]] void bad(const onnx::TensorProto& t, std::string problem) {
  throw CompileError("initializer", "tensor '" + printable(t.name()) + "' " + problem);
}

std::vector<int64_t> shape_of(const onnx::TensorProto& t) {
  if (t.dims_size() > onnx_limits::kRank)
    bad(t, "has " + std::to_string(t.dims_size()) + " dimensions, at most " +
               std::to_string(onnx_limits::kRank) + " are taken");
  std::vector<int64_t> shape;
  int64_t count = 1;
  for (int64_t size : t.dims()) {
    if (size < 0) bad(t, "has a negative dimension " + std::to_string(size));
    if (__builtin_mul_overflow(count, size, &count) || count > onnx_limits::kElements)
      bad(t, "has more elements than the " + std::to_string(onnx_limits::kElements) +
                 " that are taken");
    shape.push_back(size);
  }
  return shape;
}

// Decimal digits only, within int64.
int64_t number(const onnx::TensorProto& t, const std::string& key, const std::string& text) {
  int64_t value = 0;
  if (text.empty() || text.size() > 18)
    bad(t, "has a bad external " + key + " '" + printable(text) + "'");
  for (char c : text) {
    if (c < '0' || c > '9') bad(t, "has a bad external " + key + " '" + printable(text) + "'");
    value = value * 10 + (c - '0');
  }
  return value;
}

// A tensor over bytes that `owner` keeps; a copy where they are not as the compiler reads them.
Tensor in_place(DType dtype, std::vector<int64_t> shape, std::shared_ptr<const void> owner,
                const std::byte* data) {
  bool aligned = reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(size_of(dtype)) == 0;
  if (dtype == DType::boolean) {  // any byte but 0 is true
    auto [clean, out] = Tensor::make(dtype, std::move(shape));
    for (int64_t i = 0; i < clean.count(); ++i) out[i] = std::byte{data[i] != std::byte{0}};
    return clean;
  }
  if (!aligned) return Tensor::copy_of(dtype, std::move(shape), data);
  return {dtype, std::move(shape), std::move(owner), data, {}};
}

Tensor external(const OnnxState& state, const onnx::TensorProto& t, DType dtype,
                std::vector<int64_t> shape) {
  std::string location;
  int64_t offset = 0, length = -1, bytes = count_of_shape(shape) * size_of(dtype);
  for (const onnx::StringStringEntryProto& entry : t.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = number(t, "offset", entry.value());
    if (entry.key() == "length") length = number(t, "length", entry.value());
  }
  if (length >= 0 && length != bytes)
    bad(t, "has external data of " + std::to_string(length) + " bytes where its shape needs " +
               std::to_string(bytes));
  std::shared_ptr<const std::byte> data;
  try {
    data = read_external(state.files, location, offset, bytes);
  } catch (const CompileError& error) {
    throw CompileError(error.op(), error.problem(), "tensor '" + printable(t.name()) + "'");
  }
  return in_place(dtype, std::move(shape), data, data.get());
}

template <class Field>
Tensor from_field(const onnx::TensorProto& t, DType dtype, std::vector<int64_t> shape,
                  const Field& field) {
  int64_t count = count_of_shape(shape);
  if (field.size() != count)
    bad(t, "holds " + std::to_string(field.size()) + " values where its shape needs " +
               std::to_string(count));
  auto [tensor, bytes] = Tensor::make(dtype, std::move(shape));
  size_t size = static_cast<size_t>(size_of(dtype));
  for (int64_t i = 0; i < count; ++i) {
    std::byte* at = bytes + static_cast<size_t>(i) * size;
    auto value = field.Get(static_cast<int>(i));
    if (is_storage_float(dtype)) {  // their bits, in the low half of an int32
      uint16_t bits = static_cast<uint16_t>(static_cast<uint64_t>(value));
      std::memcpy(at, &bits, sizeof bits);
    } else if (is_float(dtype)) {
      Scalar::of(dtype, static_cast<double>(value)).write(at);
    } else {
      int64_t whole = static_cast<int64_t>(value);
      Scalar::of_int(dtype, dtype == DType::boolean ? whole != 0 : whole).write(at);
    }
  }
  return tensor;
}

}  // namespace

DType dtype_from_onnx(int64_t number, const std::string& op) {
  switch (number) {
    case onnx::TensorProto::FLOAT:
      return DType::f32;
    case onnx::TensorProto::DOUBLE:
      return DType::f64;
    case onnx::TensorProto::FLOAT16:
      return DType::f16;
    case onnx::TensorProto::BFLOAT16:
      return DType::bf16;
    case onnx::TensorProto::INT8:
      return DType::i8;
    case onnx::TensorProto::INT16:
      return DType::i16;
    case onnx::TensorProto::INT32:
      return DType::i32;
    case onnx::TensorProto::INT64:
      return DType::i64;
    case onnx::TensorProto::UINT8:
      return DType::u8;
    case onnx::TensorProto::UINT16:
      return DType::u16;
    case onnx::TensorProto::UINT32:
      return DType::u32;
    case onnx::TensorProto::UINT64:
      return DType::u64;
    case onnx::TensorProto::BOOL:
      return DType::boolean;
    default:
      break;
  }
  throw CompileError(op, "element type " + onnx_dtype_text(number) + " is not supported", "",
                     "f64 f32 f16 bf16 i8..i64 u8..u64 bool are");
}

std::string onnx_dtype_text(int64_t number) {
  if (number < 0 || number > INT32_MAX ||
      !onnx::TensorProto_DataType_IsValid(static_cast<int>(number)))
    return std::to_string(number);
  return onnx::TensorProto_DataType_Name(static_cast<onnx::TensorProto_DataType>(number));
}

namespace {

// Of 8 bits and fewer, packed: raw, or a byte or 32 bits of them in each int32.
Tensor small_from_proto(const OnnxState& state, const onnx::TensorProto& t, const SmallType& type) {
  std::vector<int64_t> shape = shape_of(t);
  const int64_t in_byte = 8 / type.bits;
  const int64_t bytes = (count_of_shape(shape) + in_byte - 1) / in_byte;
  if (t.data_location() == onnx::TensorProto::EXTERNAL) {
    const Tensor packed = external(state, t, DType::u8, {bytes});
    return unpacked(type, std::move(shape), packed.data);
  }
  const bool raw = t.has_raw_data();
  const auto given = static_cast<int64_t>(raw ? t.raw_data().size() : t.int32_data().size());
  if (given != bytes)
    bad(t,
        "holds " + std::to_string(given) + " bytes where its shape needs " + std::to_string(bytes));
  if (raw)
    return unpacked(type, std::move(shape),
                    reinterpret_cast<const std::byte*>(t.raw_data().data()));
  std::vector<std::byte> packed;
  for (int32_t value : t.int32_data()) packed.push_back(static_cast<std::byte>(value & 0xFF));
  return unpacked(type, std::move(shape), packed.data());
}

// u8[.., width], as wide as the longest one.
Tensor strings_from_proto(const OnnxState& state, const onnx::TensorProto& t) {
  std::vector<int64_t> shape = shape_of(t);
  if (t.string_data_size() != count_of_shape(shape))
    bad(t, "holds " + std::to_string(t.string_data_size()) + " strings where its shape needs " +
               std::to_string(count_of_shape(shape)));
  const std::vector<std::string> strings(t.string_data().begin(), t.string_data().end());
  try {
    Tensor rows = string_constant(state, strings);
    shape.push_back(rows.shape.back());
    rows.shape = std::move(shape);
    return rows;
  } catch (const CompileError& error) {
    bad(t, error.problem());
  }
}

}  // namespace

Tensor string_constant(const OnnxState& state, std::span<const std::string> strings) {
  size_t width = 1;
  for (const std::string& s : strings) {
    width = std::max(width, s.size());
    if (s.ends_with('\0'))
      throw CompileError("string", "holds '" + printable(s) +
                                       "', which ends in a NUL: the end of " +
                                       "a string is where NULs begin");
  }
  take_expanded(state, static_cast<int64_t>(width * (strings.size() + 1)));
  return ops::string_rows(strings);
}

Tensor tensor_from_proto(const OnnxState& state, const onnx::TensorProto& t) {
  if (t.has_segment()) bad(t, "is stored in segments, which is not supported");
  if (t.data_type() == kStringElement) return strings_from_proto(state, t);
  if (const SmallType* small = find_small_type(t.data_type()))
    return small_from_proto(state, t, *small);
  DType dtype = dtype_from_onnx(t.data_type(), "initializer");
  std::vector<int64_t> shape = shape_of(t);
  if (t.data_location() == onnx::TensorProto::EXTERNAL)
    return external(state, t, dtype, std::move(shape));
  if (t.has_raw_data()) {
    int64_t bytes = count_of_shape(shape) * size_of(dtype);
    if (static_cast<int64_t>(t.raw_data().size()) != bytes)
      bad(t, "holds " + std::to_string(t.raw_data().size()) + " bytes where its shape needs " +
                 std::to_string(bytes));
    const std::byte* data = reinterpret_cast<const std::byte*>(t.raw_data().data());
    return in_place(dtype, std::move(shape), state.model, data);
  }
  switch (dtype) {
    case DType::f32:
      return from_field(t, dtype, std::move(shape), t.float_data());
    case DType::f64:
      return from_field(t, dtype, std::move(shape), t.double_data());
    case DType::i64:
      return from_field(t, dtype, std::move(shape), t.int64_data());
    case DType::u32:
    case DType::u64:
      return from_field(t, dtype, std::move(shape), t.uint64_data());
    case DType::f16:
    case DType::bf16:
    case DType::i8:
    case DType::i16:
    case DType::i32:
    case DType::u8:
    case DType::u16:
    case DType::boolean:
      return from_field(t, dtype, std::move(shape), t.int32_data());
  }
  bad(t, "has no data");
}

}  // namespace mintor
