// SPDX-License-Identifier: Apache-2.0
// Which x86 levels the running CPU *and* operating system have. Included by a package's
// program.cpp, which is built for baseline x86-64. Takes nothing; gives one function per level.
// Keeps true: a level counts as supported only when every instruction set that its -march flag
// lets the compiler use is there and the system saves its registers (xgetbv). Not
// __builtin_cpu_supports: gcc's needs libgcc data that a sanitizer or static build may not
// initialise in time, and it asks for single features, not for levels.
#ifndef MINTOR_X86_CPU_H
#define MINTOR_X86_CPU_H

#if defined(__x86_64__)
#include <cpuid.h>

struct CpuidRegisters {
  unsigned eax, ebx, ecx, edx;
};

static inline CpuidRegisters cpuid_leaf(unsigned leaf, unsigned part = 0) {
  CpuidRegisters r = {0, 0, 0, 0};
  // Returns 0, and leaves r alone, when the CPU has no such leaf.
  __get_cpuid_count(leaf, part, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

static inline bool cpuid_has(unsigned reg, unsigned bits) { return (reg & bits) == bits; }

// The register state that the system saves (XCR0); 0 when it does not use xsave.
static inline unsigned saved_state(const CpuidRegisters& basic) {
  if (!cpuid_has(basic.ecx, bit_OSXSAVE)) return 0;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

// -march=x86-64-v3: SSE4.2, AVX2, FMA, F16C, BMI1, BMI2, LZCNT, MOVBE, POPCNT.
static inline bool supports_v3() {
  const CpuidRegisters basic = cpuid_leaf(1);
  const unsigned v2 = bit_SSE3 | bit_SSSE3 | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT | bit_CMPXCHG16B;
  if (!cpuid_has(basic.ecx, v2 | bit_AVX | bit_FMA | bit_F16C | bit_MOVBE)) return false;
  if (!cpuid_has(cpuid_leaf(7).ebx, bit_AVX2 | bit_BMI | bit_BMI2)) return false;
  if (!cpuid_has(cpuid_leaf(0x80000001u).ecx, bit_LZCNT | bit_LAHF_LM)) return false;
  return cpuid_has(saved_state(basic), 0x6);  // xmm, ymm
}

// -march=x86-64-v4: v3 and AVX-512 F, BW, CD, DQ, VL.
static inline bool supports_v4() {
  const unsigned avx512 =
      bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
  if (!supports_v3() || !cpuid_has(cpuid_leaf(7).ebx, avx512)) return false;
  return cpuid_has(saved_state(cpuid_leaf(1)), 0xe6);  // and opmask, both halves of zmm
}

// v4 and AVX-512 VNNI.
static inline bool supports_v4_vnni() {
  return supports_v4() && cpuid_has(cpuid_leaf(7).ecx, bit_AVX512VNNI);
}

// v4-vnni and AVX-512 BF16, bit 5 of the second part of leaf 7, where there is one.
static inline bool supports_v4_bf16() {
  return supports_v4_vnni() && cpuid_leaf(7).eax >= 1 && cpuid_has(cpuid_leaf(7, 1).eax, 1u << 5);
}

#else  // built for another processor: the package opens with a status, or has other levels

static inline bool supports_v3() { return false; }
static inline bool supports_v4() { return false; }
static inline bool supports_v4_vnni() { return false; }
static inline bool supports_v4_bf16() { return false; }

#endif
#endif
