// SPDX-License-Identifier: Apache-2.0
// Scalar functions, part 3: trigonometric functions and their inverses.
// Takes and gives scalars or vectors as scalar_math.h says, which is the header to include.
// Keeps true: f32 is computed in f32, f64 in f64; errors are those of docs/numerics.md; special
// values are C's (Annex F). Coefficients: tests/numerics/minimax.py, which names each fit.
#ifndef MINTOR_SCALAR_MATH_TRIG_H
#define MINTOR_SCALAR_MATH_TRIG_H

#include "compiler/ir/scalar_math_base.h"

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
  const mt_wide a = mt_wide_product(mantissa, w[2]);
  const mt_wide mid = mt_wide_add({0, a.hi}, mt_wide_product(mantissa, w[1]));
  const mt_wide top = mt_wide_add({0, mid.hi}, mt_wide_product(mantissa, w[0]));
  // The product is top:mid:a (of the lower two, 64 bits), times 2^(scale-192); its two integer bits
  // move to the top of a 256-bit window.
  const int left = 62 + (exponent - begin);  // 26 .. 64
  const mt_wide low = {mid.lo, a.lo}, above = mt_wide_left(top, left),
                over = mt_wide_right(low, 128 - left), below = mt_wide_left(low, left);
  const mt_wide high = {above.hi | over.hi, above.lo | over.lo};
  mt_u64 quadrant = high.hi >> 62;
  mt_wide fraction = mt_wide_left(high, 2);
  fraction.lo |= below.hi >> 62;
  const bool negative = (fraction.hi >> 63) != 0;  // nearest multiple: fraction in [-1/2, 1/2)
  if (negative) {
    fraction = {~fraction.hi, ~fraction.lo};
    ++quadrant;
  }
  int zeros = 0;
  while (zeros < 120 && !(fraction.hi >> 63)) {
    fraction = mt_wide_left(fraction, 1);
    ++zeros;
  }
  const double scale = mt_power_of_two((double)-zeros);
  const double f_hi = (double)(fraction.hi >> 11) * 0x1p-53 * scale;
  const double f_lo = (double)mt_wide_right(fraction, 11).lo * 0x1p-117 * scale;
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

#endif
