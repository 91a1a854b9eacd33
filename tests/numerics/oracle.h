// SPDX-License-Identifier: Apache-2.0
// What the rows of scalar_ops.def mean, written a second time: in long double for floats, in
// 128-bit integers for integers. The `reference` column names a function of namespace oracle.
// Keeps true: nothing of scalar_math.h is used here.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "compiler/ir/scalar_op.h"

namespace mintor::oracle {

using real = long double;

using std::acos;
using std::acosh;
using std::asin;
using std::asinh;
using std::atan;
using std::atan2;
using std::atanh;
using std::cbrt;
using std::ceil;
using std::cos;
using std::cosh;
using std::erf;
using std::erfc;
using std::exp;
using std::exp2;
using std::expm1;
using std::fabs;
using std::floor;
using std::fma;
using std::fmod;
using std::log;
using std::log10;
using std::log1p;
using std::log2;
using std::rint;
using std::sin;
using std::sinh;
using std::sqrt;
using std::tan;
using std::tanh;
using std::trunc;

constexpr real kNaN = std::numeric_limits<real>::quiet_NaN();

inline real neg(real x) { return -x; }
inline real hypot(real x, real y) { return std::hypot(x, y); }
inline real sign(real x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
inline real relu(real x) { return x < 0 ? 0 : x; }
inline real reciprocal(real x) { return 1 / x; }
inline real rsqrt(real x) { return 1 / std::sqrt(x); }
inline real sigmoid(real x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}
// For infinite x glibc's powl takes every |y| >= 2^63 as 2^63 - 1; its pow does not.
inline real pow(real x, real y) {
  if (std::isinf(x)) return std::pow(static_cast<double>(x), static_cast<double>(y));
  return std::pow(x, y);
}
inline real add(real x, real y) { return x + y; }
inline real sub(real x, real y) { return x - y; }
inline real mul(real x, real y) { return x * y; }
inline real div(real x, real y) { return x / y; }
inline real min(real x, real y) {
  if (x != x || y != y) return kNaN;
  return x < y || (x == y && std::signbit(x)) ? x : y;
}
inline real max(real x, real y) {
  if (x != x || y != y) return kNaN;
  return x > y || (x == y && !std::signbit(x)) ? x : y;
}
inline real clamp(real x, real lo, real hi) { return min(max(x, lo), hi); }
inline real copysign(real x, real y) { return std::copysign(x, y != y ? real(1) : y); }
// Python's float %.
inline real mod(real x, real y) {
  const real r = std::fmod(x, y);
  if (r == 0) return copysign(real(0), y);
  return (r < 0) != (y < 0) ? r + y : r;
}
inline real floordiv(real x, real y) {
  if (y == 0) return x / y;
  real r = std::fmod(x, y), q = (x - r) / y;
  if (r != 0 && (r < 0) != (y < 0)) q -= 1;
  if (q == 0) return copysign(real(0), x / y);
  const real down = std::floor(q);
  return q - down > real(0.5) ? down + 1 : down;
}
inline real dot_bytes(real, real, real) { return NAN; }  // of words only: evaluate_int
// Two bf16 in the bits of x and of y; each product is added with one rounding.
inline real dot_bf16(real x, real y, real z) {
  const auto a = std::bit_cast<uint32_t>(static_cast<float>(x));
  const auto b = std::bit_cast<uint32_t>(static_cast<float>(y));
  const auto half = [](uint32_t bits) { return static_cast<real>(std::bit_cast<float>(bits)); };
  const auto low = static_cast<float>(half(a << 16) * half(b << 16) + z);
  return half(a & 0xffff0000u) * half(b & 0xffff0000u) + static_cast<real>(low);
}
inline real where(real c, real a, real b) { return c != 0 ? a : b; }
inline real eq(real x, real y) { return x == y; }
inline real ne(real x, real y) { return x != y; }
inline real lt(real x, real y) { return x < y; }
inline real le(real x, real y) { return x <= y; }
inline real gt(real x, real y) { return x > y; }
inline real ge(real x, real y) { return x >= y; }
inline real is_nan(real x) { return std::isnan(x); }
inline real is_inf(real x) { return std::isinf(x); }
inline real is_finite(real x) { return std::isfinite(x); }
inline real sign_bit(real x) { return x == x && std::signbit(x); }
inline real logical_not(real x) { return x == 0; }
inline real logical_and(real x, real y) { return x != 0 && y != 0; }
inline real logical_or(real x, real y) { return x != 0 || y != 0; }
inline real logical_xor(real x, real y) { return (x != 0) != (y != 0); }
// Rows of integers have no meaning in reals.
inline real bit_not(real) { return kNaN; }
inline real bit_and(real, real) { return kNaN; }
inline real bit_or(real, real) { return kNaN; }
inline real bit_xor(real, real) { return kNaN; }
inline real shl(real, real) { return kNaN; }
inline real shr(real, real) { return kNaN; }

// The row's value for operands given exactly.
inline real evaluate(ScalarOp op, const real* v) {
  const auto call = [&](auto f) {
    if constexpr (requires { f(v[0], v[1], v[2]); }) return static_cast<real>(f(v[0], v[1], v[2]));
    else if constexpr (requires { f(v[0], v[1]); }) return static_cast<real>(f(v[0], v[1]));
    else return static_cast<real>(f(v[0]));
  };
  switch (op) {
#define X(name, arity, signature, spelling, gradient, reference, lo, hi)              \
  case ScalarOp::name:                                                                \
    return call([](auto... x) -> decltype(reference(x...)) { return reference(x...); });
#include "compiler/ir/scalar_ops.def"
#undef X
  }
  return kNaN;
}

using wide = __int128;

inline wide wide_floordiv(wide x, wide y) {
  const wide q = x / y;
  return x % y != 0 && (x < 0) != (y < 0) ? q - 1 : q;
}
inline wide wide_pow(wide x, wide y, int bits) {
  if (y < 0) return x == 1 ? 1 : x == -1 ? (y % 2 != 0 ? -1 : 1) : 0;
  unsigned __int128 r = 1, b = static_cast<unsigned __int128>(x);
  for (int i = 0; i < bits; ++i, b *= b) {
    if ((y >> i) & 1) r *= b;
  }
  return static_cast<wide>(r);
}

// The bytes of x, lowest first, as they are, times those of y, from 128 on negative.
inline wide dot_bytes(wide x, wide y) {
  wide sum = 0;
  for (int byte = 0; byte < 4; ++byte) {
    const wide b = (y >> (8 * byte)) & 255;
    sum += ((x >> (8 * byte)) & 255) * (b < 128 ? b : b - 256);
  }
  return sum;
}

// The row for integers of `bits` bits, before wrapping to them; v holds the values.
inline wide evaluate_int(ScalarOp op, const wide* v, int bits, bool is_signed) {
  const wide x = v[0], y = v[1], z = v[2];
  const bool out = y < 0 || y >= bits;
  switch (op) {
    case ScalarOp::neg: return -x;
    case ScalarOp::abs: return x < 0 ? -x : x;
    case ScalarOp::sign: return x > 0 ? 1 : x < 0 ? -1 : 0;
    case ScalarOp::relu: return x < 0 ? 0 : x;
    case ScalarOp::add: return x + y;
    case ScalarOp::sub: return x - y;
    case ScalarOp::mul:
      return static_cast<wide>(static_cast<unsigned __int128>(x) *
                               static_cast<unsigned __int128>(y));
    case ScalarOp::div: return y == 0 ? 0 : x / y;
    case ScalarOp::floordiv: return y == 0 ? 0 : wide_floordiv(x, y);
    case ScalarOp::mod: return y == 0 ? 0 : x - wide_floordiv(x, y) * y;
    case ScalarOp::fmod: return y == 0 ? 0 : x % y;
    case ScalarOp::min: return x < y ? x : y;
    case ScalarOp::max: return x > y ? x : y;
    case ScalarOp::clamp: return (x > y ? x : y) < z ? (x > y ? x : y) : z;
    case ScalarOp::pow: return wide_pow(x, y, bits);
    case ScalarOp::dot_bytes: return z + dot_bytes(x, y);
    case ScalarOp::bit_not: return ~x;
    case ScalarOp::bit_and: return x & y;
    case ScalarOp::bit_or: return x | y;
    case ScalarOp::bit_xor: return x ^ y;
    case ScalarOp::shl: return out ? 0 : static_cast<wide>(static_cast<unsigned __int128>(x) << y);
    case ScalarOp::shr: return out ? (is_signed && x < 0 ? -1 : 0) : x >> y;
    case ScalarOp::eq: return x == y;
    case ScalarOp::ne: return x != y;
    case ScalarOp::lt: return x < y;
    case ScalarOp::le: return x <= y;
    case ScalarOp::gt: return x > y;
    case ScalarOp::ge: return x >= y;
    default: return 0;  // rows that refuse integers
  }
}

}  // namespace mintor::oracle
