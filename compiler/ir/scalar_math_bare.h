// SPDX-License-Identifier: Apache-2.0
// fma and rounding to whole numbers by plain arithmetic, for programs without libm
// (-ffreestanding). Takes and gives scalars. Keeps true: the bits of the C library's functions of
// the same names, in the default floating-point environment. Included by scalar_math_base.h, which
// defines what it needs before that.
#ifndef MINTOR_SCALAR_MATH_BARE_H
#define MINTOR_SCALAR_MATH_BARE_H

#include "compiler/ir/scalar_math_base.h"

// ---- Whole numbers --------------------------------------------------------------------------

// From the magic number on every value is whole; below, adding it rounds half to even.
#define MT_BARE_ROUNDINGS(E, magic)                                                 \
  MT_FN E mt_bare_sign(E magnitude, E x) { return __builtin_copysign(magnitude, x); } \
  MT_FN bool mt_bare_whole(E x) { return !(__builtin_fabs(x) < magic); }            \
  MT_FN E mt_bare_round(E x) {                                                      \
    if (mt_bare_whole(x)) return x;                                                 \
    const E m = mt_bare_sign(magic, x);                                             \
    return mt_bare_sign((x + m) - m, x);                                            \
  }                                                                                 \
  MT_FN E mt_bare_floor(E x) {                                                      \
    const E r = mt_bare_round(x);                                                   \
    return r > x ? mt_bare_sign(r - 1, x) : r;                                      \
  }                                                                                 \
  MT_FN E mt_bare_ceil(E x) {                                                       \
    const E r = mt_bare_round(x);                                                   \
    return r < x ? mt_bare_sign(r + 1, x) : r;                                      \
  }                                                                                 \
  MT_FN E mt_bare_trunc(E x) { return x < 0 ? mt_bare_ceil(x) : mt_bare_floor(x); }
MT_BARE_ROUNDINGS(float, 0x1p23f)
MT_BARE_ROUNDINGS(double, 0x1p52)
#undef MT_BARE_ROUNDINGS

// ---- Fused multiply-add ---------------------------------------------------------------------

// The product is exact in f64. The sum is rounded to odd there, whose rounding to f32 is then one
// rounding of the exact sum: f64 has more than two bits beyond f32.
MT_FN float mt_bare_fma(float x, float y, float z) {
  const double product = (double)x * y, sum = product + z;
  const double part = sum - product;
  const double lost = (product - (sum - part)) + (z - part);  // exact; NaN beside infinities
  mt_u64 bits = mt_bits<mt_u64>(sum);
  if ((lost > 0 || lost < 0) && (bits & 1) == 0) bits += (lost > 0) == (sum > 0) ? 1 : -1;
  return (float)mt_bits<double>(bits);
}

// A finite number other than 0: mantissa 2^exponent, negative or not.
struct mt_bare_parts {
  mt_wide mantissa;
  int exponent;
  bool negative;
};
// The mantissa fills 53 bits.
MT_FN mt_bare_parts mt_bare_split(double x) {
  const mt_u64 bits = mt_bits<mt_u64>(x), fraction = bits & 0xfffffffffffffu;
  const int field = (int)(bits >> 52 & 0x7ff);
  mt_bare_parts p = {{0, field ? fraction | 0x10000000000000u : fraction},
                     (field ? field : 1) - 1075, (bits >> 63) != 0};
  while (!(p.mantissa.lo >> 52)) p.mantissa.lo <<= 1, --p.exponent;
  return p;
}
// Right by n >= 0; the lowest bit says whether anything was lost.
MT_FN mt_wide mt_bare_shift_sticky(mt_wide x, int n) {
  if (n >= 128) return {0, (x.hi | x.lo) != 0};
  const mt_wide kept = mt_wide_right(x, n), back = mt_wide_left(kept, n);
  return {kept.hi, kept.lo | (back.hi != x.hi || back.lo != x.lo)};
}
// Rounded to nearest even, to subnormals and to infinity too. The mantissa is not 0.
MT_BIG_FN double mt_bare_join(mt_bare_parts p) {
  int top = 127;  // its highest bit that is set
  while (!(mt_wide_right(p.mantissa, top).lo & 1)) --top;
  int last = p.exponent + top - 52;  // the exponent of the result's last bit
  if (last < -1074) last = -1074;
  // Two bits beyond it, of which the second is sticky.
  const int shift = last - 2 - p.exponent;
  const mt_u64 m = shift > 0 ? mt_bare_shift_sticky(p.mantissa, shift).lo
                             : mt_wide_left(p.mantissa, -shift).lo;
  mt_u64 bits = m >> 2;
  const mt_u64 rest = m & 3;
  if (rest > 2 || (rest == 2 && (bits & 1))) ++bits;
  bits += (mt_u64)(last + 1074) << 52;  // carries: the highest bit counts as one more
  if (bits >> 52 >= 0x7ff) bits = (mt_u64)0x7ff << 52;
  return mt_bits<double>(bits | (mt_u64)p.negative << 63);
}
MT_BIG_FN double mt_bare_fma(double x, double y, double z) {
  const double product = x * y, inf = __builtin_inf();
  if (!(__builtin_fabs(x) < inf && __builtin_fabs(y) < inf) || x == 0 || y == 0) return product + z;
  if (!(__builtin_fabs(z) < inf)) return z;
  if (z == 0) return product;
  const mt_bare_parts a = mt_bare_split(x), b = mt_bare_split(y);
  // Both begin at bit 124 or one below, with zeros behind them: what cancels has lost no bit.
  mt_bare_parts p = {mt_wide_left(mt_wide_product(a.mantissa.lo, b.mantissa.lo), 19),
                     a.exponent + b.exponent - 19, a.negative != b.negative};
  mt_bare_parts q = mt_bare_split(z);
  q.mantissa = mt_wide_left(q.mantissa, 72);
  q.exponent -= 72;
  mt_bare_parts& small = p.exponent < q.exponent ? p : q;
  const int exponent = p.exponent < q.exponent ? q.exponent : p.exponent;
  small.mantissa = mt_bare_shift_sticky(small.mantissa, exponent - small.exponent);
  p.exponent = exponent;
  if (p.negative == q.negative) {
    p.mantissa = mt_wide_add(p.mantissa, q.mantissa);
    return mt_bare_join(p);
  }
  const bool less = p.mantissa.hi != q.mantissa.hi ? p.mantissa.hi < q.mantissa.hi
                                                   : p.mantissa.lo < q.mantissa.lo;
  p.mantissa = less ? mt_wide_sub(q.mantissa, p.mantissa) : mt_wide_sub(p.mantissa, q.mantissa);
  if (less) p.negative = q.negative;
  return p.mantissa.hi | p.mantissa.lo ? mt_bare_join(p) : 0.0;
}

#endif
