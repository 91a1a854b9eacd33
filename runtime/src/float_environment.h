// SPDX-License-Identifier: Apache-2.0
// The default floating-point environment for a scope: nearest even, gradual underflow, no traps.
// Takes whatever the host program had set (flush-to-zero, another rounding, pending flags); gives
// it back unchanged at the end. Keeps true: the numerics contract, on every thread that computes.
#ifndef MINTOR_FLOAT_ENVIRONMENT_H
#define MINTOR_FLOAT_ENVIRONMENT_H

#include "mintor_program.h"

namespace MT_PACKAGE {

#if defined(__x86_64__) || (defined(__i386__) && defined(__SSE__))
static inline uint64_t read_float_control() { return __builtin_ia32_stmxcsr(); }
static inline void write_float_control(uint64_t value) { __builtin_ia32_ldmxcsr(unsigned(value)); }
static const uint64_t kDefaultFloatControl = 0x1f80;  // MXCSR: all exceptions masked
#elif defined(__aarch64__)
static inline uint64_t read_float_control() {
  uint64_t value;
  __asm__ volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
static inline void write_float_control(uint64_t value) {
  __asm__ volatile("msr fpcr, %0" : : "r"(value) : "memory");
}
static const uint64_t kDefaultFloatControl = 0;
#elif defined(__riscv)
static inline uint64_t read_float_control() {
  uintptr_t value;
  __asm__ volatile("frcsr %0" : "=r"(value));
  return value;
}
static inline void write_float_control(uint64_t value) {
  __asm__ volatile("fscsr %0" : : "r"(uintptr_t(value)) : "memory");
}
static const uint64_t kDefaultFloatControl = 0;
#elif defined(__i386__)
#error "numerics need SSE2: compile with -msse2 -mfpmath=sse"
#else
#error "this processor's floating-point control register is not known here"
#endif

struct FloatEnvironment {
  uint64_t saved;
  FloatEnvironment() : saved(read_float_control()) { write_float_control(kDefaultFloatControl); }
  ~FloatEnvironment() { write_float_control(saved); }
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;
};

}  // namespace MT_PACKAGE
#endif
