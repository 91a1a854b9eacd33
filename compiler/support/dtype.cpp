// SPDX-License-Identifier: Apache-2.0
// Names and sizes of element types, and single elements: conversion, reading, writing.
// Keeps true: of() rounds as a cast of an f64 would (to nearest even once, float to int truncates
// and saturates, NaN gives 0); read(write(x)) is x, NaN payloads excepted.
#include "compiler/support/dtype.h"

#include <bit>
#include <cstring>

#include "compiler/support/error.h"
#include "compiler/support/float16.h"

namespace mintor {
namespace {

struct DTypeFacts {
  std::string_view name;
  int8_t bytes;
};

constexpr DTypeFacts kFacts[kDTypeCount] = {
    {"f64", 8}, {"f32", 4}, {"f16", 2}, {"bf16", 2}, {"i8", 1},  {"i16", 2}, {"i32", 4},
    {"i64", 8}, {"u8", 1},  {"u16", 2}, {"u32", 4},  {"u64", 8}, {"bool", 1}};

// The integer that `value` truncates to, as the bits of the 64-bit type of the same signedness.
int64_t saturate(double value, int bits, bool is_signed) {
  if (value != value) return 0;
  const double limit = std::bit_cast<double>(static_cast<uint64_t>(1023 + bits - is_signed) << 52);
  if (value >= limit) {
    return is_signed ? INT64_MAX >> (64 - bits) : static_cast<int64_t>(UINT64_MAX >> (64 - bits));
  }
  if (!is_signed) return value <= 0 ? 0 : static_cast<int64_t>(static_cast<uint64_t>(value));
  return value < -limit ? INT64_MIN >> (64 - bits) : static_cast<int64_t>(value);
}

// Keeps the low bits, extended by the dtype's own rule: what memory would hold.
int64_t wrap(DType dtype, int64_t value) {
  switch (dtype) {
    case DType::i8: return static_cast<int8_t>(value);
    case DType::i16: return static_cast<int16_t>(value);
    case DType::i32: return static_cast<int32_t>(value);
    case DType::u8: return static_cast<uint8_t>(value);
    case DType::u16: return static_cast<uint16_t>(value);
    case DType::u32: return static_cast<uint32_t>(value);
    case DType::boolean: return value != 0;
    case DType::i64:
    case DType::u64:
    case DType::f64:
    case DType::f32:
    case DType::f16:
    case DType::bf16: return value;
  }
  return value;
}

double round_to(DType dtype, double value) {
  if (dtype == DType::f32) return static_cast<float>(value);
  if (dtype == DType::f16) return f16_to_f64(f64_to_f16(value));
  if (dtype == DType::bf16) return bf16_to_f64(f64_to_bf16(value));
  return value;
}

// An exact integer with more than 53 bits, made such that rounding it to f64 and then to any
// narrower float gives what one rounding would: the bits that f64 drops become one sticky bit.
double round_to_odd(int64_t value) {
  const bool negative = value < 0;
  uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  if (magnitude >> 53) {
    const uint64_t dropped = magnitude & 0x7ff;
    magnitude = (magnitude & ~uint64_t{0x7ff}) | (dropped != 0 ? 0x800 : 0);
  }
  const double result = static_cast<double>(magnitude);
  return negative ? -result : result;
}

template <class T>
T load(const void* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

}  // namespace

int64_t size_of(DType dtype) { return kFacts[static_cast<int>(dtype)].bytes; }
std::string_view name_of(DType dtype) { return kFacts[static_cast<int>(dtype)].name; }

std::optional<DType> parse_dtype(std::string_view name) {
  for (int i = 0; i < kDTypeCount; ++i) {
    if (kFacts[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

Scalar Scalar::of(DType dtype, double value) {
  Scalar s{dtype, 0, 0};
  if (is_float(dtype)) {
    s.f = round_to(dtype, value);
  } else if (dtype == DType::boolean) {
    s.i = value != 0;  // NaN is true, as in C and NumPy
  } else {
    s.i = saturate(value, static_cast<int>(8 * size_of(dtype)), is_signed_int(dtype));
  }
  return s;
}

Scalar Scalar::of_int(DType dtype, int64_t value) {
  if (dtype == DType::f64) return {dtype, static_cast<double>(value), 0};
  if (is_float(dtype)) return {dtype, round_to(dtype, round_to_odd(value)), 0};
  return {dtype, 0, wrap(dtype, value)};
}

Scalar Scalar::read(DType dtype, const void* bytes) {
  switch (dtype) {
    case DType::f64: return {dtype, load<double>(bytes), 0};
    case DType::f32: return {dtype, load<float>(bytes), 0};
    case DType::f16: return {dtype, f16_to_f64(load<uint16_t>(bytes)), 0};
    case DType::bf16: return {dtype, bf16_to_f64(load<uint16_t>(bytes)), 0};
    case DType::i8: return {dtype, 0, load<int8_t>(bytes)};
    case DType::i16: return {dtype, 0, load<int16_t>(bytes)};
    case DType::i32: return {dtype, 0, load<int32_t>(bytes)};
    case DType::i64: return {dtype, 0, load<int64_t>(bytes)};
    case DType::u8: return {dtype, 0, load<uint8_t>(bytes)};
    case DType::u16: return {dtype, 0, load<uint16_t>(bytes)};
    case DType::u32: return {dtype, 0, load<uint32_t>(bytes)};
    case DType::u64: return {dtype, 0, load<int64_t>(bytes)};
    case DType::boolean: return {dtype, 0, load<uint8_t>(bytes) != 0};
  }
  throw InternalError("Scalar::read", "unknown dtype");
}

void Scalar::write(void* bytes) const {
  if (dtype == DType::f32) {
    const float value = static_cast<float>(f);
    std::memcpy(bytes, &value, sizeof value);
  } else if (is_storage_float(dtype)) {
    const uint16_t value = dtype == DType::f16 ? f64_to_f16(f) : f64_to_bf16(f);
    std::memcpy(bytes, &value, sizeof value);
  } else if (dtype == DType::f64) {
    std::memcpy(bytes, &f, sizeof f);
  } else {
    // Integers lie in memory as the low bytes of their 64 bits (the supported hosts are little
    // endian, as the package format is).
    const int64_t value = wrap(dtype, i);
    std::memcpy(bytes, &value, static_cast<size_t>(size_of(dtype)));
  }
}

bool Scalar::same_bits(const Scalar& other) const {
  if (dtype != other.dtype) return false;
  if (!is_float(dtype)) return i == other.i;
  return std::bit_cast<uint64_t>(f) == std::bit_cast<uint64_t>(other.f) ||
         (f != f && other.f != other.f);
}

}  // namespace mintor
