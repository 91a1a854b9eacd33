// SPDX-License-Identifier: Apache-2.0
// See modes.h.
// Takes: which modes to add. Gives: the modes in force. Keeps true: nothing but MXCSR or FPCR is
// touched.
#include "modes.h"

unsigned long long modes_set(int flush_to_zero, int round_down) {
#if defined(__x86_64__)
  unsigned mode = __builtin_ia32_stmxcsr();
  if (flush_to_zero) mode |= 0x8040;  // FTZ and DAZ
  if (round_down) mode = (mode & ~0x6000u) | 0x2000u;
  __builtin_ia32_ldmxcsr(mode);
  return mode & ~0x3Fu;
#elif defined(__aarch64__)
  unsigned long long mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  if (flush_to_zero) mode |= 1ull << 24;
  if (round_down) mode = (mode & ~(3ull << 22)) | (2ull << 22);
  __asm__ volatile("msr fpcr, %0" : : "r"(mode));
  return mode;
#else
#error "the floating-point modes of this processor are not known here"
#endif
}
