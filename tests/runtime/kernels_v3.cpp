// SPDX-License-Identifier: Apache-2.0
// Kernels of program toy at level `v3`, compiled with -march=x86-64-v3: vectors of 8 along the
// columns. Takes, gives and keeps true what kernels_reference.cpp does, bit for bit.
#include <immintrin.h>

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
    for (int64_t column = 0; column < 20; column += 8) {
      __m256 sum = _mm256_setzero_ps();
      for (int64_t k = 0; k < 24; ++k) {
        sum = _mm256_fmadd_ps(_mm256_set1_ps(x[row * 24 + k]),
                              _mm256_load_ps(w + (column / 16 * 24 + k) * 16 + column % 16), sum);
      }
      float lanes[8];
      _mm256_storeu_ps(lanes, _mm256_add_ps(sum, _mm256_load_ps(b + column)));
      for (int64_t lane = 0; lane < 8 && column + lane < 20; ++lane) {
        hidden[row * 20 + column + lane] = lanes[lane] < 0.0f ? 0.0f : lanes[lane];
      }
    }
  }
}

static void scale(const float* hidden, const float* s, float* y, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const __m128 factor = _mm_set1_ps(s[row]);
    for (int64_t column = 0; column < 20; column += 4) {
      const int64_t i = row * 20 + column;
      _mm_storeu_ps(y + i, _mm_mul_ps(_mm_loadu_ps(hidden + i), factor));
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

const Kernels kernels_v3 = {pack_w, pack_b, dense_relu, scale, row_sum};

}  // namespace MT_PACKAGE
