// SPDX-License-Identifier: Apache-2.0
// Library operators on signals. Complex numbers are pairs in the last dimension. A transform is a
// product with a matrix of cosines and sines that f64 arithmetic makes; sizes are expressions.
#pragma once

#include "compiler/ops/library.h"

namespace mintor::ops {

struct DftAttr {
  Index length;            // what is beyond it in x is left out, what is missing is 0
  bool inverse = false;    // the other sign, over the length
  bool one_sided = false;  // of real numbers: bins 0..length / 2; inverse: from them, real
};
// Along dimension 1 of x[outer, n, inner, 1 or 2].
Value dft(Builder& b, Value x, const DftAttr& attr);
// frames[f, j] = signal[f * step + j] * window[j]; window may be null. signal[B, n, 1 or 2]:
// [B, frames, bins, 2].
Value stft(Builder& b, Value signal, Value window, const Index& step, const Index& length,
           bool one_sided);
enum class Window { hann, hamming, blackman };
Value window(Builder& b, DType dtype, Window kind, const Index& size, bool periodic);
// Triangles over the bins of a spectrum, evenly on the mel scale: [length / 2 + 1, bins]. Numbers
// are f64[].
Value mel_weights(Builder& b, DType dtype, const Index& bins, const Index& length, Value rate,
                  Value lowest, Value highest);

}  // namespace mintor::ops
