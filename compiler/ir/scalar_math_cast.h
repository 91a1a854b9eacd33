// SPDX-License-Identifier: Apache-2.0
// Scalar functions, part 5: casts between dtypes, 16-bit floats, bit casts, bools in memory.
// Takes and gives scalars or vectors as scalar_math.h says, which is the header to include.
// Keeps true: to float rounds once to nearest even, whatever the source; to integer truncates and
// saturates, NaN gives 0; integers wrap; f16 and bf16 are their bits in u16.
#ifndef MINTOR_SCALAR_MATH_CAST_H
#define MINTOR_SCALAR_MATH_CAST_H

#include "compiler/ir/scalar_math_base.h"

// ---- Casts ----------------------------------------------------------------------------------

// Float to integer: truncates, saturates, NaN gives 0. Lanes out of range are replaced before the
// conversion, which is undefined for them.
template <class To, class V> MT_FN To mt_float_to_int(V x) {
  typedef mt_element<To> T;
  typedef mt_element<V> E;
  constexpr int bits = 8 * sizeof(T) - (mt_signed<To> ? 1 : 0);
  constexpr T most = (T)(~(mt_u64)0 >> (64 - bits)), least = mt_signed<To> ? (T)(-most - 1) : T(0);
  if constexpr (sizeof(T) < 4) {
    // Clamped first: without its fraction what is at a limit is that limit, beyond it the same.
    V inside = x;
    if constexpr (mt_signed<To>) inside = mt_select(mt_eq(x, x), x, mt_splat<V>(0));
    inside = mt_select(mt_gt(inside, mt_splat<V>((E)least)), inside, mt_splat<V>((E)least));
    inside = mt_select(mt_lt(inside, mt_splat<V>((E)most)), inside, mt_splat<V>((E)most));
    return mt_convert<To>(mt_convert<mt_like<mt_i32, V>>(inside));
  }
  const V limit = mt_splat<V>((E)((mt_u64)1 << (bits - 1)) * E(2)), floor = mt_splat<V>((E)least);
  const auto high = mt_ge(x, limit), low = mt_le(x, floor);
  const V inside = mt_select(mt_and(mt_not(mt_or(high, low)), mt_eq(x, x)), x, mt_splat<V>(0));
  const To r = mt_convert<To>(inside);
  return mt_select(high, mt_splat<To>(most), mt_select(low, mt_splat<To>(least), r));
}
// Numeric dtypes to numeric dtypes; masks and 16-bit floats have functions of their own.
template <class To, class From> MT_FN To mt_cast(From x) {
  if constexpr (mt_same<To, bool>) return x != From(0);
  else if constexpr (mt_floating<From> && !mt_floating<To>) return mt_float_to_int<To>(x);
  else if constexpr (mt_floating<From> && !mt_same<To, From>) return mt_opaque(mt_convert<To>(x));
  // Bytes by way of i32, which is exact: gcc 12 takes vectors of them to floats lane by lane.
  else if constexpr (mt_floating<To> && !mt_scalar<From> && sizeof(mt_element<From>) < 4)
    return mt_convert<To>(mt_convert<mt_like<mt_i32, From>>(x));
  else return mt_convert<To>(x);
}
template <class To, class M> MT_FN To mt_cast_mask(M m) {
  return mt_select(m, mt_splat<To>(1), mt_splat<To>(0));
}
template <class From>
MT_FN mt_mask<From> mt_cast_to_mask(From x) {
  return mt_ne(x, mt_splat<From>(0));
}

// f16 and bf16 are their bits in u16. Widening is exact, narrowing rounds once to nearest even.
template <class H> MT_FN mt_like<float, H> mt_f16_to_f32(H h) {
  typedef mt_like<float, H> V;
  typedef mt_uint<V> U;
  const U wide = mt_convert<U>(h), magnitude = wide & mt_splat<U>(0x7fffu);
  const U sign = (U)(wide & mt_splat<U>(0x8000u)) << 16, shifted = magnitude << 13;
  const U normal = shifted + mt_splat<U>(112u << 23);
  const U special = (U)(shifted + mt_splat<U>(224u << 23)) |
      mt_select(mt_gt(magnitude, mt_splat<U>(0x7c00u)), mt_splat<U>(0x400000u), mt_splat<U>(0u));
  const V small = mt_bits<V>((U)(shifted + mt_splat<U>(113u << 23))) - mt_splat<V>(0x1p-14f);
  const U r =
      mt_select(mt_ge(magnitude, mt_splat<U>(0x7c00u)), special,
                mt_select(mt_lt(magnitude, mt_splat<U>(0x400u)), mt_bits<U>(small), normal));
  return mt_bits<V>((U)(r | sign));
}
template <class V> MT_FN mt_like<mt_u16, V> mt_f32_to_f16(V x) {
  typedef mt_uint<V> U;
  const U sign = mt_sign_of(x) >> 16, m = mt_bits<U>(mt_magnitude(x));
  const U odd = (U)(m >> 13) & mt_splat<U>(1u);
  const U normal = (U)(m - mt_splat<U>((112u << 23) - 0xfffu) + odd) >> 13;
  const V aligned = mt_magnitude(x) + mt_splat<V>(0.5f);  // the adder rounds at 2^-24
  const U small = mt_bits<U>(aligned) - mt_splat<U>(0x3f000000u);
  const U special =
      mt_select(mt_gt(m, mt_splat<U>(0x7f800000u)), mt_splat<U>(0x7e00u), mt_splat<U>(0x7c00u));
  const U r = mt_select(mt_ge(m, mt_splat<U>(0x47800000u)), special,
                        mt_select(mt_lt(m, mt_splat<U>(0x38800000u)), small, normal));
  return mt_convert<mt_like<mt_u16, V>>((U)(r | sign));
}
template <class H> MT_FN mt_like<float, H> mt_bf16_to_f32(H h) {
  typedef mt_like<float, H> V;
  typedef mt_uint<V> U;
  return mt_bits<V>((U)(mt_convert<U>(h) << 16));
}
template <class V> MT_FN mt_like<mt_u16, V> mt_f32_to_bf16(V x) {
  typedef mt_uint<V> U;
  const U bits = mt_bits<U>(x), odd = (U)(bits >> 16) & mt_splat<U>(1u);
  const U rounded = (U)(bits + mt_splat<U>(0x7fffu) + odd) >> 16;
  const U nan = (U)(bits >> 16) | mt_splat<U>(0x40u);
  return mt_convert<mt_like<mt_u16, V>>(mt_select(mt_eq(x, x), rounded, nan));
}
// f64 to f32, rounded to odd: rounding that to 16 bits is one rounding of the f64.
template <class V> MT_FN mt_like<float, V> mt_f64_to_odd_f32(V x) {
  typedef mt_like<float, V> F;
  typedef mt_uint<F> U;
  const F nearest = mt_convert<F>(x);
  const V back = mt_convert<V>(nearest);
  const auto away = mt_mask_as<mt_mask<F>>(mt_gt(mt_magnitude(back), mt_magnitude(x)));
  const auto inexact = mt_mask_as<mt_mask<F>>(mt_and(mt_ne(back, x), mt_eq(x, x)));
  const U bits = mt_bits<U>(nearest);
  const U cut = mt_select(away, (U)(bits - mt_splat<U>(1u)), bits);
  return mt_bits<F>(mt_select(inexact, (U)(cut | mt_splat<U>(1u)), bits));
}
// Any numeric x as a float whose rounding to 16 bits is one rounding of x.
template <class From> MT_FN auto mt_to_odd_f32(From x) {
  typedef mt_element<From> T;
  if constexpr (mt_same<T, float>) {
    return x;
  } else if constexpr (mt_same<T, double>) {
    return mt_f64_to_odd_f32(x);
  } else if constexpr (sizeof(T) < 4) {
    return mt_convert<mt_like<float, From>>(x);
  } else {  // bits below the float's significand become one sticky bit of the magnitude
    typedef mt_uint<From> U;
    typedef mt_element<U> B;
    constexpr B dropped = sizeof(T) == 4 ? (B)0xff : (B)0x7ff;
    const U magnitude = (U)mt_abs(x);
    const U rest = magnitude & mt_splat<U>(dropped);
    const U sticky =
        mt_select(mt_ne(rest, mt_splat<U>(0)), mt_splat<U>((B)(dropped + 1)), mt_splat<U>(0));
    const U large = (U)(magnitude & mt_splat<U>((B)~dropped)) | sticky;
    const auto fits = mt_lt(magnitude, mt_splat<U>((B)((B)1 << (sizeof(T) == 4 ? 24 : 53))));
    const U kept = mt_select(fits, magnitude, large);
    const auto negative = mt_signed<From> ? mt_lt(x, mt_splat<From>(0)) : mt_ne(x, x);
    typedef mt_like<mt_choose<sizeof(T) == 4, float, double>, From> Wide;
    const Wide value = mt_convert<Wide>(kept);
    const Wide result = mt_select(negative, -value, value);
    if constexpr (sizeof(T) == 4) return result;
    else return mt_f64_to_odd_f32(result);
  }
}
template <class From>
MT_FN mt_like<mt_u16, From> mt_to_f16(From x) {
  return mt_f32_to_f16(mt_to_odd_f32(x));
}
template <class From>
MT_FN mt_like<mt_u16, From> mt_to_bf16(From x) {
  return mt_f32_to_bf16(mt_to_odd_f32(x));
}
template <class To, class H> MT_FN To mt_from_f16(H h) {
  return mt_cast<To>(mt_opaque(mt_f16_to_f32(h)));
}
template <class To, class H> MT_FN To mt_from_bf16(H h) { return mt_cast<To>(mt_bf16_to_f32(h)); }

// Casts by dtype name, as emitted text spells those from and to 16-bit floats (one C type, two
// formats).
#define MT_CONVERT(name)                   \
  template <class To, class H>             \
  MT_FN To mt_convert_f16_##name(H h) {    \
    return mt_from_f16<To>(h);             \
  }                                        \
  template <class To, class H>             \
  MT_FN To mt_convert_bf16_##name(H h) {   \
    return mt_from_bf16<To>(h);            \
  }                                        \
  template <class To, class X>             \
  MT_FN To mt_convert_##name##_f16(X x) {  \
    return mt_to_f16(x);                   \
  }                                        \
  template <class To, class X>             \
  MT_FN To mt_convert_##name##_bf16(X x) { \
    return mt_to_bf16(x);                  \
  }
MT_CONVERT(f64)
MT_CONVERT(f32)
MT_CONVERT(i8)
MT_CONVERT(i16)
MT_CONVERT(i32)
MT_CONVERT(i64)
MT_CONVERT(u8)
MT_CONVERT(u16)
MT_CONVERT(u32)
MT_CONVERT(u64)
#undef MT_CONVERT
template <class To, class H>
MT_FN To mt_convert_f16_bf16(H h) {
  return mt_to_bf16(mt_f16_to_f32(h));
}
template <class To, class H>
MT_FN To mt_convert_bf16_f16(H h) {
  return mt_to_f16(mt_bf16_to_f32(h));
}
template <class To, class H>
MT_FN auto mt_convert_f16_bool(H h) {
  return mt_cast_to_mask(mt_f16_to_f32(h));
}
template <class To, class H>
MT_FN auto mt_convert_bf16_bool(H h) {
  return mt_cast_to_mask(mt_bf16_to_f32(h));
}
template <class To, class M> MT_FN To mt_convert_bool_f16(M m) {
  return mt_to_f16(mt_cast_mask<mt_like<float, M>>(m));
}
template <class To, class M> MT_FN To mt_convert_bool_bf16(M m) {
  return mt_to_bf16(mt_cast_mask<mt_like<float, M>>(m));
}

// Bits as another dtype of the same size. A NaN becomes the positive quiet NaN first: which NaN an
// operation gives differs between CPUs.
template <class To, class From> MT_FN To mt_bitcast(From x) {
  if constexpr (mt_floating<From>)
    return mt_bits<To>(mt_select(mt_eq(x, x), x, mt_quiet_nan<From>()));
  else return mt_bits<To>(x);
}
template <class To, class H> MT_FN To mt_bitcast_f16(H h) {
  const auto magnitude = (H)(h & mt_splat<H>(0x7fffu));
  return mt_bits<To>(mt_select(mt_gt(magnitude, mt_splat<H>(0x7c00u)), mt_splat<H>(0x7e00u), h));
}
template <class To, class H> MT_FN To mt_bitcast_bf16(H h) {
  const auto magnitude = (H)(h & mt_splat<H>(0x7fffu));
  return mt_bits<To>(mt_select(mt_gt(magnitude, mt_splat<H>(0x7f80u)), mt_splat<H>(0x7fc0u), h));
}
// Mask to bytes of 0 and 1, by the type of the bytes.
template <class B, class M> MT_FN B mt_mask_bytes(M m) { return mt_mask_to_bool(m); }

#endif
