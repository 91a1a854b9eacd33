// SPDX-License-Identifier: Apache-2.0
// One function per operation whose instruction matters, for disassembly_test.cpp.
// Takes pointers; every function is expected to be straight code without calls.
#include "targets/x86/prelude/dot.h"

#ifdef __AVX512F__
typedef f32x16 F;
typedef f64x8 D;
typedef u16x16 H;
#else
typedef f32x8 F;
typedef f64x4 D;
typedef u16x8 H;
#endif
typedef mt_like<mt_u8, F> Bytes;

extern "C" {
void fma_f32(float* r, const float* x) {
  store(r, mt_fma(load<F>(x), load<F>(x + 16), load<F>(x + 32)));
}
void fma_f64(double* r, const double* x) {
  store(r, mt_fma(load<D>(x), load<D>(x + 16), load<D>(x + 32)));
}
void fma_scalar(float* r, const float* x) { *r = mt_fma(x[0], x[1], x[2]); }
void broadcast_fma(float* r, const float* x) {
  store(r, mt_fma(splat<F>(x[0]), load<F>(x + 16), load<F>(r)));
}
void sqrt_f32(float* r, const float* x) { store(r, mt_sqrt(load<F>(x))); }
void sqrt_f64(double* r, const double* x) { store(r, mt_sqrt(load<D>(x))); }
void sqrt_scalar(float* r, const float* x) { *r = mt_sqrt(x[0]); }
void floor_f32(float* r, const float* x) { store(r, mt_floor(load<F>(x))); }
void round_f64(double* r, const double* x) { store(r, mt_round(load<D>(x))); }
void relu_f32(float* r, const float* x) { store(r, mt_relu(load<F>(x))); }
void min_f32(float* r, const float* x) { store(r, mt_min(load<F>(x), load<F>(x + 16))); }
void max_f32(float* r, const float* x) { store(r, mt_max(load<F>(x), load<F>(x + 16))); }
void select_f32(float* r, const float* x) {
  const F a = load<F>(x), b = load<F>(x + 16);
  store(r, mt_select(mt_lt(a, b), load<F>(x + 32), load<F>(x + 48)));
}
void load_f32(float* r, const float* x) { store(r, load<F>(x)); }
void load_partial_f32(float* r, const float* x, mt_i64 count) {
  store(r, load_partial<F>(x, count));
}
void store_partial_f32(float* r, const float* x, mt_i64 count) {
  store_partial(r, load<F>(x), count);
}
void load_partial_f64(double* r, const double* x, mt_i64 count) {
  store(r, load_partial<D>(x, count));
}
void to_i32(mt_i32* r, const float* x) { store(r, mt_cast<mt_int<F>>(load<F>(x))); }
void from_i32(float* r, const mt_i32* x) { store(r, mt_cast<F>(load<mt_int<F>>(x))); }
void to_u8(mt_u8* r, const float* x) { store(r, mt_cast<Bytes>(load<F>(x))); }
void dot_bytes(mt_i32* r, const mt_i32* x) {
  typedef mt_int<F> I;
  store(r, mt_dot_bytes(mt_words<I>(x), mt_words<I>(x + 16), load<I>(r)));
}
void dot_bf16(float* r, const float* x) {
  store(r, mt_dot_bf16(mt_words<F>(x), splat<F>(x[16]), load<F>(r)));
}
void compare_bytes(mt_u8* r, const float* x) {
  store(r, mt_mask_bytes<Bytes>(mt_lt(load<F>(x), load<F>(x + 16))));
}
void exp_f32(float* r, const float* x) { store(r, mt_exp(load<F>(x))); }
void f16_to_f32(float* r, const mt_u16* x) { store(r, mt_f16_to_f32(load<H>(x))); }
}
