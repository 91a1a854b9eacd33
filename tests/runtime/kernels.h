// SPDX-License-Identifier: Apache-2.0
// The kernel table of program toy: one pointer per kernel, one table per level. Generated beside
// program.cpp in a real package; each kernels_<level>.cpp defines its table and nothing else that
// the linker sees.
#ifndef MT_KERNELS_H
#define MT_KERNELS_H

#include "mintor_program.h"

namespace MT_PACKAGE {

struct Kernels {
  void (*pack_w)(const float* w, float* packed, int64_t begin, int64_t end);
  void (*pack_b)(const float* b, float* packed);
  void (*dense_relu)(const float* x, const float* w, const float* b, float* hidden, int64_t begin,
                     int64_t end);
  void (*scale)(const float* hidden, const float* s, float* y, int64_t begin, int64_t end);
  void (*row_sum)(const float* y, float* total, int64_t batch);
};

extern const Kernels kernels_reference;
extern const Kernels kernels_v3;

}  // namespace MT_PACKAGE
#endif
