// SPDX-License-Identifier: Apache-2.0
// Kernels of program toy at level `reference`: one plain loop per kernel, every function static,
// one table defined. What kernels_v3.cpp does with vectors has the same order of operations, so
// the bits are the same.
#include "kernels.h"

namespace MT_PACKAGE {

static void pack_w(const float* w, float* packed, int64_t begin, int64_t end) {
  for (int64_t panel = begin; panel < end; ++panel) {
    for (int64_t k = 0; k < 24; ++k) {
      for (int64_t lane = 0; lane < 16; ++lane) {
        const int64_t column = panel * 16 + lane;
        packed[(panel * 24 + k) * 16 + lane] = column < 20 ? w[k * 20 + column] : 0.0f;
      }
    }
  }
}

static void pack_b(const float* b, float* packed) {
  for (int64_t column = 0; column < 32; ++column) packed[column] = column < 20 ? b[column] : 0.0f;
}

static void dense_relu(const float* x, const float* w, const float* b, float* hidden,
                       int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    for (int64_t column = 0; column < 20; ++column) {
      float sum = 0.0f;
      for (int64_t k = 0; k < 24; ++k) {
        sum = __builtin_fmaf(x[row * 24 + k], w[(column / 16 * 24 + k) * 16 + column % 16], sum);
      }
      const float biased = sum + b[column];
      hidden[row * 20 + column] = biased < 0.0f ? 0.0f : biased;
    }
  }
}

static void scale(const float* hidden, const float* s, float* y, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    for (int64_t column = 0; column < 20; ++column) {
      y[row * 20 + column] = hidden[row * 20 + column] * s[row];
    }
  }
}

static void row_sum(const float* y, float* total, int64_t batch) {
  for (int64_t row = 0; row < batch; ++row) {
    float sum = 0.0f;
    for (int64_t column = 0; column < 20; ++column) sum += y[row * 20 + column];
    total[2 * row] = sum;
    total[2 * row + 1] = sum;
  }
}

const Kernels kernels_reference = {pack_w, pack_b, dense_relu, scale, row_sum};

}  // namespace MT_PACKAGE
