// SPDX-License-Identifier: Apache-2.0
// Scalar functions, part 1: element and mask types, hooks for targets, arithmetic, integer bits.
// Takes and gives scalars or vectors as scalar_math.h says, which is the header to include.
// Keeps true: every row here is exact or rounds once. A mask is bool for scalars, and for vectors
// one of 0/-1 in the width of what was compared; functions of two masks take the first one's width.
#ifndef MINTOR_SCALAR_MATH_BASE_H
#define MINTOR_SCALAR_MATH_BASE_H

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
#error "fast-math modes change results: build without -ffast-math and its parts"
#endif
#if defined(__FLT_EVAL_METHOD__) && (__FLT_EVAL_METHOD__ == 1 || __FLT_EVAL_METHOD__ == 2)
#error "floating-point operations must round to their own type (x87 arithmetic is not supported)"
#endif

#define MT_FN static inline __attribute__((always_inline, unused))
#define MT_BIG_FN static inline __attribute__((unused))
// Before a loop of n iterations that the compiler writes out: a tile of registers.
#define MT_PRAGMA(text) _Pragma(#text)
#ifdef __clang__
#define MT_UNROLL(n) MT_PRAGMA(clang loop unroll(full))
#else
#define MT_UNROLL(n) MT_PRAGMA(GCC unroll n)
#endif
// Asks for a line of memory, into the second cache; the address may be of nothing.
#define MT_PREFETCH(address) __builtin_prefetch(address, 0, 2)

// ---- Types ----------------------------------------------------------------------------------

typedef __INT8_TYPE__ mt_i8;
typedef __INT16_TYPE__ mt_i16;
typedef __INT32_TYPE__ mt_i32;
typedef __INT64_TYPE__ mt_i64;
typedef __UINT8_TYPE__ mt_u8;
typedef __UINT16_TYPE__ mt_u16;
typedef __UINT32_TYPE__ mt_u32;
typedef __UINT64_TYPE__ mt_u64;

template <class A, class B> struct mt_same_t { static constexpr bool value = false; };
template <class A> struct mt_same_t<A, A> { static constexpr bool value = true; };
template <class A, class B> constexpr bool mt_same = mt_same_t<A, B>::value;

template <class T> struct mt_no_ref { typedef T type; };
template <class T> struct mt_no_ref<T&> { typedef T type; };
template <class T> struct mt_no_ref<T&&> { typedef T type; };

// Element type of V: V itself for scalars.
template <class V> struct mt_type { typedef typename mt_no_ref<decltype(V{}[0])>::type element; };
#define MT_SCALAR(T) \
  template <> struct mt_type<T> { typedef T element; }
MT_SCALAR(float);
MT_SCALAR(double);
MT_SCALAR(bool);
MT_SCALAR(mt_i8);
MT_SCALAR(mt_i16);
MT_SCALAR(mt_i32);
MT_SCALAR(mt_i64);
MT_SCALAR(mt_u8);
MT_SCALAR(mt_u16);
MT_SCALAR(mt_u32);
MT_SCALAR(mt_u64);
#undef MT_SCALAR
template <class V> using mt_element = typename mt_type<V>::element;
template <class V> constexpr int mt_lanes = static_cast<int>(sizeof(V) / sizeof(mt_element<V>));
template <class V> constexpr bool mt_scalar = mt_same<V, mt_element<V>>;
template <class V>
constexpr bool mt_floating = mt_same<mt_element<V>, float> || mt_same<mt_element<V>, double>;
template <class V> constexpr bool mt_signed = static_cast<mt_element<V>>(-1) < mt_element<V>(1);

template <class T, int N> struct mt_vector_t {
  typedef T type __attribute__((vector_size(N * sizeof(T))));
};
template <class T> struct mt_vector_t<T, 1> { typedef T type; };
template <class T, int N> using mt_vector = typename mt_vector_t<T, N>::type;

template <int Bytes> struct mt_int_t;
template <> struct mt_int_t<1> { typedef mt_i8 i; typedef mt_u8 u; };
template <> struct mt_int_t<2> { typedef mt_i16 i; typedef mt_u16 u; };
template <> struct mt_int_t<4> { typedef mt_i32 i; typedef mt_u32 u; };
template <> struct mt_int_t<8> { typedef mt_i64 i; typedef mt_u64 u; };
// Integers of V's width and lanes, V with another element, and the mask that comparing V gives.
template <class V>
using mt_int = mt_vector<typename mt_int_t<sizeof(mt_element<V>)>::i, mt_lanes<V>>;
template <class V>
using mt_uint = mt_vector<typename mt_int_t<sizeof(mt_element<V>)>::u, mt_lanes<V>>;
template <class T, class V> using mt_like = mt_vector<T, mt_lanes<V>>;
template <bool B, class X, class Y> struct mt_choose_t { typedef X type; };
template <class X, class Y> struct mt_choose_t<false, X, Y> { typedef Y type; };
template <bool B, class X, class Y> using mt_choose = typename mt_choose_t<B, X, Y>::type;
template <class V> using mt_mask = mt_choose<mt_scalar<V>, bool, mt_int<V>>;
// Unsigned type to compute wrapping integers in: at least 32 bits for scalars, because C promotes
// narrow operands to int, whose overflow is undefined.
template <class V>
using mt_calc = mt_choose<mt_scalar<V> && sizeof(mt_element<V>) < 4, mt_u32, mt_uint<V>>;

// Written as initialiser lists: adding to a zero vector would be an addition.
template <class V> MT_FN V mt_splat(mt_element<V> x) {
#define MT_4(x) x, x, x, x
#define MT_16(x) MT_4(x), MT_4(x), MT_4(x), MT_4(x)
  if constexpr (mt_scalar<V>) return x;
  else if constexpr (mt_lanes<V> == 2) return V{x, x};
  else if constexpr (mt_lanes<V> == 4) return V{MT_4(x)};
  else if constexpr (mt_lanes<V> == 8) return V{MT_4(x), MT_4(x)};
  else if constexpr (mt_lanes<V> == 16) return V{MT_16(x)};
  else if constexpr (mt_lanes<V> == 32) return V{MT_16(x), MT_16(x)};
  else return V{MT_16(x), MT_16(x), MT_16(x), MT_16(x)};
#undef MT_16
#undef MT_4
}

// The bits of x as another type of the same size.
template <class To, class From> MT_FN To mt_bits(From x) {
  static_assert(sizeof(To) == sizeof(From), "bits are kept");
  if constexpr (!mt_scalar<To> && !mt_scalar<From>) {
    return (To)x;
  } else {
    To r;
    __builtin_memcpy(&r, &x, sizeof r);
    return r;
  }
}

// Value conversion lane by lane, as C does it; float to integer only for values in range.
template <class To, class From> MT_FN To mt_convert(From x) {
  if constexpr (mt_same<To, From>) return x;
  else if constexpr (mt_scalar<To>) return (To)x;
  else return __builtin_convertvector(x, To);
}

// x, of which an optimiser does not know where it comes from. clang (16 and 19 were tried) compares
// a widened float in its narrow type, makes a minimum or maximum of a choice between it and a
// constant, and so takes 0 for -0 in `x < 0 ? 0 : x`.
// A prelude gives MT_FENCE where clang lacks one for the CPU.
template <class V> MT_FN V mt_opaque(V x) {
#if !defined(__clang__)
  return x;
#elif defined(MT_FENCE)
  MT_FENCE(x);
  return x;
#else
#pragma clang fp reassociate(on)
  return __arithmetic_fence(x);
#endif
}

// ---- Masks ----------------------------------------------------------------------------------

// Mask m in the width that masks of type M have.
template <class M, class From> MT_FN M mt_mask_as(From m) {
  if constexpr (mt_same<M, From>) return m;
  else if constexpr (mt_scalar<M>) return m != 0;
  else return __builtin_convertvector(m, M);
}

template <class M, class A, class B> MT_FN A mt_select(M m, A a, B b) {
  if constexpr (mt_scalar<A>) {
    return (A)(m ? a : (A)b);
  } else if constexpr (!mt_same<A, B>) {  // two masks of different width
    return mt_mask_as<mt_int<A>>(m) ? a : mt_mask_as<A>(b);
  } else {
    return mt_mask_as<mt_int<A>>(m) ? a : b;
  }
}
template <class M, class V> MT_FN V mt_select_or(M m, V a, mt_element<V> b) {
  return mt_select(m, a, mt_splat<V>(b));
}

template <class V> MT_FN mt_mask<V> mt_lt(V a, V b) { return (mt_mask<V>)(a < b); }
template <class V> MT_FN mt_mask<V> mt_le(V a, V b) { return (mt_mask<V>)(a <= b); }
template <class V> MT_FN mt_mask<V> mt_gt(V a, V b) { return (mt_mask<V>)(a > b); }
template <class V> MT_FN mt_mask<V> mt_ge(V a, V b) { return (mt_mask<V>)(a >= b); }
template <class A, class B> MT_FN mt_mask<A> mt_eq(A a, B b) {
  if constexpr (mt_same<A, B>) return (mt_mask<A>)(a == b);
  else return (mt_mask<A>)(a == mt_mask_as<A>(b));  // two masks of different width
}
template <class A, class B> MT_FN mt_mask<A> mt_ne(A a, B b) {
  if constexpr (mt_same<A, B>) return (mt_mask<A>)(a != b);
  else return (mt_mask<A>)(a != mt_mask_as<A>(b));
}
template <class A, class B> MT_FN A mt_and(A a, B b) { return (A)(a & mt_mask_as<A>(b)); }
template <class A, class B> MT_FN A mt_or(A a, B b) { return (A)(a | mt_mask_as<A>(b)); }
template <class A, class B> MT_FN A mt_xor(A a, B b) { return (A)(a ^ mt_mask_as<A>(b)); }
template <class M> MT_FN M mt_not(M m) {
  if constexpr (mt_scalar<M>) return !m;
  else return ~m;
}

// bool in memory is one byte, 0 or 1 (any other byte is read as true).
template <class M> MT_FN mt_like<mt_u8, M> mt_mask_to_bool(M m) {
  if constexpr (mt_scalar<M>) return (mt_u8)(m ? 1 : 0);
  else return __builtin_convertvector(m, mt_like<mt_u8, M>) & mt_splat<mt_like<mt_u8, M>>(1);
}
template <class B> MT_FN mt_mask<B> mt_bool_to_mask(B b) { return mt_ne(b, mt_splat<B>(0)); }

// ---- 128 bits -------------------------------------------------------------------------------

// Compilers for 32-bit CPUs have no integer of that size.
struct mt_wide { mt_u64 hi, lo; };
MT_FN mt_wide mt_wide_product(mt_u64 a, mt_u64 b) {
  const mt_u64 a0 = (mt_u32)a, a1 = a >> 32, b0 = (mt_u32)b, b1 = b >> 32;
  const mt_u64 low = a0 * b0, middle = a1 * b0 + (low >> 32), other = a0 * b1 + (mt_u32)middle;
  return {a1 * b1 + (middle >> 32) + (other >> 32), other << 32 | (mt_u32)low};
}
MT_FN mt_wide mt_wide_add(mt_wide a, mt_wide b) {
  const mt_u64 lo = a.lo + b.lo;
  return {a.hi + b.hi + (lo < a.lo), lo};
}
MT_FN mt_wide mt_wide_sub(mt_wide a, mt_wide b) {
  return {a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo};
}
// By 0 <= n < 128.
MT_FN mt_wide mt_wide_left(mt_wide a, int n) {
  if (n >= 64) return {a.lo << (n - 64), 0};
  return {n ? a.hi << n | a.lo >> (64 - n) : a.hi, a.lo << n};
}
MT_FN mt_wide mt_wide_right(mt_wide a, int n) {
  if (n >= 64) return {0, a.hi >> (n - 64)};
  return {a.hi >> n, n ? a.lo >> n | a.hi << (64 - n) : a.lo};
}

// ---- Hooks: a target's prelude overloads these for its vectors ------------------------------

// The C library's where the CPU has no instruction; where there is no library, our own.
#if __STDC_HOSTED__ || defined(__FP_FAST_FMA) || defined(__FMA__) || __riscv_flen >= 64
#define MT_FMA_F32 __builtin_fmaf
#define MT_FMA_F64 __builtin_fma
#else
#define MT_FMA_F32 mt_bare_fma
#define MT_FMA_F64 mt_bare_fma
#endif
#if __STDC_HOSTED__
#define MT_ROUNDING_F32(direction, builtin) __builtin_##builtin##f
#define MT_ROUNDING_F64(direction, builtin) __builtin_##builtin
#else
#define MT_ROUNDING_F32(direction, builtin) mt_bare_##direction
#define MT_ROUNDING_F64(direction, builtin) mt_bare_##direction
#endif
#if !__STDC_HOSTED__
#include "compiler/ir/scalar_math_bare.h"
#endif

#define MT_LANE_BY_LANE(x, f32_form, f64_form)                    \
  for (int i = 0; i < mt_lanes<V>; ++i) {                         \
    if constexpr (mt_same<mt_element<V>, float>) r[i] = f32_form; \
    else r[i] = f64_form;                                         \
  }
MT_FN float mt_fma(float x, float y, float z) { return MT_FMA_F32(x, y, z); }
MT_FN double mt_fma(double x, double y, double z) { return MT_FMA_F64(x, y, z); }
template <class V> MT_FN V mt_fma(V x, V y, V z) {
  V r = x;
  MT_LANE_BY_LANE(x, MT_FMA_F32(x[i], y[i], z[i]), MT_FMA_F64(x[i], y[i], z[i]))
  return r;
}
#define MT_HOOK(name, f32_builtin, f64_builtin)                           \
  MT_FN float name(float x) { return f32_builtin(x); }                    \
  MT_FN double name(double x) { return f64_builtin(x); }                  \
  template <class V> MT_FN V name(V x) {                                  \
    V r = x;                                                              \
    MT_LANE_BY_LANE(x, f32_builtin(x[i]), f64_builtin(x[i]))              \
    return r;                                                             \
  }
MT_HOOK(mt_sqrt, __builtin_sqrtf, __builtin_sqrt)
MT_HOOK(mt_floor, MT_ROUNDING_F32(floor, floor), MT_ROUNDING_F64(floor, floor))
MT_HOOK(mt_ceil, MT_ROUNDING_F32(ceil, ceil), MT_ROUNDING_F64(ceil, ceil))
MT_HOOK(mt_trunc, MT_ROUNDING_F32(trunc, trunc), MT_ROUNDING_F64(trunc, trunc))
// Half to even: the environment is the default.
MT_HOOK(mt_round, MT_ROUNDING_F32(round, rint), MT_ROUNDING_F64(round, rint))
#undef MT_HOOK
#undef MT_LANE_BY_LANE

// True when any lane of the mask is set.
MT_FN bool mt_any(bool m) { return m; }
template <class M> MT_FN bool mt_any(M m) {
  mt_u64 parts[(sizeof(M) + 7) / 8] = {};
  __builtin_memcpy(parts, &m, sizeof m);
  mt_u64 any = 0;
  for (unsigned i = 0; i < sizeof parts / 8; ++i) any |= parts[i];
  return any != 0;
}

// ---- Floating-point facts -------------------------------------------------------------------

template <class E> struct mt_facts;
template <> struct mt_facts<float> {
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float magic = 0x1.8p23f;  // adding it rounds to an integer, kept in the low bits
  static constexpr float min_normal = 0x1p-126f, subnormal_scale = 0x1p24f;
};
template <> struct mt_facts<double> {
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double magic = 0x1.8p52;
  static constexpr double min_normal = 0x1p-1022, subnormal_scale = 0x1p54;
};
template <class V> using mt_facts_of = mt_facts<mt_element<V>>;
template <class V> constexpr bool mt_is_f32 = mt_same<mt_element<V>, float>;

template <class V> MT_FN V mt_infinity() { return mt_splat<V>(mt_element<V>(__builtin_inff())); }
template <class V> MT_FN V mt_quiet_nan() { return mt_splat<V>(mt_element<V>(__builtin_nanf(""))); }
// f32 or f64 constant, by the element of V.
template <class V> MT_FN V mt_c(float a, double b) {
  if constexpr (mt_is_f32<V>) return mt_splat<V>(a);
  else return mt_splat<V>(b);
}
template <class V> MT_FN mt_uint<V> mt_sign_mask() {
  typedef mt_element<mt_uint<V>> U;
  return mt_splat<mt_uint<V>>((U)((U)1 << (8 * sizeof(U) - 1)));
}
template <class V>
MT_FN mt_uint<V> mt_sign_of(V x) {
  return mt_bits<mt_uint<V>>(x) & mt_sign_mask<V>();
}
template <class V> MT_FN V mt_flip_sign(V x, mt_uint<V> sign) {
  return mt_bits<V>((mt_uint<V>)(mt_bits<mt_uint<V>>(x) ^ sign));
}
template <class V> MT_FN V mt_magnitude(V x) {
  return mt_bits<V>((mt_uint<V>)(mt_bits<mt_uint<V>>(x) & ~mt_sign_mask<V>()));
}
// c0 + c1 x + c2 x^2 + ... by Horner's rule with fma.
template <class V> MT_FN V mt_poly(V, mt_element<V> c0) { return mt_splat<V>(c0); }
template <class V, class... Rest> MT_FN V mt_poly(V x, mt_element<V> c0, Rest... rest) {
  return mt_fma(mt_poly(x, rest...), x, mt_splat<V>(c0));
}

// ---- Tests ----------------------------------------------------------------------------------

template <class V> MT_FN mt_mask<V> mt_is_nan(V x) { return mt_ne(x, x); }
template <class V>
MT_FN mt_mask<V> mt_is_inf(V x) {
  return mt_eq(mt_magnitude(x), mt_infinity<V>());
}
template <class V>
MT_FN mt_mask<V> mt_is_finite(V x) {
  return mt_lt(mt_magnitude(x), mt_infinity<V>());
}
// A NaN counts as the positive quiet NaN: its sign differs between CPUs.
template <class V> MT_FN mt_mask<V> mt_signbit(V x) {
  return mt_and(mt_ne(mt_sign_of(x), mt_splat<mt_uint<V>>(0)), mt_eq(x, x));
}

// ---- Arithmetic -----------------------------------------------------------------------------

template <class V> MT_FN V mt_add(V a, V b) {
  if constexpr (mt_floating<V>) return a + b;
  else return (V)((mt_calc<V>)a + (mt_calc<V>)b);
}
template <class V> MT_FN V mt_sub(V a, V b) {
  if constexpr (mt_floating<V>) return a - b;
  else return (V)((mt_calc<V>)a - (mt_calc<V>)b);
}
template <class V> MT_FN V mt_mul(V a, V b) {
  if constexpr (mt_floating<V>) return a * b;
  else return (V)((mt_calc<V>)a * (mt_calc<V>)b);
}
template <class V> MT_FN V mt_neg(V x) {
  if constexpr (mt_floating<V>) return -x;
  else return mt_sub(mt_splat<V>(0), x);
}
template <class V> MT_FN V mt_abs(V x) {
  if constexpr (mt_floating<V>) return mt_magnitude(x);
  else if constexpr (mt_signed<V>) return mt_select(mt_lt(x, mt_splat<V>(0)), mt_neg(x), x);
  else return x;
}
template <class V> MT_FN V mt_sign(V x) {  // keeps -0 and NaN
  const V zero = mt_splat<V>(0);
  const V positive = mt_select(mt_gt(x, zero), mt_splat<V>(1), x);
  if constexpr (mt_signed<V>)
    return mt_select(mt_lt(x, zero), mt_splat<V>(mt_element<V>(-1)), positive);
  else return positive;
}
// `0 > x ? 0 : x` in this spelling is one maximum instruction. Where a prelude gives a fence, clang
// 16 takes one for which -0 is less than 0, unless it does not see the constant.
template <class V> MT_FN V mt_relu(V x) {
  V zero = mt_splat<V>(0);
#if defined(MT_FENCE)
  if constexpr (mt_floating<V>) zero = mt_opaque(zero);
#endif
  return (V)(zero > x ? zero : x);
}
// NaN if either is, -0 < +0.
template <class V> MT_FN V mt_min(V a, V b) {
  const V least = (V)(a < b ? a : b);
  if constexpr (!mt_floating<V>) return least;
  else {
    const V tied = mt_bits<V>((mt_uint<V>)(mt_bits<mt_uint<V>>(a) | mt_bits<mt_uint<V>>(b)));
    return mt_select(mt_ne(a, a), a, mt_select(mt_eq(a, b), tied, least));
  }
}
template <class V> MT_FN V mt_max(V a, V b) {
  const V most = (V)(a > b ? a : b);
  if constexpr (!mt_floating<V>) return most;
  else {
    const V tied = mt_bits<V>((mt_uint<V>)(mt_bits<mt_uint<V>>(a) & mt_bits<mt_uint<V>>(b)));
    return mt_select(mt_ne(a, a), a, mt_select(mt_eq(a, b), tied, most));
  }
}
template <class V> MT_FN V mt_clamp(V x, V lo, V hi) { return mt_min(mt_max(x, lo), hi); }
template <class V> MT_FN V mt_copysign(V x, V y) {
  const mt_uint<V> sign = mt_select(mt_eq(y, y), mt_sign_of(y), mt_splat<mt_uint<V>>(0));
  return mt_bits<V>((mt_uint<V>)(mt_bits<mt_uint<V>>(mt_magnitude(x)) | sign));
}
template <class V> MT_FN V mt_reciprocal(V x) { return mt_splat<V>(1) / x; }
template <class V> MT_FN V mt_rsqrt(V x) { return mt_splat<V>(1) / mt_sqrt(x); }

// Truncating quotient and remainder of integers: x / 0 and x % 0 are 0, INT_MIN / -1 wraps.
template <class V> MT_FN V mt_int_div(V a, V b) {
  const V zero = mt_splat<V>(0), one = mt_splat<V>(1);
  const auto by_zero = mt_eq(b, zero);
  if constexpr (mt_signed<V>) {
    const auto by_minus_one = mt_eq(b, mt_splat<V>(mt_element<V>(-1)));
    const V quotient = (V)(a / mt_select(mt_or(by_zero, by_minus_one), one, b));
    return mt_select(by_zero, zero, mt_select(by_minus_one, mt_neg(a), quotient));
  } else {
    return mt_select(by_zero, zero, (V)(a / mt_select(by_zero, one, b)));
  }
}
template <class V> MT_FN V mt_int_rem(V a, V b) {
  const V rest = mt_sub(a, mt_mul(mt_int_div(a, b), b));
  return mt_select(mt_eq(b, mt_splat<V>(0)), mt_splat<V>(0), rest);
}

// Exact remainder of finite |x| >= |y| > 0 by long division, for quotients that do not fit.
template <class E> MT_BIG_FN E mt_fmod_long(E x, E y) {
  typedef mt_uint<E> U;
  constexpr int mantissa = mt_facts<E>::mantissa;
  constexpr U implicit = (U)1 << mantissa;
  const E ax = mt_magnitude(x), ay = mt_magnitude(y);
  if (!(ax < mt_infinity<E>()) || !(ay > E(0))) return mt_quiet_nan<E>();  // also NaN operands
  if (ax < ay) return x;
  const U bx = mt_bits<U>(ax), by = mt_bits<U>(ay);
  int ex = (int)(bx >> mantissa), ey = (int)(by >> mantissa);
  U mx = bx & (implicit - 1), my = by & (implicit - 1);
  if (ex) mx |= implicit; else ex = 1;
  if (ey) my |= implicit; else ey = 1;
  while (!(mx & implicit)) { mx <<= 1; --ex; }
  while (!(my & implicit)) { my <<= 1; --ey; }
  for (; ex > ey; --ex) {
    if (mx >= my) mx -= my;
    mx <<= 1;
  }
  if (mx >= my) mx -= my;
  if (mx == 0) return mt_copysign(E(0), x);
  while (!(mx & implicit)) { mx <<= 1; --ex; }
  const U r = ex > 0 ? (mx & (implicit - 1)) | ((U)ex << mantissa) : mx >> (1 - ex);
  return mt_copysign(mt_bits<E>(r), x);
}

// C's fmod: exact, the sign of x. A quotient below 2^22 (2^51) is right up to one unit, and then
// x - n y is exact in one fma; lanes with larger ones are divided long.
template <class V> MT_BIG_FN V mt_float_fmod(V x, V y) {
  const V q = x / y, ay = mt_magnitude(y), zero = mt_splat<V>(0);
  const V n = mt_trunc(q);
  V r = mt_fma(-n, y, x);
  r = mt_select(mt_lt(r * mt_copysign(mt_splat<V>(1), x), zero), r + mt_copysign(ay, x), r);
  r = mt_copysign(r, x);
  const auto easy = mt_and(mt_lt(mt_magnitude(q), mt_c<V>(0x1p22f, 0x1p51)), mt_is_finite(y));
  if (mt_any(mt_not(easy))) {
    if constexpr (mt_scalar<V>) {
      r = mt_fmod_long(x, y);
    } else {
      for (int i = 0; i < mt_lanes<V>; ++i) {
        if (!easy[i]) r[i] = mt_fmod_long<mt_element<V>>(x[i], y[i]);
      }
    }
  }
  return mt_select(mt_is_finite(x), r, mt_quiet_nan<V>());
}
template <class V> MT_FN V mt_fmod(V x, V y) {
  if constexpr (mt_floating<V>) return mt_float_fmod(x, y);
  else return mt_int_rem(x, y);
}
// Python's %: the sign of y.
template <class V> MT_FN V mt_floor_mod(V x, V y) {
  const V r = mt_fmod(x, y), zero = mt_splat<V>(0);
  if constexpr (mt_floating<V> || mt_signed<V>) {
    const auto differ = mt_ne(mt_lt(r, zero), mt_lt(y, zero));
    const V adjusted = mt_select(mt_and(mt_ne(r, zero), differ), mt_add(r, y), r);
    if constexpr (!mt_floating<V>) return mt_select(mt_eq(y, zero), zero, adjusted);
    else return mt_select(mt_eq(r, zero), mt_copysign(zero, y), adjusted);
  } else {
    return r;
  }
}
template <class V> MT_FN V mt_div(V a, V b) {
  if constexpr (mt_floating<V>) return a / b;
  else return mt_int_div(a, b);
}
// Python's //: rounds down. For floats x - r is a multiple of y; its quotient, corrected by what
// the subtraction and the division rounded away, rounds to the right whole number.
template <class V> MT_FN V mt_floor_div(V a, V b) {
  const V zero = mt_splat<V>(0), one = mt_splat<V>(1);
  const V r = mt_fmod(a, b);
  if constexpr (mt_floating<V>) {
    const V multiple = a - r, lost = (a - multiple) - r, q = multiple / b;
    const auto differ = mt_and(mt_ne(r, zero), mt_ne(mt_lt(b, zero), mt_lt(r, zero)));
    const V step = mt_select(differ, one, zero);
    const V correction = (mt_fma(-q, b, multiple) + lost) / b - step;
    const auto exact = mt_and(mt_is_finite(q), mt_is_finite(b));
    const V down = mt_select(exact, mt_round((V)(q + correction)), q - step);
    const V signed_down = mt_select(mt_eq(down, zero), mt_copysign(zero, a / b), down);
    return mt_select(mt_eq(b, zero), a / b, signed_down);
  } else if constexpr (mt_signed<V>) {
    const auto differ = mt_and(mt_ne(r, zero), mt_ne(mt_lt(b, zero), mt_lt(r, zero)));
    const V q = mt_int_div(a, b);
    return mt_select(differ, mt_sub(q, one), q);
  } else {
    return mt_int_div(a, b);
  }
}

// ---- Integer bits ---------------------------------------------------------------------------

template <class V> MT_FN V mt_bit_not(V a) { return (V)~a; }
template <class V> MT_FN V mt_bit_and(V a, V b) { return (V)(a & b); }
template <class V> MT_FN V mt_bit_or(V a, V b) { return (V)(a | b); }
template <class V> MT_FN V mt_bit_xor(V a, V b) { return (V)(a ^ b); }
// A shift by the width or more (a negative one included) gives 0, or the sign.
template <class V> MT_FN V mt_shl(V a, V b) {
  typedef mt_uint<V> U;
  const U width = mt_splat<U>((mt_element<U>)(8 * sizeof(mt_element<V>)));
  const auto inside = mt_lt((U)b, width);
  const U count = mt_select(inside, (U)b, mt_splat<U>(0));
  return mt_select(inside, (V)((mt_calc<V>)a << (mt_calc<V>)count), mt_splat<V>(0));
}
template <class V> MT_FN V mt_shr(V a, V b) {
  typedef mt_uint<V> U;
  const mt_element<U> bits = (mt_element<U>)(8 * sizeof(mt_element<V>));
  const auto inside = mt_lt((U)b, mt_splat<U>(bits));
  if constexpr (mt_signed<V>) {
    const U count = mt_select(inside, (U)b, mt_splat<U>((mt_element<U>)(bits - 1)));
    return (V)(a >> (V)count);
  } else {
    return mt_select(inside, (V)(a >> mt_select(inside, (U)b, mt_splat<U>(0))), mt_splat<V>(0));
  }
}

// ---- Bytes and bf16 in words ----------------------------------------------------------------

// Words at any address: four bytes or two bf16 each, the lowest first.
template <class V> MT_FN V mt_words(const void* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

// z + the bytes of x, unsigned, times those of y, signed; sums wrap. A target's prelude overloads
// it where it has an instruction.
template <class V> MT_FN V mt_dot_bytes(V x, V y, V z) {
  typedef mt_uint<V> U;
  U sum = mt_bits<U>(z);
  for (int byte = 0; byte < 32; byte += 8) {
    const U a = (mt_bits<U>(x) >> byte) & mt_splat<U>(255u);
    const V b = mt_bits<V>((U)(mt_bits<U>(y) << (24 - byte))) >> 24;
    sum += a * mt_bits<U>(b);
  }
  return mt_bits<V>(sum);
}

// z + the low bf16 of x times that of y, then + the high ones, by fused multiply-adds.
template <class V> MT_FN V mt_dot_bf16(V x, V y, V z) {
  typedef mt_uint<V> U;
  const U a = mt_bits<U>(x), b = mt_bits<U>(y), high = mt_splat<U>(0xffff0000u);
  const V low = mt_fma(mt_bits<V>((U)(a << 16)), mt_bits<V>((U)(b << 16)), z);
  return mt_fma(mt_bits<V>((U)(a & high)), mt_bits<V>((U)(b & high)), low);
}

template <class V> MT_BIG_FN V mt_int_pow(V x, V y) {
  typedef mt_uint<V> U;
  const V zero = mt_splat<V>(0), one = mt_splat<V>(1);
  V result = one, base = x;
  U rest = (U)y;
  for (unsigned i = 0; i < 8 * sizeof(mt_element<V>); ++i) {
    const auto odd = mt_ne((U)(rest & mt_splat<U>(1)), mt_splat<U>(0));
    result = mt_select(odd, mt_mul(result, base), result);
    base = mt_mul(base, base);
    rest = (U)(rest >> 1);
  }
  if constexpr (mt_signed<V>) {  // x^-n is 1 / x^n: 0 except for x = 1 and -1, whose power it is
    const auto unit = mt_or(mt_eq(x, one), mt_eq(x, mt_splat<V>(mt_element<V>(-1))));
    const auto vanishes = mt_and(mt_lt(y, zero), mt_not(unit));
    result = mt_select(vanishes, zero, result);
  }
  return result;
}

#endif
