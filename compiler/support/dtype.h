// SPDX-License-Identifier: Apache-2.0
// Element types of tensors and scalars.
// Keeps true: the numbering equals mt_dtype of the package ABI; f16 and bf16 are storage types
// (arithmetic is f32).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mintor {

enum class DType : uint8_t { f64, f32, f16, bf16, i8, i16, i32, i64, u8, u16, u32, u64, boolean };
inline constexpr int kDTypeCount = 13;

// Bytes of one element in memory (boolean: 1).
int64_t size_of(DType dtype);
// "f32", "i64", "bool", ... and back.
std::string_view name_of(DType dtype);
std::optional<DType> parse_dtype(std::string_view name);

constexpr bool is_float(DType d) { return d <= DType::bf16; }
constexpr bool is_storage_float(DType d) { return d == DType::f16 || d == DType::bf16; }
constexpr bool is_signed_int(DType d) { return d >= DType::i8 && d <= DType::i64; }
constexpr bool is_unsigned_int(DType d) { return d >= DType::u8 && d <= DType::u64; }
constexpr bool is_int(DType d) { return is_signed_int(d) || is_unsigned_int(d); }

// One element of any dtype: floats (all widths) in `f`, integers and bool in `i` (u64 as its bits).
// An f32 is held exactly in `f` as a double; its dtype says how it is rounded and stored.
struct Scalar {
  DType dtype = DType::f32;
  double f = 0;
  int64_t i = 0;

  static Scalar of(DType dtype, double value);  // rounds/converts value to dtype as a cast would
  static Scalar of_int(DType dtype,
                       int64_t value);  // for integers, bool; floats get (double)value rounded
  static Scalar read(DType dtype, const void* bytes);
  void write(void* bytes) const;                     // stores size_of(dtype) bytes
  bool same_bits(
      const Scalar& other) const;  // dtype and stored bits are equal (NaN = NaN payloads too)
};

}  // namespace mintor
