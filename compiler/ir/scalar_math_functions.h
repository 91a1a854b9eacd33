// SPDX-License-Identifier: Apache-2.0
// Scalar functions, part 4: hyperbolic functions, error function, roots and powers.
// Takes and gives scalars or vectors as scalar_math.h says, which is the header to include.
// Keeps true: f32 is computed in f32, f64 in f64; errors are those of docs/numerics.md; special
// values are C's (Annex F). Coefficients: tests/numerics/minimax.py, which names each fit.
#ifndef MINTOR_SCALAR_MATH_FUNCTIONS_H
#define MINTOR_SCALAR_MATH_FUNCTIONS_H

#include "compiler/ir/scalar_math_exp_log.h"

// ---- Hyperbolic -----------------------------------------------------------------------------

// exp(|x|) / 2, which overflows no earlier than sinh and cosh do.
template <class V> MT_FN V mt_half_exp(V a) {
  const auto e = mt_exp_reduce(mt_limit(a, mt_splat<V>(0), mt_splat<V>(100.0f)));
  return mt_scale((V)(mt_splat<V>(1) + e.tail), (V)(e.n - mt_splat<V>(1)));
}
template <class V> MT_BIG_FN V mt_sinh(V x) {
  const V a = mt_magnitude(x), z = a * a, e = mt_half_exp(a);
  const V p = mt_poly(z, 0x1.555556p-3f, 0x1.1110eap-7f, 0x1.a01c22p-13f, 0x1.76771ep-19f);
  const V near = mt_fma((V)(a * z), p, a), far = e - mt_splat<V>(0.25f) / e;
  return mt_flip_sign(mt_select(mt_lt(a, mt_splat<V>(1)), near, far), mt_sign_of(x));
}
template <class V> MT_BIG_FN V mt_cosh(V x) {
  const V e = mt_half_exp(mt_magnitude(x));
  return e + mt_splat<V>(0.25f) / e;
}
// e / (e + 2), e = expm1(2 |x|), whose parts are below 2^60.
template <class V> MT_BIG_FN V mt_tanh(V x) {
  const V a = mt_magnitude(x), one = mt_splat<V>(1), most = mt_c<V>(20.0f, 40.0), doubled = a + a;
  const auto parts = mt_exp_reduce(mt_select(mt_gt(doubled, most), most, doubled));
  const V power = mt_power_of_two(parts.n), e = mt_fma(parts.tail, power, power - one);
  return mt_flip_sign((V)(e / (e + mt_splat<V>(2))), mt_sign_of(x));
}
template <class V> MT_BIG_FN V mt_asinh(V x) {
  const V a = mt_magnitude(x), one = mt_splat<V>(1), z = a * a;
  const V p = mt_poly(z, -0x1.555554p-3f, 0x1.333238p-4f, -0x1.6d7e48p-5f, 0x1.ec08dap-6f,
                      -0x1.4858220p-6f, 0x1.2ee0eap-7f);
  const V near = mt_fma((V)(a * z), p, a);
  const V middle = mt_log1p((V)(a + z / (one + mt_sqrt(z + one))));
  const V far = mt_log(a) + mt_splat<V>(0x1.62e430p-1f);  // ln 2
  const V r = mt_select(mt_lt(a, mt_splat<V>(0.5f)), near,
                        mt_select(mt_gt(a, mt_splat<V>(4096.0f)), far, middle));
  return mt_flip_sign(r, mt_sign_of(x));
}
template <class V> MT_BIG_FN V mt_acosh(V x) {
  const V one = mt_splat<V>(1), t = x - one;
  const V near = mt_log1p((V)(t + mt_sqrt((V)mt_fma(t, t, t + t))));
  const V far = mt_log(x) + mt_splat<V>(0x1.62e430p-1f);
  const V r = mt_select(mt_gt(x, mt_splat<V>(4096.0f)), far, near);
  return mt_select(mt_lt(x, one), mt_quiet_nan<V>(), r);
}
template <class V> MT_BIG_FN V mt_atanh(V x) {
  const V a = mt_magnitude(x), one = mt_splat<V>(1), z = a * a;
  const V p = mt_poly(z, 0x1.555558p-2f, 0x1.9997c6p-3f, 0x1.24cafap-3f, 0x1.c07d20p-4f,
                      0x1.a92fd8p-4f, 0x1.657474p-6f, 0x1.6e6602p-3f);
  const V near = mt_fma((V)(a * z), p, a);
  const V far = mt_splat<V>(0.5f) * mt_log1p((V)((a + a) / (one - a)));
  const V r = mt_select(mt_lt(a, mt_splat<V>(0.5f)), near, far);
  return mt_flip_sign(mt_select(mt_gt(a, one), mt_quiet_nan<V>(), r), mt_sign_of(x));
}

// ---- Error function -------------------------------------------------------------------------

// erf x = x + x P(z), z = x^2 < 1 (0.85 in f64).
template <class V> MT_FN V mt_erf_small(V x) {
  const V z = x * x;
  V p;
  if constexpr (mt_is_f32<V>) {
    p = mt_poly(z, 0x1.06eba8p-3f, -0x1.81273ep-2f, 0x1.ce2ceap-4f, -0x1.b7f79cp-6f, 0x1.53f7b8p-8f,
                -0x1.a383cap-11f, 0x1.481300p-14f);
  } else {
    p = mt_poly(z, 0x1.06eba8214db69p-3, -0x1.812746b037a0bp-2, 0x1.ce2f21a04472ep-4,
                -0x1.b82ce31322994p-6, 0x1.565bcd2d283a1p-8, -0x1.c02dbbb977b0ep-11,
                0x1.f9a473257c41dp-14, -0x1.f4f915b2439bep-17, 0x1.bd19503aceea3p-20,
                -0x1.8fa6938f67c8cp-23, 0x1.808cefcfac6cep-25, -0x1.f09ee476b6207p-26,
                0x1.22b3ed8e2002ep-26, -0x1.a096c8c4042f8p-28, 0x1.0cb7b9f7931e1p-30);
  }
  return mt_fma(x, p, x);
}
// erfc a = exp(-a^2) P(t) / (1 + 2 a), t = (a - 2) / (a + 2), for 0.4 <= a <= 10.3 (0.92 .. 6.1 in
// f64).
template <class V> MT_FN V mt_erfc_large(V a) {
  const V one = mt_splat<V>(1), two = mt_splat<V>(2);
  const V t = (a - two) / (a + two);
  V p;
  if constexpr (mt_is_f32<V>) {
    p = mt_poly(t, 0x1.46e80ep0f, -0x1.7bf5e6p-4f, -0x1.540790p-3f, 0x1.4ff99ap-3f, -0x1.bc347cp-5f,
                -0x1.06dac8p-7f, 0x1.1e81d8p-7f, 0x1.3c5b54p-10f, -0x1.893b94p-10f,
                -0x1.3b42b0p-12f, 0x1.ed2106p-13f);
  } else {
    p = mt_poly(t, 0x1.46e80e2277953p0, -0x1.7bf5ec170069cp-4, -0x1.5407bebf31f81p-3,
                0x1.4ffa1e14e86f2p-3, -0x1.bc2b9561b18b2p-5, -0x1.0742342aa9bd0p-7,
                0x1.1dd2ebf777b51p-7, 0x1.4d463f9ead477p-10, -0x1.7de40b0249191p-10,
                -0x1.dc67fb07bd0cbp-12, 0x1.b03a958b55f6bp-13, 0x1.3b32f387cac87p-13,
                -0x1.d8aed37745a96p-21, -0x1.ff27adf61f193p-16, -0x1.32937c8a3d83ep-18,
                0x1.5b5ae64a87dd6p-18);
  }
  const V square = a * a, lost = mt_fma(a, a, -square);
  const auto e = mt_exp_reduce((V)-square);
  const V head = one + e.tail, rest = (e.tail - (head - one)) - lost * head;
  const V q = p / mt_fma(two, a, one);
  return mt_scale(mt_fma(q, head, q * rest), e.n);
}
// erf a = 1 - 2^(a P(a) - 2 a) for a >= 1, f32; an error of the power counts by erfc a, less than a
// fifth of erf a.
template <class V> MT_FN V mt_erf_large(V a) {
  const V magic = mt_splat<V>(mt_facts_of<V>::magic), limit = mt_splat<V>(4.0f);
  const V x = mt_select(mt_gt(a, limit), limit, a);
  const V p = mt_poly(x, 0x1.7c8e04p-2f, -0x1.d50512p-1f, -0x1.3acf80p-3f, 0x1.1bf51ep-5f,
                      -0x1.641162p-8f, 0x1.0ae858p-11f, -0x1.57e7d6p-16f);
  const V power = mt_fma(p, x, -(x + x));
  const V n = (power + magic) - magic, r = power - n;
  const V fraction = mt_poly(r, 1.0f, 0x1.62e430p-1f, 0x1.ebfbd8p-3f, 0x1.c6af76p-5f,
                             0x1.3b30a6p-7f, 0x1.5f0b8cp-10f, 0x1.3f9bc0p-13f);
  return mt_fma(-fraction, mt_power_of_two(n), mt_splat<V>(1));
}
template <class V> MT_BIG_FN V mt_erf(V x) {
  const V a = mt_magnitude(x);
  V far;
  if constexpr (mt_is_f32<V>) {
    far = mt_erf_large(a);
  } else {
    far = mt_splat<V>(1) - mt_erfc_large(mt_limit(a, mt_splat<V>(0.5), mt_splat<V>(6.0)));
  }
  const auto small = mt_lt(a, mt_c<V>(1.0f, 0.921875));
  return mt_flip_sign(mt_select(small, mt_erf_small(a), far), mt_sign_of(x));
}
template <class V> MT_BIG_FN V mt_erfc(V x) {
  const V a = mt_magnitude(x), one = mt_splat<V>(1);
  const V far = mt_erfc_large(mt_limit(a, mt_splat<V>(0.4f), mt_splat<V>(10.25f)));
  const V signed_far = mt_select(mt_lt(x, mt_splat<V>(0)), mt_splat<V>(2) - far, far);
  return mt_select(mt_lt(a, mt_splat<V>(0.46875f)), one - mt_erf_small(x), signed_far);
}

// ---- Roots and powers -----------------------------------------------------------------------

template <class V> MT_BIG_FN V mt_cbrt(V x) {
  typedef mt_uint<V> U;
  const V a = mt_magnitude(x), one = mt_splat<V>(1);
  const auto p = mt_log_reduce(a, 0x3f800000u);  // a = 2^k m, m in [1, 2)
  const V third = mt_floor((V)(p.k * mt_splat<V>(0x1.555556p-2f) + mt_splat<V>(0x1p-4f)));
  const V rest = mt_fma(mt_splat<V>(-3), third, p.k);  // 0, 1 or 2
  const V scaled = p.m * mt_power_of_two(rest);
  const V factor =
      mt_select(mt_eq(rest, one), mt_splat<V>(0x1.428a30p0f),
                mt_select(mt_eq(rest, mt_splat<V>(2)), mt_splat<V>(0x1.965feap0f), one));
  const V guess =
      factor * mt_poly(p.m, 0x1.1b909ep-1f, 0x1.2b7e74p-1f, -0x1.4ab3acp-3f, 0x1.751444p-6f);
  // One Newton step; the residual guess^3 - scaled in two words.
  const V square = guess * guess, low = mt_fma(guess, guess, -square);
  const V residual = mt_fma(square, guess, -scaled) + low * guess;
  const V root = guess - residual / (mt_splat<V>(3) * square);
  const V result = mt_flip_sign((V)(root * mt_power_of_two(third)), mt_sign_of(x));
  const auto plain = mt_and(mt_gt(a, mt_splat<V>(0)), mt_lt(a, mt_infinity<V>()));
  return mt_bits<V>(mt_bits<U>(mt_select(plain, result, x)));
}
template <class V> MT_BIG_FN V mt_hypot(V x, V y) {
  const V ax = mt_magnitude(x), ay = mt_magnitude(y), one = mt_splat<V>(1);
  const auto swap = mt_gt(ay, ax);
  const V large = mt_select(swap, ay, ax), small = mt_select(swap, ax, ay);
  // Keeps squares and what their rounding loses in range.
  const V scale =
      mt_select(mt_gt(large, mt_splat<V>(0x1p50f)), mt_splat<V>(0x1p-80f),
                mt_select(mt_lt(large, mt_splat<V>(0x1p-40f)), mt_splat<V>(0x1p80f), one));
  const V back =
      mt_select(mt_gt(large, mt_splat<V>(0x1p50f)), mt_splat<V>(0x1p80f),
                mt_select(mt_lt(large, mt_splat<V>(0x1p-40f)), mt_splat<V>(0x1p-80f), one));
  const V a = large * scale, b = small * scale, square = a * a;
  const V r = mt_sqrt((V)(square + mt_fma(b, b, mt_fma(a, a, -square)))) * back;
  const auto infinite = mt_or(mt_is_inf(x), mt_is_inf(y));
  const auto ordered = mt_and(mt_eq(x, x), mt_eq(y, y));
  return mt_select(infinite, mt_infinity<V>(), mt_select(ordered, r, mt_quiet_nan<V>()));
}

// x^y for positive finite x and finite y: log2 in two words, times y, then 2 to that.
template <class V> MT_FN V mt_pow_positive(V x, V y) {
  const V one = mt_splat<V>(1), two = mt_splat<V>(2), magic = mt_splat<V>(mt_facts_of<V>::magic);
  mt_log_parts<V> p;
  if constexpr (mt_is_f32<V>)
    p = mt_log_reduce(x, 0x3f3504f3u);
  else
    p = mt_log_reduce(x, 0x3fe6a09e667f3bcdu);
  // s = f / (2 + f); log(1 + f) = 2 s (1 + z/3 + z^2 P(z)), z = s^2.
  const V d = two + p.f, d_lo = p.f - (d - two);
  const V s = p.f / d, s_lo = (mt_fma(-s, d, p.f) - s * d_lo) / d;
  const V z = s * s, z_lo = mt_fma(s, s, -z) + two * s * s_lo;
  V series;
  if constexpr (mt_is_f32<V>) {
    series = mt_poly(z, 0x1.999998p-3f, 0x1.2493acp-3f, 0x1.c644a0p-4f, 0x1.8feeb6p-4f);
  } else {
    series = mt_poly(z, 0x1.999999999999ap-3, 0x1.249249249235cp-3, 0x1.c71c71c74bcdfp-4,
                     0x1.745d1726a202cp-4, 0x1.3b13bd9af9234p-4, 0x1.110df7549af5cp-4,
                     0x1.e2df01054310ep-5, 0x1.963f0bd553fdep-5, 0x1.7371599ff675cp-4,
                     -0x1.bc188bb3f9752p-3);
  }
  const V third = mt_c<V>(0x1.555556p-2f, 0x1.5555555555555p-2);
  const V third_lo = mt_c<V>(-0x1.555556p-27f, 0x1.5555555555555p-56);
  const V u = z * third, u_lo = mt_fma(z, third, -u) + (z * third_lo + z_lo * third);
  const V v = z * z * series;
  const V c = u + v, c_lo = ((u - c) + v) + u_lo;
  const V product = s * c, product_lo = mt_fma(s, c, -product) + (s * c_lo + s_lo * c);
  const V sum = s + product, sum_lo = ((s - sum) + product) + (product_lo + s_lo);
  // log2 x = k + 2 log2(e) (sum + sum_lo)
  const V e2 = mt_c<V>(0x1.715476p1f, 0x1.71547652b82fep1);
  const V e2_lo = mt_c<V>(0x1.4ae0c0p-25f, 0x1.777d0ffda0d24p-55);
  const V q = sum * e2, q_lo = mt_fma(sum, e2, -q) + (sum * e2_lo + sum_lo * e2);
  const V log2 = p.k + q, log2_lo = ((p.k - log2) + q) + q_lo;
  const V limit = mt_c<V>(160.0f, 1100.0);
  const V raw = y * log2, hi = mt_limit(raw, -limit, limit);
  const V raw_lo = mt_fma(y, log2, -raw) + y * log2_lo;
  const V lo = mt_select(mt_eq(raw, hi), raw_lo, mt_splat<V>(0));
  // 2^(hi + lo) = 2^n exp(t + t_lo)
  const V n = (hi + magic) - magic, r0 = hi - n, r = r0 + lo, r_lo = (r0 - r) + lo;
  const V ln2 = mt_c<V>(0x1.62e430p-1f, 0x1.62e42fefa39efp-1);
  const V ln2_lo = mt_c<V>(-0x1.05c610p-29f, 0x1.abc9e3b39803fp-56);
  const V t = r * ln2, t_lo = mt_fma(r, ln2, -t) + mt_fma(r, ln2_lo, r_lo * ln2);
  V tail;
  if constexpr (mt_is_f32<V>) {
    tail = mt_poly(t, 0x1p-1f, 0x1.555554p-3f, 0x1.5554f0p-5f, 0x1.111308p-7f, 0x1.6d436ap-10f,
                   0x1.9e076cp-13f);
  } else {
    tail = mt_poly(t, 0x1p-1, 0x1.5555555555559p-3, 0x1.555555555554cp-5, 0x1.111111110f659p-7,
                   0x1.6c16c16c1b322p-10, 0x1.a01a01b00095fp-13, 0x1.a01a018b44f8bp-16,
                   0x1.71ddf819562cbp-19, 0x1.27e5198469b2ep-22, 0x1.af5f172ab98f7p-26,
                   0x1.1f102bb7c77e5p-29);
  }
  const V rest = mt_fma((V)(t * t), tail, mt_fma(t_lo, t, t_lo));
  return mt_scale((V)(one + (t + rest)), n);
}
template <class V> MT_BIG_FN V mt_float_pow(V x, V y) {
  const V zero = mt_splat<V>(0), one = mt_splat<V>(1), infinity = mt_infinity<V>();
  const V a = mt_magnitude(x), ay = mt_magnitude(y), half = y * mt_splat<V>(mt_element<V>(0.5));
  const auto whole = mt_eq(mt_trunc(y), y);
  const auto odd = mt_and(whole, mt_ne(mt_trunc(half), half));
  V r = mt_pow_positive(a, y);
  const auto edge = mt_or(mt_eq(a, zero), mt_eq(a, infinity));
  const auto down = mt_lt(y, zero);
  r = mt_select(edge, mt_select(mt_eq(mt_eq(a, zero), down), infinity, zero), r);
  const V at_infinity = mt_select(mt_eq(mt_lt(a, one), down), infinity, zero);
  r = mt_select(mt_eq(ay, infinity), mt_select(mt_eq(a, one), one, at_infinity), r);
  r = mt_select(mt_and(mt_signbit(x), odd), -r, r);
  const auto complex = mt_and(mt_and(mt_lt(x, zero), mt_gt(x, -infinity)), mt_not(whole));
  r = mt_select(mt_or(complex, mt_or(mt_ne(x, x), mt_ne(y, y))), mt_quiet_nan<V>(), r);
  return mt_select(mt_or(mt_eq(y, zero), mt_eq(x, one)), one, r);
}
template <class V> MT_FN V mt_pow(V x, V y) {
  if constexpr (mt_floating<V>)
    return mt_float_pow(x, y);
  else
    return mt_int_pow(x, y);
}

#endif
