// SPDX-License-Identifier: Apache-2.0
// Prelude of AArch64: vector types of at most 16 bytes and what needs NEON instructions.
// Takes type names (f32x4, u8x16, ...); gives the hooks of scalar_math.h for them, and the partial
// loads and stores. A logical vector of 16 lanes is four f32x4; the emitter splits it.
// Keeps true: the intrinsics of the ACLE alone (arm_neon.h, which comes with gcc and clang and
// needs no library); what a register does not fill goes lane by lane; internal linkage.
#ifndef MINTOR_AARCH64_NEON_H
#define MINTOR_AARCH64_NEON_H

#if !defined(__aarch64__) || !defined(__ARM_NEON)
#error "this file needs a compiler for AArch64"
#endif
#include <arm_neon.h>

#if defined(__clang__) && __clang_major__ < 17  // clang has a fence from there on
#define MT_FENCE(x) __asm__("" : "+w"(x))
#endif

#include "compiler/ir/scalar_math_vectors.h"

#define MT_NEON_FN static inline __attribute__((always_inline, unused))

// ---- Hooks of scalar_math.h: they must be declared before it ---------------------------------

// The accumulator is the first argument of the intrinsic.
#define MT_FUSED(V, N, suffix) \
  MT_NEON_FN V mt_fma(V x, V y, V z) { return (V)vfma##suffix((N)z, (N)x, (N)y); }
MT_FUSED(f32x2, float32x2_t, _f32)
MT_FUSED(f32x4, float32x4_t, q_f32)
MT_FUSED(f64x2, float64x2_t, q_f64)
#undef MT_FUSED

#define MT_UNARY(name, V, N, intrinsic) \
  MT_NEON_FN V name(V x) { return (V)intrinsic((N)x); }
#define MT_ROUNDINGS(V, N, suffix)              \
  MT_UNARY(mt_sqrt, V, N, vsqrt##suffix)        \
  MT_UNARY(mt_floor, V, N, vrndm##suffix)       \
  MT_UNARY(mt_ceil, V, N, vrndp##suffix)        \
  MT_UNARY(mt_trunc, V, N, vrnd##suffix)        \
  MT_UNARY(mt_round, V, N, vrndn##suffix)
MT_ROUNDINGS(f32x2, float32x2_t, _f32)
MT_ROUNDINGS(f32x4, float32x4_t, q_f32)
MT_ROUNDINGS(f64x2, float64x2_t, q_f64)
#undef MT_ROUNDINGS
#undef MT_UNARY

MT_NEON_FN bool mt_any(i32x4 m) { return vmaxvq_u32((uint32x4_t)m) != 0; }

MT_NEON_FN f32x4 mt_f16_to_f32(u16x4 h) { return (f32x4)vcvt_f32_f16((float16x4_t)h); }

#include "compiler/ir/scalar_math.h"
#include "compiler/ir/scalar_math_memory.h"

// ---- Memory ----------------------------------------------------------------------------------

template <class V> MT_NEON_FN V load_partial(const mt_element<V>* p, mt_i64 count) {
  return mt_load_pieces<V>(p, count);
}
template <class V> MT_NEON_FN void store_partial(mt_element<V>* p, V v, mt_i64 count) {
  mt_store_pieces(p, v, count);
}
// The first `count` words, the rest 0.
template <class V> MT_NEON_FN V mt_words_partial(const void* p, mt_i64 count) {
  return load_partial<V>((const mt_element<V>*)p, count);
}

#undef MT_NEON_FN

#endif
