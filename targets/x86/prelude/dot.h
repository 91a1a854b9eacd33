// SPDX-License-Identifier: Apache-2.0
// Dot products. Exact ones of integers, pairs of i16 products and four products of bytes, summed
// into i32 lanes; of two bf16, summed into f32 lanes.
// mt_dot2_i16 takes 16 sums, one pair of x, and 16 pairs of y; adds x[0] * y[n][0] + x[1] * y[n][1]
// to sum n. mt_dot_bytes is the row of the scalar table: one instruction where the CPU has it, else
// the even and the odd bytes as i16. mt_dot_bf16 is a row, too: where the CPU has the instruction,
// which rounds in its own way, that; else the generic text, two fused multiply-adds. Keeps true:
// sums of integers wrap as i32 does and never saturate, the same at every level; needs vector.h.
#ifndef MINTOR_X86_DOT_H
#define MINTOR_X86_DOT_H

#include "targets/x86/prelude/vector.h"

static inline __attribute__((always_inline, unused)) void mt_dot2_i16(mt_i32* sums, const mt_i16* x,
                                                                      const mt_i16* y) {
  mt_i32 pair;
  __builtin_memcpy(&pair, x, sizeof pair);
#ifdef __AVX512BW__
  const i16x32 both = mt_bits<i16x32>(mt_splat<i32x16>(pair)), values = load<i16x32>(y);
#ifdef __clang__
  const i32x16 products = (i32x16)__builtin_ia32_pmaddwd512(both, values);
#else
  const i32x16 products =
      (i32x16)__builtin_ia32_pmaddwd512_mask(both, values, i32x16{}, (unsigned short)-1);
#endif
  store(sums, mt_add(load<i32x16>(sums), products));
#else
  const i16x16 both = mt_bits<i16x16>(mt_splat<i32x8>(pair));
  for (int half = 0; half < 2; ++half) {
    const i32x8 products = (i32x8)__builtin_ia32_pmaddwd256(both, load<i16x16>(y + 16 * half));
    store(sums + 8 * half, mt_add(load<i32x8>(sums + 8 * half), products));
  }
#endif
}

#define MT_DOT_FN static inline __attribute__((always_inline, unused))
#if defined(__AVX512VNNI__) && defined(__clang__)
#define MT_DOT_BYTES(V, Half, bits, suffix)       \
  MT_DOT_FN V mt_dot_bytes(V x, V y, V z) {       \
    return __builtin_ia32_vpdpbusd##bits(z, x, y); \
  }
#elif defined(__AVX512VNNI__)
#define MT_DOT_BYTES(V, Half, bits, suffix)             \
  MT_DOT_FN V mt_dot_bytes(V x, V y, V z) {             \
    return __builtin_ia32_vpdpbusd_##suffix(z, x, y); \
  }
#else
// 255 * 128 * 2 fits i32, so a pair of products is exact.
#define MT_DOT_BYTES(V, Half, bits, suffix)                                                \
  MT_DOT_FN V mt_dot_bytes(V x, V y, V z) {                                                \
    const Half b = (Half)y, even = (Half)(x & mt_splat<V>(0x00ff00ff));                    \
    const Half odd = (Half)(((mt_uint<Half>)x) >> 8);                                      \
    const V sum = mt_add(z, (V)mt_pairs((Half)((Half)(b << 8) >> 8), even));               \
    return mt_add(sum, (V)mt_pairs((Half)(b >> 8), odd));                                  \
  }
MT_DOT_FN i32x4 mt_pairs(i16x8 x, i16x8 y) { return (i32x4)__builtin_ia32_pmaddwd128(x, y); }
MT_DOT_FN i32x8 mt_pairs(i16x16 x, i16x16 y) { return (i32x8)__builtin_ia32_pmaddwd256(x, y); }
#ifdef __AVX512BW__
MT_DOT_FN i32x16 mt_pairs(i16x32 x, i16x32 y) {
#ifdef __clang__
  return (i32x16)__builtin_ia32_pmaddwd512(x, y);
#else
  return (i32x16)__builtin_ia32_pmaddwd512_mask(x, y, i32x16{}, (unsigned short)-1);
#endif
}
#endif
#endif
MT_DOT_BYTES(i32x4, i16x8, 128, v4si)
MT_DOT_BYTES(i32x8, i16x16, 256, v8si)
#ifdef __AVX512BW__
MT_DOT_BYTES(i32x16, i16x32, 512, v16si)
#endif
#undef MT_DOT_BYTES

// vdpbf16ps takes operands below 2^-126 as 0 and gives 0 for results below that, and adds the
// second product first (Intel's manual); graphs say where it may (Order::pairs). clang 16 crashes
// where an operand of its builtin is a broadcast.
#ifdef __AVX512BF16__
#if defined(__clang__) && __clang_major__ < 19
#define MT_DOT_BF16(V, bits, suffix)                                 \
  MT_DOT_FN V mt_dot_bf16(V x, V y, V z) {                           \
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(z) : "v"(x), "v"(y)); \
    return z;                                                        \
  }
#else
#if defined(__clang__)
#define MT_BUILTIN_DOT_BF16(bits, suffix) __builtin_ia32_dpbf16ps_##bits
#else
#define MT_BUILTIN_DOT_BF16(bits, suffix) __builtin_ia32_dpbf16ps_##suffix
#endif
#if defined(__clang__) || __GNUC__ >= 13
typedef __bf16 mt_half_of_pair;
#else
typedef short mt_half_of_pair;
#endif
#define MT_DOT_BF16(V, bits, suffix)                                        \
  MT_DOT_FN V mt_dot_bf16(V x, V y, V z) {                                  \
    typedef mt_half_of_pair Halves __attribute__((vector_size(sizeof(V)))); \
    return MT_BUILTIN_DOT_BF16(bits, suffix)(z, (Halves)x, (Halves)y);      \
  }
#endif
MT_DOT_BF16(f32x4, 128, v4sf)
MT_DOT_BF16(f32x8, 256, v8sf)
MT_DOT_BF16(f32x16, 512, v16sf)
#undef MT_DOT_BF16
#undef MT_BUILTIN_DOT_BF16
MT_DOT_FN float mt_dot_bf16(float x, float y, float z) {
  return mt_dot_bf16(f32x4{x}, f32x4{y}, f32x4{z})[0];
}
#endif
#undef MT_DOT_FN

#endif
