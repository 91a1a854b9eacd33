// SPDX-License-Identifier: Apache-2.0
// What the runtime takes from the C library. A compiler that is told that there is none
// (-ffreestanding) gives the few functions that are missed here, and bare.cpp those that an
// operating system has; memcpy and memset are what every compiler calls.
// Keeps true: nothing else of the C library is called on the way of open, context_create and run.
#ifndef MINTOR_SYSTEM_H
#define MINTOR_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#if __STDC_HOSTED__
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#else

extern "C" {
void* memcpy(void* __restrict to, const void* __restrict from, size_t bytes);
void* memset(void* to, int value, size_t bytes);
}

namespace MT_PACKAGE {

static inline int memcmp(const void* a, const void* b, size_t bytes) {
  const unsigned char *x = static_cast<const unsigned char*>(a),
                      *y = static_cast<const unsigned char*>(b);
  for (size_t i = 0; i < bytes; ++i) {
    if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
  }
  return 0;
}

static inline int strcmp(const char* a, const char* b) {
  while (*a && *a == *b) ++a, ++b;
  return int((unsigned char)*a) - int((unsigned char)*b);
}

static inline void* memmove(void* to, const void* from, size_t bytes) {
  char* t = static_cast<char*>(to);
  const char* f = static_cast<const char*>(from);
  if (t <= f) {
    for (size_t i = 0; i < bytes; ++i) t[i] = f[i];
  } else {
    for (size_t i = bytes; i-- > 0;) t[i] = f[i];
  }
  return to;
}

// Messages are empty where nobody reads them.
static inline int snprintf(char* text, size_t room, const char*, ...) {
  if (room) *text = 0;
  return 0;
}

}  // namespace MT_PACKAGE
#endif
#endif
