// SPDX-License-Identifier: Apache-2.0
// Transposed convolutions as convolutions that move by one, a column for each phase of the results:
//   y[s*q + r - p, n] = sum over j:  x[q - j] w[s*j + r, n]       s: stride, r < s: the phase
//   z[q, (r, n)]      = sum over t:  x[q - (T - 1) + t] w'[t, (r, n)]        T = ceil(taps / s)
//   y[m, n]           = z[(m + p) // s, ((m + p) % s, n)]
// Takes the contract of ops::conv_transpose; gives that of z, w' from w, and y from z. Strides of
// one turn the window around. Keeps true: z has the products of y, and of w' what lies beyond the
// taps is 0.
#pragma once

#include <optional>
#include <vector>

#include "compiler/ir/builder.h"

namespace mintor {

struct PhasedAxis {
  size_t out = 0, window = 0;  // positions in Contract::axes
  int64_t stride = 1;
  int64_t taps = 0;   // of w
  int64_t shift = 0;  // p: y[m] reads x[(m + p - tap) / stride]
};

class Phases {
 public:
  // None where a window is of another form, or weights are not indexed by plain axes.
  static std::optional<Phases> of(const Contract& transposed);

  const std::vector<PhasedAxis>& axes() const { return axes_; }
  const Contract& contract() const { return by_one_; }
  Value weights(Builder& b, Value w) const;
  Value results(Builder& b, Value z) const;

 private:
  explicit Phases(const Contract& transposed) : whole_(transposed), by_one_(transposed) {}
  bool find_axes();
  bool find_columns();
  void move_by_one();
  int64_t taps_of(const PhasedAxis& axis) const { return (axis.taps - 1) / axis.stride + 1; }
  int64_t first_of(const PhasedAxis& axis) const;  // the q of m = 0

  Contract whole_, by_one_;
  std::vector<PhasedAxis> axes_;
  size_t columns_ = 0;  // position of the n axis
  int64_t phases_ = 1;  // of all axes
};

}  // namespace mintor
