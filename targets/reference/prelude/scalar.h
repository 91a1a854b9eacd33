// SPDX-License-Identifier: Apache-2.0
// Prelude of the reference target: plain C++, one element at a time, for any CPU.
// Takes nothing; gives the scalar functions that kernels call. A target with vectors defines its
// vector types and overloads the hooks (fma, sqrt, floor, ...) before this include, and loads and
// stores after it: targets/x86/prelude/vector.h is an example.
// Keeps true: libm serves exactly rounded operations only (fma, floor, ceil, trunc, rint).
#ifndef MINTOR_REFERENCE_SCALAR_H
#define MINTOR_REFERENCE_SCALAR_H

// clang has a fence for some CPUs; for all others memory is one.
#if defined(__clang__) && !defined(__x86_64__) && !defined(__i386__) && \
    !(defined(__aarch64__) && __clang_major__ >= 17)
#define MT_FENCE(x) __asm__("" : "+m"(x))
#endif

#include "compiler/ir/scalar_math.h"

#endif
