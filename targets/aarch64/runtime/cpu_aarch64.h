// SPDX-License-Identifier: Apache-2.0
// Which levels of AArch64 the running CPU has. Included by a package's program.cpp.
// Takes nothing; gives one function per level. Keeps true: NEON is part of every AArch64 with
// floating point; what is not is asked of the system, which reads it from the CPU.
#ifndef MINTOR_AARCH64_CPU_H
#define MINTOR_AARCH64_CPU_H

#if defined(__aarch64__)

static inline bool supports_neon() { return true; }

#if defined(__linux__)
#include <sys/auxv.h>

// Bit 20 of AT_HWCAP, HWCAP_ASIMDDP of asm/hwcap.h.
static inline bool supports_neon_dot() { return (getauxval(AT_HWCAP) >> 20 & 1) != 0; }
#else
static inline bool supports_neon_dot() { return false; }
#endif

#else  // built for another processor: the package opens with a status, or has other levels

static inline bool supports_neon() { return false; }
static inline bool supports_neon_dot() { return false; }

#endif
#endif
