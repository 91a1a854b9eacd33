// SPDX-License-Identifier: Apache-2.0
// Exact integer dot products: pairs of i16 products summed into i32 lanes.
// Takes 16 sums, one pair of x, and 16 pairs of y; adds x[0] * y[n][0] + x[1] * y[n][1] to sum n,
// wrapping as i32 does. Keeps true: the same integers at v3 (two halves) and v4; needs vector.h
// before it.
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

#endif
