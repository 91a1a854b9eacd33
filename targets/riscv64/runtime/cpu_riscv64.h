// SPDX-License-Identifier: Apache-2.0
// Which levels of RISC-V the running CPU has. Included by a package's program.cpp.
// Takes nothing; gives one function per level. Keeps true: extensions are asked of the system, for
// programs cannot ask the CPU.
#ifndef MINTOR_RISCV64_CPU_H
#define MINTOR_RISCV64_CPU_H

#if defined(__riscv) && __riscv_xlen == 64 && defined(__linux__)
#include <sys/auxv.h>

// AT_HWCAP has a bit for each extension of one letter, of V the whole of it (version 1.0).
static inline bool supports_rvv() { return (getauxval(AT_HWCAP) >> ('v' - 'a') & 1) != 0; }

#else  // built for another processor: the package opens with a status, or has other levels

static inline bool supports_rvv() { return false; }

#endif
#endif
