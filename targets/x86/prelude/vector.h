// SPDX-License-Identifier: Apache-2.0
// Prelude of x86-64 levels v3 (AVX2, FMA) and v4 (AVX-512): vector types and what needs
// instructions.
//
// Takes nothing; gives type names (f32x8, u8x16, ...), the hooks of scalar_math.h for them, and
// splat, load, store and their partial forms. A logical vector of 16 lanes is one f32x16 at v4 and
// two f32x8 at v3; the emitter splits it.
// Keeps true: compiler builtins only (no immintrin.h), one text for gcc 12 and clang 16 and later;
// partial forms touch no memory outside the first `count` elements; internal linkage.
#ifndef MINTOR_X86_VECTOR_H
#define MINTOR_X86_VECTOR_H

#if !defined(__AVX2__) || !defined(__FMA__)
#error "this file needs -march=x86-64-v3 or -march=x86-64-v4"
#endif

#define MT_VECTOR(name, type, lanes) \
  typedef type name##x##lanes __attribute__((vector_size(lanes * sizeof(type))))
#define MT_VECTORS(name, type) \
  MT_VECTOR(name, type, 4);    \
  MT_VECTOR(name, type, 8);    \
  MT_VECTOR(name, type, 16)
MT_VECTORS(f32, float);
MT_VECTORS(i32, __INT32_TYPE__);
MT_VECTORS(u32, __UINT32_TYPE__);
MT_VECTORS(i16, __INT16_TYPE__);
MT_VECTORS(u16, __UINT16_TYPE__);
MT_VECTORS(i8, __INT8_TYPE__);
MT_VECTORS(u8, __UINT8_TYPE__);
MT_VECTOR(i8, __INT8_TYPE__, 32);
MT_VECTOR(u8, __UINT8_TYPE__, 32);
MT_VECTOR(i16, __INT16_TYPE__, 32);
MT_VECTOR(u16, __UINT16_TYPE__, 32);
MT_VECTOR(i8, __INT8_TYPE__, 64);
MT_VECTOR(u8, __UINT8_TYPE__, 64);
MT_VECTOR(f64, double, 2);
MT_VECTOR(f64, double, 4);
MT_VECTOR(f64, double, 8);
MT_VECTOR(i64, __INT64_TYPE__, 2);
MT_VECTOR(i64, __INT64_TYPE__, 4);
MT_VECTOR(i64, __INT64_TYPE__, 8);
MT_VECTOR(u64, __UINT64_TYPE__, 2);
MT_VECTOR(u64, __UINT64_TYPE__, 4);
MT_VECTOR(u64, __UINT64_TYPE__, 8);
#undef MT_VECTORS
#undef MT_VECTOR
// A logical vector of bool in registers: a mask. Comparing other widths gives masks of theirs.
typedef i32x4 boolx4;
typedef i32x8 boolx8;
typedef i32x16 boolx16;

#define MT_X86_FN static inline __attribute__((always_inline, unused))

// ---- Hooks of scalar_math.h: they must be declared before it ---------------------------------

// clang 22 has them for vectors of any width alone.
#if __has_builtin(__builtin_ia32_vfmaddps)
#define MT_FUSED(V, fma, sqrt)                               \
  MT_X86_FN V mt_fma(V x, V y, V z) { return fma(x, y, z); } \
  MT_X86_FN V mt_sqrt(V x) { return sqrt(x); }
#else
#define MT_FUSED(V, fma, sqrt)                                                     \
  MT_X86_FN V mt_fma(V x, V y, V z) { return __builtin_elementwise_fma(x, y, z); } \
  MT_X86_FN V mt_sqrt(V x) { return __builtin_elementwise_sqrt(x); }
#endif
MT_FUSED(f32x4, __builtin_ia32_vfmaddps, __builtin_ia32_sqrtps)
MT_FUSED(f32x8, __builtin_ia32_vfmaddps256, __builtin_ia32_sqrtps256)
MT_FUSED(f64x2, __builtin_ia32_vfmaddpd, __builtin_ia32_sqrtpd)
MT_FUSED(f64x4, __builtin_ia32_vfmaddpd256, __builtin_ia32_sqrtpd256)
#undef MT_FUSED

// The second argument of the rounding builtins: the direction, and 8 for "no exceptions".
#define MT_ROUNDINGS(V, builtin)                            \
  MT_X86_FN V mt_round(V x) { return builtin(x, 8 | 0); }   \
  MT_X86_FN V mt_floor(V x) { return builtin(x, 8 | 1); }   \
  MT_X86_FN V mt_ceil(V x) { return builtin(x, 8 | 2); }    \
  MT_X86_FN V mt_trunc(V x) { return builtin(x, 8 | 3); }
MT_ROUNDINGS(f32x4, __builtin_ia32_roundps)
MT_ROUNDINGS(f32x8, __builtin_ia32_roundps256)
MT_ROUNDINGS(f64x2, __builtin_ia32_roundpd)
MT_ROUNDINGS(f64x4, __builtin_ia32_roundpd256)

#ifdef __AVX512F__
// Masked forms with every lane on; 4 is the current rounding direction.
MT_X86_FN f32x16 mt_fma(f32x16 x, f32x16 y, f32x16 z) {
  return __builtin_ia32_vfmaddps512_mask(x, y, z, (unsigned short)-1, 4);
}
MT_X86_FN f64x8 mt_fma(f64x8 x, f64x8 y, f64x8 z) {
  return __builtin_ia32_vfmaddpd512_mask(x, y, z, (unsigned char)-1, 4);
}
#define MT_SCALE_PS(x, how) __builtin_ia32_rndscaleps_mask(x, how, x, (unsigned short)-1, 4)
#define MT_SCALE_PD(x, how) __builtin_ia32_rndscalepd_mask(x, how, x, (unsigned char)-1, 4)
MT_ROUNDINGS(f32x16, MT_SCALE_PS)
MT_ROUNDINGS(f64x8, MT_SCALE_PD)
#undef MT_SCALE_PD
#undef MT_SCALE_PS
#ifdef __clang__
MT_X86_FN f32x16 mt_sqrt(f32x16 x) { return __builtin_ia32_sqrtps512(x, 4); }
MT_X86_FN f64x8 mt_sqrt(f64x8 x) { return __builtin_ia32_sqrtpd512(x, 4); }
#else
MT_X86_FN f32x16 mt_sqrt(f32x16 x) {
  return __builtin_ia32_sqrtps512_mask(x, x, (unsigned short)-1, 4);
}
MT_X86_FN f64x8 mt_sqrt(f64x8 x) {
  return __builtin_ia32_sqrtpd512_mask(x, x, (unsigned char)-1, 4);
}
#endif
#endif
#undef MT_ROUNDINGS

typedef long long mt_quad __attribute__((vector_size(32)));
MT_X86_FN bool mt_any(i32x8 m) {
  const mt_quad q = (mt_quad)m;
  return __builtin_ia32_ptestz256(q, q) == 0;
}
#ifdef __AVX512F__
MT_X86_FN bool mt_any(i32x16 m) {
  mt_quad half[2];
  __builtin_memcpy(half, &m, sizeof half);
  const mt_quad q = half[0] | half[1];
  return __builtin_ia32_ptestz256(q, q) == 0;
}
#endif

// gcc makes a comparison and a blend of `0 > x ? 0 : x`, and goes lane by lane to narrow a mask.
// The maximum instruction is that expression: a > b ? a : b.
#ifndef __clang__
MT_X86_FN f32x4 mt_relu(f32x4 x) { return __builtin_ia32_maxps(f32x4{}, x); }
MT_X86_FN f32x8 mt_relu(f32x8 x) { return __builtin_ia32_maxps256(f32x8{}, x); }
MT_X86_FN f64x4 mt_relu(f64x4 x) { return __builtin_ia32_maxpd256(f64x4{}, x); }
#ifdef __AVX512F__
MT_X86_FN f32x16 mt_relu(f32x16 x) {
  return __builtin_ia32_maxps512_mask(f32x16{}, x, x, (unsigned short)-1, 4);
}
MT_X86_FN f64x8 mt_relu(f64x8 x) {
  return __builtin_ia32_maxpd512_mask(f64x8{}, x, x, (unsigned char)-1, 4);
}
#endif
#endif
// The sign bits of a mask, spread to bytes of 0 and 1.
MT_X86_FN u8x8 mt_mask_to_bool(i32x8 m) {
  const unsigned bits = (unsigned)__builtin_ia32_movmskps256((f32x8)m);
  return (u8x8)__builtin_ia32_pdep_di(bits, 0x0101010101010101u);
}
MT_X86_FN u8x4 mt_mask_to_bool(i64x4 m) {
  const unsigned bits = (unsigned)__builtin_ia32_movmskpd256((f64x4)m);
  return (u8x4)__builtin_ia32_pdep_si(bits, 0x01010101u);
}

#if __has_builtin(__builtin_ia32_vcvtph2ps256)
typedef short mt_half8 __attribute__((vector_size(16)));
MT_X86_FN f32x8 mt_f16_to_f32(u16x8 h) { return __builtin_ia32_vcvtph2ps256((mt_half8)h); }
#else  // clang 22
typedef _Float16 mt_half8 __attribute__((vector_size(16)));
MT_X86_FN f32x8 mt_f16_to_f32(u16x8 h) { return __builtin_convertvector((mt_half8)h, f32x8); }
#endif
#ifdef __AVX512F__
typedef short mt_half16 __attribute__((vector_size(32)));
MT_X86_FN f32x16 mt_f16_to_f32(u16x16 h) {
  return __builtin_ia32_vcvtph2ps512_mask((mt_half16)h, f32x16{}, (unsigned short)-1, 4);
}
#endif

#include "compiler/ir/scalar_math.h"
#include "compiler/ir/scalar_math_memory.h"

// ---- Memory ----------------------------------------------------------------------------------

// Masked moves, of 32- and 64-bit lanes whatever they hold. AVX2 takes the sign bits of a vector
// (at v4 too, up to 32 bytes), AVX-512 a bit per lane.
template <class I> MT_X86_FN I mt_lane_mask(I index, mt_i64 count) {
  const mt_i64 limited = count < 0 ? 0 : count < mt_lanes<I> ? count : mt_lanes<I>;
  return mt_splat<I>((mt_element<I>)limited) > index;
}
#define MT_MASKED(E, V, I, M, width, suffix, ...)                                    \
  MT_X86_FN V mt_masked_load(V, const E* p, mt_i64 count) {                          \
    const I mask = mt_lane_mask(I{__VA_ARGS__}, count);                              \
    return __builtin_ia32_maskload##suffix##width((const V*)p, (M)mask);             \
  }                                                                                  \
  MT_X86_FN void mt_masked_store(E* p, V v, mt_i64 count) {                          \
    const I mask = mt_lane_mask(I{__VA_ARGS__}, count);                              \
    __builtin_ia32_maskstore##suffix##width((V*)p, (M)mask, v);                      \
  }
typedef long long mt_pair __attribute__((vector_size(16)));
MT_MASKED(float, f32x8, i32x8, i32x8, 256, ps, 0, 1, 2, 3, 4, 5, 6, 7)
MT_MASKED(double, f64x4, i64x4, mt_quad, 256, pd, 0, 1, 2, 3)
MT_MASKED(float, f32x4, i32x4, i32x4, , ps, 0, 1, 2, 3)
MT_MASKED(double, f64x2, i64x2, mt_pair, , pd, 0, 1)
#undef MT_MASKED
#ifdef __AVX512F__
template <class V> MT_X86_FN unsigned mt_lane_bits(mt_i64 count) {
  return count >= mt_lanes<V> ? (1u << mt_lanes<V>) - 1 : count > 0 ? (1u << count) - 1 : 0u;
}
#define MT_MASKED(E, V, M, suffix)                                                  \
  MT_X86_FN V mt_masked_load(V zero, const E* p, mt_i64 count) {                    \
    return __builtin_ia32_loadu##suffix##512_mask(p, zero, (M)mt_lane_bits<V>(count)); \
  }                                                                                 \
  MT_X86_FN void mt_masked_store(E* p, V v, mt_i64 count) {                         \
    __builtin_ia32_storeu##suffix##512_mask(p, v, (M)mt_lane_bits<V>(count));       \
  }
MT_MASKED(float, f32x16, unsigned short, ps)
MT_MASKED(double, f64x8, unsigned char, pd)
#undef MT_MASKED
template <class V> constexpr bool mt_has_masked_move = sizeof(mt_element<V>) >= 4;
#else
template <class V>
constexpr bool mt_has_masked_move = sizeof(mt_element<V>) >= 4 && sizeof(V) <= 32;
#endif
// The floating type whose masked moves serve V's lanes.
template <class V>
using mt_move_type = mt_vector<mt_choose<sizeof(mt_element<V>) == 4, float, double>, mt_lanes<V>>;

// Lanes of 8 and 16 bits, and what else has no masked move here, come in pieces.
template <class V> MT_X86_FN V load_partial(const mt_element<V>* p, mt_i64 count) {
  if constexpr (mt_has_masked_move<V>) {
    typedef mt_move_type<V> F;
    return mt_bits<V>(mt_masked_load(F{}, (const mt_element<F>*)p, count));
  } else {
    return mt_load_pieces<V>(p, count);
  }
}
template <class V> MT_X86_FN void store_partial(mt_element<V>* p, V v, mt_i64 count) {
  if constexpr (mt_has_masked_move<V>) {
    typedef mt_move_type<V> F;
    mt_masked_store((mt_element<F>*)p, mt_bits<F>(v), count);
  } else {
    mt_store_pieces(p, v, count);
  }
}

// The first `count` words, the rest 0.
template <class V> MT_X86_FN V mt_words_partial(const void* p, mt_i64 count) {
  return load_partial<V>((const mt_element<V>*)p, count);
}

#undef MT_X86_FN

#endif
