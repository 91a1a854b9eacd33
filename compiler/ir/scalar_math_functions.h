// SPDX-License-Identifier: Apache-2.0
// Scalar functions, part 2: exponentials, logarithms, trigonometry, error function, powers.
// Takes and gives scalars or vectors as scalar_math.h says, which is the header to include.
// Keeps true: f32 is computed in f32, f64 in f64; errors are those of docs/numerics.md; special
// values are C's (Annex F). Coefficients: tests/numerics/minimax.py, which names each fit.
#ifndef MINTOR_SCALAR_MATH_FUNCTIONS_H
#define MINTOR_SCALAR_MATH_FUNCTIONS_H

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

template <class V> MT_BIG_FN V mt_exp(V x) {
  const auto e = mt_exp_reduce(mt_limit(x, mt_c<V>(-104.0f, -746.0), mt_c<V>(89.0f, 710.0)));
  return mt_scale((V)(mt_splat<V>(1) + e.tail), e.n);
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
template <class V> MT_BIG_FN V mt_sigmoid(V x) {
  const V one = mt_splat<V>(1);
  const V e = mt_exp((V)-mt_magnitude(x));
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

// ---- Trigonometric --------------------------------------------------------------------------

// x = quadrant pi/2 + hi + lo, |hi| <= pi/4 (a little more); the quadrant modulo 4 in the low bits.
template <class V> struct mt_angle { V hi, lo; mt_uint<V> quadrant; };

// |x| >= 1e5, exactly reduced by the bits of 2/pi that matter (Payne and Hanek). A finite scalar.
template <class E> MT_BIG_FN mt_angle<E> mt_reduce_large(E x) {
  // 2/pi = 0.a2f9... in hexadecimal.
  static constexpr mt_u64 two_over_pi[20] = {
      0xa2f9836e4e441529u, 0xfc2757d1f534ddc0u, 0xdb6295993c439041u, 0xfe5163abdebbc561u,
      0xb7246e3a424dd2e0u, 0x06492eea09d1921cu, 0xfe1deb1cb129a73eu, 0xe88235f52ebb4484u,
      0xe99c7026b45f7e41u, 0x3991d639835339f4u, 0x9c845f8bbdf9283bu, 0x1ff897ffde05980fu,
      0xef2f118b5a0a6d1fu, 0x6d367ecf27cb09b7u, 0x4f463f669e5fea2du, 0x7527bac7ebe5f17bu,
      0x3d0739f78a5292eau, 0x6bfb5fb11f8d5d08u, 0x56033046fc7b6babu, 0xf0cfbc209af4361du};
  const double wide = x;
  const mt_u64 bits = mt_bits<mt_u64>(mt_magnitude(wide));
  const int exponent = (int)(bits >> 52) - 1075;  // |x| = mantissa 2^exponent
  const mt_u64 mantissa = (bits & 0xfffffffffffffu) | 0x10000000000000u;
  // Bits of 2/pi whose product with x is a multiple of 4 are left out: 192 bits from `begin`.
  const int begin = exponent > 2 ? exponent - 2 : 0, word = begin / 64, shift = begin % 64;
  mt_u64 w[3];
  for (int i = 0; i < 3; ++i) {
    const mt_u64 high = two_over_pi[word + i] << shift;
    w[i] = shift ? high | two_over_pi[word + i + 1] >> (64 - shift) : high;
  }
  const mt_u128 a = (mt_u128)mantissa * w[2], b = (mt_u128)mantissa * w[1];
  const mt_u64 p0 = (mt_u64)a;
  const mt_u128 mid = (a >> 64) + (mt_u64)b;
  const mt_u64 p1 = (mt_u64)mid;
  const mt_u128 top = (mt_u128)mantissa * w[0] + (b >> 64) + (mid >> 64);
  // The product is top:p1:p0 2^(scale-192); two integer bits move to the top of a 256-bit window.
  const int left = 62 + (exponent - begin);  // 26 .. 64
  mt_u128 high = top, low = ((mt_u128)p1 << 64) | p0;
  high = high << left | low >> (128 - left);
  low = low << left;
  mt_u64 quadrant = (mt_u64)(high >> 126);
  mt_u128 fraction = high << 2 | low >> 126;
  const bool negative = (fraction >> 127) != 0;  // nearest multiple: fraction in [-1/2, 1/2)
  if (negative) {
    fraction = ~fraction;
    ++quadrant;
  }
  int zeros = 0;
  while (zeros < 120 && !(fraction >> 127)) {
    fraction <<= 1;
    ++zeros;
  }
  const double scale = mt_power_of_two((double)-zeros);
  const double f_hi = (double)(mt_u64)(fraction >> 75) * 0x1p-53 * scale;
  const double f_lo = (double)((mt_u64)(fraction >> 11) & 0xffffffffffffffffu) * 0x1p-117 * scale;
  const double pio2_hi = 0x1.921fb54442d18p0, pio2_lo = 0x1.1a62633145c07p-54;
  double hi = f_hi * pio2_hi;
  double lo = mt_fma(f_hi, pio2_hi, -hi) + (f_hi * pio2_lo + f_lo * pio2_hi);
  if (negative != (x < 0)) {
    hi = -hi;
    lo = -lo;
  }
  if (x < 0) quadrant = 0 - quadrant;
  const E narrow = (E)hi;
  return {narrow, (E)((hi - (double)narrow) + lo), (mt_element<mt_uint<E>>)(quadrant & 3)};
}

template <class V> MT_FN mt_angle<V> mt_reduce_angle(V x) {
  typedef mt_uint<V> U;
  const V magic = mt_splat<V>(mt_facts_of<V>::magic);
  const V shifted = mt_fma(x, mt_c<V>(0x1.45f306p-1f, 0x1.45f306dc9c883p-1), magic);
  const V n = shifted - magic;
  // pi/2 in three parts. The first difference is exact (a multiple of the last place below 1).
  const V r = mt_fma(-n, mt_c<V>(0x1.921fb6p0f, 0x1.921fb54442d18p0), x);
  // The second may cancel against it, so what its product and its difference lose is kept in lo.
  const V second = mt_c<V>(-0x1.777a5cp-25f, 0x1.1a62633145c07p-54);
  const V product = n * second, product_lost = mt_fma(n, second, -product);
  const V hi = r - product, back = hi - r;
  const V lost = (r - (hi - back)) - (product + back) - product_lost;
  const V lo = mt_fma(-n, mt_c<V>(-0x1.ee59dap-50f, -0x1.f1976b7ed8fbcp-110), lost);
  mt_angle<V> angle = {hi, lo, mt_bits<U>(shifted)};
  const auto large = mt_ge(mt_magnitude(x), mt_splat<V>(mt_element<V>(1e5)));
  if (mt_any(large)) {
    if constexpr (mt_scalar<V>) {
      if (mt_is_finite(x)) angle = mt_reduce_large(x);
    } else {
      for (int i = 0; i < mt_lanes<V>; ++i) {
        if (!large[i] || !mt_is_finite<mt_element<V>>(x[i])) continue;
        const auto lane = mt_reduce_large<mt_element<V>>(x[i]);
        angle.hi[i] = lane.hi;
        angle.lo[i] = lane.lo;
        angle.quadrant[i] = lane.quadrant;
      }
    }
  }
  return angle;
}
// sin and cos of hi + lo.
template <class V> MT_FN V mt_sin_small(V hi, V lo) {
  const V z = hi * hi;
  V p;
  if constexpr (mt_is_f32<V>) {
    p = mt_poly(z, -0x1.555556p-3f, 0x1.111164p-7f, -0x1.a0485cp-13f, 0x1.77dd08p-19f);
  } else {
    p = mt_poly(z, -0x1.5555555555555p-3, 0x1.111111111108bp-7, -0x1.a01a01a006db4p-13,
                0x1.71de3a4020b1ap-19, -0x1.ae643d5204128p-26, 0x1.6114b1abe1a01p-33,
                -0x1.a563b804742adp-41);
  }
  return hi + mt_fma((V)(z * hi), p, lo);
}
template <class V> MT_FN V mt_cos_small(V hi, V lo) {
  const V z = hi * hi, half = mt_splat<V>(mt_element<V>(0.5)), one = mt_splat<V>(1);
  V p;
  if constexpr (mt_is_f32<V>) {
    p = mt_poly(z, 0x1.55554ap-5f, -0x1.6c0c28p-10f, 0x1.99e818p-16f);
  } else {
    p = mt_poly(z, 0x1.5555555555555p-5, -0x1.6c16c16c16b49p-10, 0x1.a01a01a001fdbp-16,
                -0x1.27e4fb60deec0p-22, 0x1.1eed77c39221ap-29, -0x1.937e175a8012ep-37,
                0x1.a229cca202b1bp-45);
  }
  const V h = half * z, head = one - h;  // what the subtraction rounds away comes back in the tail
  return head + (((one - head) - h) + mt_fma((V)(z * z), p, -(hi * lo)));
}
template <class V> MT_FN V mt_sin_quadrant(mt_angle<V> a, mt_uint<V> quadrant) {
  typedef mt_uint<V> U;
  const U one = mt_splat<U>(1);
  const auto odd = mt_ne((U)(quadrant & one), mt_splat<U>(0));
  const V y = mt_select(odd, mt_cos_small(a.hi, a.lo), mt_sin_small(a.hi, a.lo));
  const U sign = (U)((U)(quadrant >> 1) & one) << (8 * sizeof(mt_element<V>) - 1);
  return mt_flip_sign(y, sign);
}
template <class V> MT_BIG_FN V mt_sin(V x) {
  const auto a = mt_reduce_angle(x);
  return mt_select(mt_eq(x, mt_splat<V>(0)), x, mt_sin_quadrant(a, a.quadrant));
}
template <class V> MT_BIG_FN V mt_cos(V x) {
  const auto a = mt_reduce_angle(x);
  return mt_sin_quadrant(a, (mt_uint<V>)(a.quadrant + mt_splat<mt_uint<V>>(1)));
}
template <class V> MT_BIG_FN V mt_tan(V x) {
  typedef mt_uint<V> U;
  const auto a = mt_reduce_angle(x);
  const V z = a.hi * a.hi;
  const V p = mt_poly(z, 0x1.555560p-2f, 0x1.110da4p-3f, 0x1.bad84ep-5f, 0x1.5cd11ep-6f,
                      0x1.6276b0p-7f, 0x1.cf9000p-14f, 0x1.1e3250p-8f);
  const V t = a.hi + mt_fma((V)(z * a.hi), p, mt_fma(z, a.lo, a.lo));
  const auto odd = mt_ne((U)(a.quadrant & mt_splat<U>(1)), mt_splat<U>(0));
  const V result = mt_select(odd, mt_splat<V>(-1) / t, t);
  return mt_select(mt_eq(x, mt_splat<V>(0)), x, result);
}

// asin x = x + x z P(z), z = x^2, on |x| <= 1/2.
template <class V> MT_FN V mt_asin_poly(V z) {
  return mt_poly(z, 0x1.55554cp-3f, 0x1.333898p-4f, 0x1.6cac04p-5f, 0x1.04a2bap-5f, 0x1.d85904p-7f,
                 0x1.338daep-5f);
}
// Above 1/2: asin x = pi/2 - 2 asin(sqrt((1 - x) / 2)).
template <class V> MT_BIG_FN V mt_asin(V x) {
  const V a = mt_magnitude(x), half = mt_splat<V>(0.5f);
  const auto outer = mt_gt(a, half);
  const V z = mt_select(outer, mt_fma(-half, a, half), a * a);
  const V p = z * mt_asin_poly(z), root = mt_sqrt(z), twice = root + root;
  const V head = mt_splat<V>(0x1.921fb6p0f) - twice;
  const V lost = (mt_splat<V>(0x1.921fb6p0f) - head) - twice;
  const V high = head + (lost - mt_fma(twice, p, mt_splat<V>(0x1.777a5cp-25f)));
  return mt_flip_sign(mt_select(outer, high, mt_fma(a, p, a)), mt_sign_of(x));
}
template <class V> MT_BIG_FN V mt_acos(V x) {
  const V a = mt_magnitude(x), half = mt_splat<V>(0.5f), two = mt_splat<V>(2);
  const auto outer = mt_gt(a, half);
  const V z = mt_select(outer, mt_fma(-half, a, half), a * a);
  const V root = mt_select(outer, mt_sqrt(z), a);
  const V s = mt_fma((V)(root * z), mt_asin_poly(z), root);
  const V signed_s = mt_flip_sign(s, mt_sign_of(x));
  const V inner = mt_splat<V>(0x1.921fb6p0f) - (signed_s - mt_splat<V>(-0x1.777a5cp-25f));
  const V negative = mt_splat<V>(0x1.921fb6p1f) - mt_fma(two, s, mt_splat<V>(0x1.777a5cp-24f));
  return mt_select(outer, mt_select(mt_lt(x, mt_splat<V>(0)), negative, two * s), inner);
}
// The angle of (a, b), both >= 0, in [0, pi/2].
template <class V> MT_FN V mt_atan_positive(V b, V a) {
  const V zero = mt_splat<V>(0), one = mt_splat<V>(1);
  const auto steep = mt_gt(b, a);
  const V large = mt_select(steep, b, a), small = mt_select(steep, a, b);
  const V quotient = mt_select(mt_eq(large, zero), zero, small / large);
  const V q = mt_select(mt_eq(small, mt_infinity<V>()), one, quotient), z = q * q;
  const V p = mt_poly(z, -0x1.55553ap-2f, 0x1.999100p-3f, -0x1.24177ap-3f, 0x1.c0317ep-4f,
                      -0x1.5709bap-4f, 0x1.d6de14p-5f, -0x1.f722e6p-6f, 0x1.5d871ap-7f,
                      -0x1.c7dc84p-10f);
  const V r = mt_fma((V)(q * z), p, q);
  return mt_select(steep, mt_splat<V>(0x1.921fb6p0f) - (r - mt_splat<V>(-0x1.777a5cp-25f)), r);
}
template <class V> MT_BIG_FN V mt_atan(V x) {
  const V r = mt_atan_positive(mt_magnitude(x), mt_splat<V>(1));
  return mt_flip_sign(mt_select(mt_eq(x, x), r, x), mt_sign_of(x));
}
template <class V> MT_BIG_FN V mt_atan2(V y, V x) {
  const V r = mt_atan_positive(mt_magnitude(y), mt_magnitude(x));
  const V left = mt_splat<V>(0x1.921fb6p1f) - (r - mt_splat<V>(-0x1.777a5cp-24f));
  const V angle = mt_select(mt_signbit(x), left, r);
  const V valid = mt_flip_sign(angle, mt_sign_of(y));
  return mt_select(mt_and(mt_eq(x, x), mt_eq(y, y)), valid, x + y);
}

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
template <class V> MT_BIG_FN V mt_tanh(V x) {
  const V a = mt_magnitude(x), one = mt_splat<V>(1), two = mt_splat<V>(2);
  const V doubled = mt_limit((V)(a + a), mt_splat<V>(0), mt_c<V>(20.0f, 40.0));
  V r;
  if constexpr (mt_is_f32<V>) {
    const V z = a * a, far = one - two / (mt_exp(doubled) + one);
    const V p = mt_poly(z, -0x1.555554p-2f, 0x1.11107ap-3f, -0x1.b9f18ep-5f, 0x1.63a5e6p-6f,
                        -0x1.0c6366p-7f, 0x1.1a3ee4p-9f);
    r = mt_select(mt_lt(a, mt_splat<V>(0.625f)), mt_fma((V)(a * z), p, a), far);
  } else {
    const V e = mt_expm1(doubled);
    r = mt_select(mt_lt(a, mt_splat<V>(0.5)), e / (e + two), one - two / (e + two));
  }
  return mt_flip_sign(r, mt_sign_of(x));
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

// erf x = x + x P(z), z = x^2 < 0.85.
template <class V> MT_FN V mt_erf_small(V x) {
  const V z = x * x;
  V p;
  if constexpr (mt_is_f32<V>) {
    p = mt_poly(z, 0x1.06eba8p-3f, -0x1.812742p-2f, 0x1.ce2df0p-4f, -0x1.b80d6ep-6f, 0x1.54c288p-8f,
                -0x1.aa3006p-11f, 0x1.5cf180p-14f);
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
template <class V> MT_BIG_FN V mt_erf(V x) {
  const V a = mt_magnitude(x);
  const V far = mt_splat<V>(1) -
                mt_erfc_large(mt_limit(a, mt_splat<V>(mt_element<V>(0.5)), mt_c<V>(4.0f, 6.0)));
  const auto small = mt_lt(a, mt_splat<V>(mt_element<V>(0.921875)));
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
  if constexpr (mt_is_f32<V>) p = mt_log_reduce(x, 0x3f3504f3u);
  else p = mt_log_reduce(x, 0x3fe6a09e667f3bcdu);
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
  if constexpr (mt_floating<V>) return mt_float_pow(x, y);
  else return mt_int_pow(x, y);
}

#endif
