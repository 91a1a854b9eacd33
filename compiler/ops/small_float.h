// SPDX-License-Identifier: Apache-2.0
// Floats of 8 and 4 bits: storage formats that the Graph has no dtype for. A value of one is a u8
// that holds its bits in the low end; conversions are compositions here, exact in both directions
// (one rounding, to nearest even, whatever the source).
#pragma once

#include "compiler/ir/builder.h"

namespace mintor::ops {

// Sign, exponent, mantissa, from the highest bit of `bits` down; the lowest exponent is that of
// subnormals. Of a format without a sign (e8m0) all bits are the exponent.
struct SmallFloat {
  int bits = 8, mantissa = 3, bias = 7;
  int64_t largest = 0x7E;  // code of the largest finite number
  int64_t nan = 0x7F;      // -1: there is none
  int64_t infinity = -1;   // -1: there is none
  bool has_sign = true;
  bool has_minus_zero = true;  // false: that code is NaN (the "uz" formats)
};

inline constexpr SmallFloat kE4M3fn{};
inline constexpr SmallFloat kE4M3fnuz{8, 3, 8, 0x7F, 0x80, -1, true, false};
inline constexpr SmallFloat kE5M2{8, 2, 15, 0x7B, 0x7E, 0x7C, true, true};
inline constexpr SmallFloat kE5M2fnuz{8, 2, 16, 0x7F, 0x80, -1, true, false};
inline constexpr SmallFloat kE2M1{4, 1, 1, 7, -1, -1, true, true};
inline constexpr SmallFloat kE8M0{8, 0, 127, 0xFE, 0xFF, -1, false, false};

// The number that u8 bits stand for, f32.
Value decode_small(Builder& b, Value bits, const SmallFloat& format);
// Bits of the number nearest to x (any number dtype). What is too large becomes the largest number
// when `saturate`, else infinity or NaN, whichever the format has.
Value encode_small(Builder& b, Value x, const SmallFloat& format, bool saturate);
// The same for e8m0: powers of two; `rounding` is "up", "down" or "nearest".
Value encode_exponent(Builder& b, Value x, bool saturate, std::string_view rounding);

}  // namespace mintor::ops
