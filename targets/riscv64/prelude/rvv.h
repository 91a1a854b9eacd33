// SPDX-License-Identifier: Apache-2.0
// Prelude of RISC-V with the vector extension: vectors of at most 16 bytes, which every such CPU
// has whatever the length of its registers.
// Takes type names (f32x4, u8x16, ...); gives the hooks of scalar_math.h for them, and the partial
// loads and stores. Keeps true: no intrinsics and no riscv_vector.h, for clang makes instructions
// of GNU vectors and of its element-wise builtins, and gcc 12 and 13 make plain code of the same
// text; what a compiler has no builtin for goes lane by lane; internal linkage.
#ifndef MINTOR_RISCV64_RVV_H
#define MINTOR_RISCV64_RVV_H

#if !defined(__riscv_v) || __riscv_xlen != 64
#error "this file needs -march=rv64gcv"
#endif

// An operand in memory is one of which clang knows nothing; it has no fence for this CPU.
#ifdef __clang__
#define MT_FENCE(x) __asm__("" : "+m"(x))
#endif

#include "compiler/ir/scalar_math_vectors.h"

#define MT_RVV_FN static inline __attribute__((always_inline, unused))

// ---- Hooks of scalar_math.h: they must be declared before it ---------------------------------

#ifdef __clang__
#define MT_UNARY(name, builtin)                        \
  MT_RVV_FN f32x2 name(f32x2 x) { return builtin(x); } \
  MT_RVV_FN f32x4 name(f32x4 x) { return builtin(x); } \
  MT_RVV_FN f64x2 name(f64x2 x) { return builtin(x); }
MT_UNARY(mt_floor, __builtin_elementwise_floor)
MT_UNARY(mt_ceil, __builtin_elementwise_ceil)
MT_UNARY(mt_round, __builtin_elementwise_roundeven)
// By way of floor, one instruction more: the one that truncates (vfcvt.rtz) ends qemu 7.2.
#define MT_TRUNCATE(x) \
  __builtin_elementwise_copysign(__builtin_elementwise_floor(__builtin_elementwise_abs(x)), x)
MT_UNARY(mt_trunc, MT_TRUNCATE)
#undef MT_TRUNCATE
#if __has_builtin(__builtin_elementwise_fma)  // from clang 17 on, sqrt from 18
#define MT_FUSED(V) \
  MT_RVV_FN V mt_fma(V x, V y, V z) { return __builtin_elementwise_fma(x, y, z); }
MT_FUSED(f32x2)
MT_FUSED(f32x4)
MT_FUSED(f64x2)
#undef MT_FUSED
#endif
#if __has_builtin(__builtin_elementwise_sqrt)
MT_UNARY(mt_sqrt, __builtin_elementwise_sqrt)
#endif
#undef MT_UNARY
MT_RVV_FN bool mt_any(i32x4 m) { return __builtin_reduce_or(m) != 0; }
#endif

#include "compiler/ir/scalar_math.h"
#include "compiler/ir/scalar_math_memory.h"

// ---- Memory ----------------------------------------------------------------------------------

template <class V>
MT_RVV_FN V load_partial(const mt_element<V>* p, mt_i64 count) {
  return mt_load_pieces<V>(p, count);
}
template <class V>
MT_RVV_FN void store_partial(mt_element<V>* p, V v, mt_i64 count) {
  mt_store_pieces(p, v, count);
}
// The first `count` words, the rest 0.
template <class V>
MT_RVV_FN V mt_words_partial(const void* p, mt_i64 count) {
  return load_partial<V>((const mt_element<V>*)p, count);
}

#undef MT_RVV_FN

#endif
