// SPDX-License-Identifier: Apache-2.0
// f16 (binary16) and bf16 as their 16 bits, to and from f32 and f64 on the host.
// Takes and gives bits in uint16_t. Keeps true: narrowing rounds once, to nearest even, also from
// f64 (never through f32); overflow gives infinity; subnormals are exact; a NaN becomes the quiet
// NaN with its sign. compiler/ir/scalar_math.h has the same functions for emitted code; tests
// compare the two over all inputs.
#pragma once

#include <bit>
#include <cstdint>

namespace mintor {

// The value of a small binary float with `fraction_bits` and `exponent_bits`, from a double:
// rounds the 52-bit fraction (or, below the normal range, the shifted significand) to nearest even.
constexpr uint16_t narrow_float(double value, int exponent_bits, int fraction_bits) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const uint64_t sign = (bits >> 63) << 15;
  const uint64_t magnitude = bits & 0x7fffffffffffffffu;
  const uint64_t infinity = ((uint64_t{1} << exponent_bits) - 1) << fraction_bits;
  if (magnitude > 0x7ff0000000000000u) {
    return static_cast<uint16_t>(sign | infinity | (uint64_t{1} << (fraction_bits - 1)));
  }
  const int bias = (1 << (exponent_bits - 1)) - 1;
  int exponent = static_cast<int>(magnitude >> 52) - 1023 + bias;
  if (exponent >= (1 << exponent_bits) - 1) return static_cast<uint16_t>(sign | infinity);
  uint64_t significand = magnitude & 0xfffffffffffffu;
  int shift = 52 - fraction_bits;
  if (exponent <= 0) {  // subnormal result: the implicit one becomes explicit and moves down
    if (magnitude >> 52) significand |= uint64_t{1} << 52;
    shift += 1 - exponent;
    exponent = 0;
    if (shift > 54) return static_cast<uint16_t>(sign);  // below half of the smallest subnormal
  }
  uint64_t result = (static_cast<uint64_t>(exponent) << fraction_bits) + (significand >> shift);
  const uint64_t rest = significand & ((uint64_t{1} << shift) - 1);
  const uint64_t half = uint64_t{1} << (shift - 1);
  if (rest > half || (rest == half && (result & 1)))
    ++result;  // may carry into the exponent: right
  return static_cast<uint16_t>(sign | result);
}

constexpr double widen_float(uint16_t bits, int exponent_bits, int fraction_bits) {
  const uint64_t sign = static_cast<uint64_t>(bits >> 15) << 63;
  const uint64_t magnitude = bits & 0x7fffu;
  const uint64_t fraction = magnitude & ((uint64_t{1} << fraction_bits) - 1);
  const int exponent = static_cast<int>(magnitude >> fraction_bits);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  if (exponent == (1 << exponent_bits) - 1) {
    const uint64_t quiet = fraction != 0 ? uint64_t{1} << 51 : 0;
    return std::bit_cast<double>(sign | 0x7ff0000000000000u | quiet);
  }
  // 2^(1 - bias - fraction_bits) is one subnormal step, exact in f64 for both formats.
  const double step =
      std::bit_cast<double>(static_cast<uint64_t>(1023 + 1 - bias - fraction_bits) << 52);
  const double small = static_cast<double>(fraction) * step;
  if (exponent == 0) return std::bit_cast<double>(std::bit_cast<uint64_t>(small) | sign);
  const uint64_t wide = (static_cast<uint64_t>(exponent - bias + 1023) << 52) |
                        (fraction << (52 - fraction_bits));
  return std::bit_cast<double>(sign | wide);
}

constexpr uint16_t f64_to_f16(double x) { return narrow_float(x, 5, 10); }
constexpr uint16_t f64_to_bf16(double x) { return narrow_float(x, 8, 7); }
constexpr uint16_t f32_to_f16(float x) { return narrow_float(x, 5, 10); }
constexpr uint16_t f32_to_bf16(float x) { return narrow_float(x, 8, 7); }
constexpr double f16_to_f64(uint16_t x) { return widen_float(x, 5, 10); }
constexpr double bf16_to_f64(uint16_t x) { return widen_float(x, 8, 7); }
constexpr float f16_to_f32(uint16_t x) { return static_cast<float>(f16_to_f64(x)); }
constexpr float bf16_to_f32(uint16_t x) { return static_cast<float>(bf16_to_f64(x)); }

}  // namespace mintor
