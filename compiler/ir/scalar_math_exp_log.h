// SPDX-License-Identifier: Apache-2.0
// Scalar functions, part 2: exponentials and logarithms.
// Takes and gives scalars or vectors as scalar_math.h says, which is the header to include.
// Keeps true: f32 is computed in f32, f64 in f64; errors are those of docs/numerics.md; special
// values are C's (Annex F). Coefficients: tests/numerics/minimax.py, which names each fit.
#ifndef MINTOR_SCALAR_MATH_EXP_LOG_H
#define MINTOR_SCALAR_MATH_EXP_LOG_H

#include "compiler/ir/scalar_math_base.h"

// ---- Exponentials ---------------------------------------------------------------------------

// x = n ln2 + r, |r| <= ln2/2; tail = expm1(r) = r + r^2 P(r).
template <class V> struct mt_exp_parts { V tail, n; };
template <class V> MT_FN mt_exp_parts<V> mt_exp_reduce(V x) {
  const V magic = mt_splat<V>(mt_facts_of<V>::magic);
  const V n = mt_fma(x, mt_c<V>(0x1.715476p0f, 0x1.71547652b82fep0), magic) - magic;
  V r = mt_fma(-n, mt_c<V>(0x1.62e430p-1f, 0x1.62e42fefa39efp-1), x);
  r = mt_fma(-n, mt_c<V>(-0x1.05c610p-29f, 0x1.abc9e3b39803fp-56), r);
  V p;
  if constexpr (mt_is_f32<V>) {
    p = mt_poly(r, 0x1p-1f, 0x1.555554p-3f, 0x1.5554f0p-5f, 0x1.111308p-7f, 0x1.6d436ap-10f,
                0x1.9e076cp-13f);
  } else {
    p = mt_poly(r, 0x1p-1, 0x1.5555555555559p-3, 0x1.555555555554cp-5, 0x1.111111110f659p-7,
                0x1.6c16c16c1b322p-10, 0x1.a01a01b00095fp-13, 0x1.a01a018b44f8bp-16,
                0x1.71ddf819562cbp-19, 0x1.27e5198469b2ep-22, 0x1.af5f172ab98f7p-26,
                0x1.1f102bb7c77e5p-29);
  }
  return {mt_fma(r * r, p, r), n};
}

// 2^n for a whole n in the normal range.
template <class V> MT_FN V mt_power_of_two(V n) {
  typedef mt_uint<V> U;
  constexpr auto bias = (mt_element<U>)mt_facts_of<V>::bias;
  const U low = mt_bits<U>((V)(n + mt_splat<V>(mt_facts_of<V>::magic)));
  return mt_bits<V>((U)((U)(low + mt_splat<U>(bias)) << mt_facts_of<V>::mantissa));
}
// y 2^n, rounded once where the result is subnormal: the first factor keeps y normal.
template <class V> MT_FN V mt_scale(V y, V n) {
  const V magic = mt_splat<V>(mt_facts_of<V>::magic);
  const V half = mt_fma(n, mt_splat<V>(mt_element<V>(0.5)), magic) - magic;
  return y * mt_power_of_two(half) * mt_power_of_two((V)(n - half));
}
// Limits x so that n stays representable in mt_scale; keeps NaN.
template <class V> MT_FN V mt_limit(V x, V lo, V hi) {
  return mt_select(mt_lt(x, lo), lo, mt_select(mt_gt(x, hi), hi, x));
}

// What rounds to 0 is not scaled down to it: products that underflow take CPUs many times as long,
// and masked scores are such.
template <class V> MT_BIG_FN V mt_exp(V x) {
  const V zero = mt_splat<V>(0), most = mt_c<V>(89.0f, 710.0);
  const auto vanishes = mt_lt(x, mt_c<V>(-104.0f, -746.0));
  const auto e = mt_exp_reduce(mt_select(vanishes, zero, mt_select(mt_gt(x, most), most, x)));
  return mt_select(vanishes, zero, mt_scale((V)(mt_splat<V>(1) + e.tail), e.n));
}
template <class V> MT_BIG_FN V mt_exp2(V x) {
  const V magic = mt_splat<V>(mt_facts_of<V>::magic);
  const V limited = mt_limit(x, mt_splat<V>(-151.0f), mt_splat<V>(129.0f));
  const V n = (limited + magic) - magic, r = limited - n;
  const V p = mt_poly(r, 0x1.62e430p-1f, 0x1.ebfbe0p-3f, 0x1.c6b072p-5f, 0x1.3b2a4ap-7f,
                      0x1.5da0f4p-10f, 0x1.442280p-13f, 0x1.e5ba8ap-17f);
  return mt_scale(mt_fma(r, p, mt_splat<V>(1)), n);
}
template <class V> MT_BIG_FN V mt_expm1(V x) {
  const V one = mt_splat<V>(1), half = mt_splat<V>(mt_element<V>(0.5));
  const auto e = mt_exp_reduce(mt_limit(x, mt_c<V>(-20.0f, -40.0), mt_c<V>(89.0f, 710.0)));
  const V scale =
      mt_power_of_two((V)(e.n - one));  // 2^(n-1): 2^n may overflow before the result does
  const V wide = mt_splat<V>(2) * mt_fma(e.tail, scale, scale - half);
  const V result = mt_select(mt_eq(e.n, mt_splat<V>(0)), e.tail, wide);
  return mt_select(mt_eq(x, mt_splat<V>(0)), x, result);
}
// mt_exp for x <= 0, which no power of two limits from above: one exact product, one that rounds.
template <class V> MT_FN V mt_exp_below(V x) {
  const V zero = mt_splat<V>(0), lift = mt_c<V>(64.0f, 512.0);
  const auto vanishes = mt_lt(x, mt_c<V>(-104.0f, -746.0));
  const auto e = mt_exp_reduce(mt_select(vanishes, zero, x));
  const V lifted = (mt_splat<V>(1) + e.tail) * mt_power_of_two((V)(e.n + lift));
  return mt_select(vanishes, zero, (V)(lifted * mt_power_of_two((V)-lift)));
}
template <class V> MT_BIG_FN V mt_sigmoid(V x) {
  const V one = mt_splat<V>(1);
  const V e = mt_exp_below((V)-mt_magnitude(x));
  return mt_select(mt_lt(x, mt_splat<V>(0)), e, one) / (one + e);
}

// ---- Logarithms -----------------------------------------------------------------------------

// x = 2^k (1 + f), with 1 + f in [base, 2 base), base given by its bits; positive finite x.
template <class V> struct mt_log_parts { V k, f, m; };
template <class V> MT_FN mt_log_parts<V> mt_log_reduce(V x, mt_element<mt_uint<V>> base_bits) {
  typedef mt_uint<V> U;
  typedef mt_facts_of<V> F;
  constexpr auto offset = (mt_element<U>)(F::bias + 1);
  const auto tiny = mt_lt(x, mt_splat<V>(F::min_normal));
  const U bits = mt_bits<U>(mt_select(tiny, x * mt_splat<V>(F::subnormal_scale), x));
  const U base = mt_splat<U>((mt_element<U>)(base_bits - (offset << F::mantissa)));
  const U k = (U)(bits - base) >> F::mantissa;  // exponent + offset, so that the shift is unsigned
  const V m = mt_bits<V>((U)(bits - ((U)(k - mt_splat<U>(offset)) << F::mantissa)));
  const U magic = mt_bits<U>(mt_splat<V>(F::magic));
  const V shift = mt_splat<V>(F::magic + mt_element<V>(offset));
  const V exponent = mt_bits<V>((U)(k + magic)) - shift;
  const V scaled = mt_splat<V>(mt_is_f32<V> ? mt_element<V>(24) : mt_element<V>(54));
  return {mt_select(tiny, (V)(exponent - scaled), exponent), m - mt_splat<V>(1), m};
}
// The value at the edges of the domain: f(0) = -inf, f(inf) = inf, NaN below 0 (`x` is 1 + x in
// log1p).
template <class V> MT_FN V mt_log_edges(V x, V result) {
  const V zero = mt_splat<V>(0), infinity = mt_infinity<V>();
  const V edge = mt_select(mt_eq(x, zero), -infinity,
                           mt_select(mt_eq(x, infinity), infinity, mt_quiet_nan<V>()));
  return mt_select(mt_and(mt_gt(x, zero), mt_lt(x, infinity)), result, edge);
}
// log(1 + f) = f + tail for |f| <= 1/3, f32: tail = -f^2/2 + f^3 P(f).
template <class V> MT_FN V mt_log_cubic(V f) {
  const V p = mt_poly(f, 0x1.555556p-2f, -0x1.ffff0ap-3f, 0x1.99985cp-3f, -0x1.5599c0p-3f,
                      0x1.24d99ap-3f, -0x1.f37848p-4f, 0x1.baedf4p-4f, -0x1.0733f8p-3f,
                      0x1.e25992p-4f);
  return f * f * f * p;
}
template <class V> MT_FN V mt_log_join(V k, V f) {
  const V rest = mt_fma(k, mt_splat<V>(-0x1.05c610p-29f), mt_log_cubic(f));
  const V half_square = mt_splat<V>(0.5f) * f * f;
  return mt_fma(k, mt_splat<V>(0x1.62e430p-1f), f - (half_square - rest));
}
template <class V> MT_BIG_FN V mt_log(V x) {
  if constexpr (mt_is_f32<V>) {
    const auto p = mt_log_reduce(x, 0x3f2aaaabu);  // from 2/3
    return mt_log_edges(x, mt_log_join(p.k, p.f));
  } else {
    const auto p = mt_log_reduce(x, 0x3fe6a09e667f3bcdu);  // from sqrt(1/2)
    const V f = p.f, s = f / (mt_splat<V>(2) + f), z = s * s;
    const V series = z * mt_poly(z, 0x1.5555555555555p-1, 0x1.9999999999d10p-2,
                                 0x1.24924924397f6p-2, 0x1.c71c724b87037p-3, 0x1.745ce1b504d10p-3,
                                 0x1.3b202961f2042p-3, 0x1.0f66b8098b4f3p-3, 0x1.0f13bffacf145p-3);
    const V half_square = mt_splat<V>(0.5) * f * f;
    const V rest = mt_fma(p.k, mt_splat<V>(0x1.abc9e3b39803fp-56), s * (half_square + series));
    const V log1p = f - (half_square - rest);
    return mt_log_edges(x, mt_fma(p.k, mt_splat<V>(0x1.62e42fefa39efp-1), log1p));
  }
}
// f + tail of a logarithm times the constant hi + lo.
template <class V> MT_FN V mt_log_times(V f, float hi, float lo) {
  const V tail = mt_fma((V)(mt_splat<V>(-0.5f) * f), f, mt_log_cubic(f));
  const V c = mt_splat<V>(hi), product = f * c;
  return product + mt_fma(tail, c, mt_fma(f, c, -product) + f * mt_splat<V>(lo));
}
template <class V> MT_BIG_FN V mt_log2(V x) {
  const auto p = mt_log_reduce(x, 0x3f2aaaabu);
  return mt_log_edges(x, (V)(p.k + mt_log_times(p.f, 0x1.715476p0f, 0x1.4ae0c0p-26f)));
}
template <class V> MT_BIG_FN V mt_log10(V x) {
  const auto p = mt_log_reduce(x, 0x3f2aaaabu);
  const V y = mt_log_times(p.f, 0x1.bcb7b2p-2f, -0x1.5b235ep-27f);
  const V low = mt_fma(p.k, mt_splat<V>(-0x1.ec10c0p-27f), y);
  return mt_log_edges(x, mt_fma(p.k, mt_splat<V>(0x1.344136p-2f), low));
}
template <class V> MT_BIG_FN V mt_log1p(V x) {
  const V one = mt_splat<V>(1), zero = mt_splat<V>(0);
  const V u = one + x;
  // What rounding 1 + x lost, brought to the scale of m; beyond 2^30 it cannot matter.
  const V lost = mt_select(mt_ge(x, one), one - (u - x), x - (u - one));
  const auto p = mt_log_reduce(u, 0x3f2aaaabu);
  const V k = mt_select(mt_lt(p.k, mt_splat<V>(30.0f)), p.k, zero);
  const V correction =
      mt_select(mt_lt(p.k, mt_splat<V>(30.0f)), lost * mt_power_of_two((V)-k), zero);
  const V f = mt_select(mt_eq(p.k, zero), x, p.f + correction);
  return mt_select(mt_eq(x, zero), x, mt_log_edges(u, mt_log_join(p.k, f)));
}

#endif
