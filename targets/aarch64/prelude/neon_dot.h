// SPDX-License-Identifier: Apache-2.0
// Dot products of bytes: z + four unsigned bytes of x times four signed ones of y, per lane; sums
// wrap. The instruction of ARMv8.2 takes two signed operands: x - 128 is one, and 128 times the sum
// of y is what -128 times y takes away. Keeps true: the bits of the row dot_bytes, whose generic
// text levels without the instruction have.
#ifndef MINTOR_AARCH64_NEON_DOT_H
#define MINTOR_AARCH64_NEON_DOT_H

#include "targets/aarch64/prelude/neon.h"

#ifdef __ARM_FEATURE_DOTPROD
static inline __attribute__((always_inline, unused)) i32x4 mt_dot_bytes(i32x4 x, i32x4 y, i32x4 z) {
  const int8x16_t low = vdupq_n_s8(-128), b = (int8x16_t)y;
  const int32x4_t moved = vdotq_s32((int32x4_t)z, veorq_s8((int8x16_t)x, low), b);
  return (i32x4)vsubq_s32(moved, vdotq_s32(vdupq_n_s32(0), low, b));
}
#endif

#endif
