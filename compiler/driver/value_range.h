// SPDX-License-Identifier: Apache-2.0
// The range of the values that a tensor has over many runs. Takes f32 tensors, one at a time; gives
// the least and largest, or bounds that hold a share of all. Keeps true: memory is that of one
// histogram, whatever the number of values; the order of the tensors does not matter.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/ir/tensor.h"

namespace mintor {

class ValueRange {
 public:
  // Values that are not finite saturate whatever the range: they do not count.
  void add(const Tensor& values);
  double low() const { return low_; }
  double high() const { return high_; }
  // Bounds between which `percent` of all values lie, half of the others on each side, to within a
  // bin of the histogram.
  std::pair<double, double> holding(double percent) const;

 private:
  void widen(double limit);

  double low_ = 0, high_ = 0;  // 0 is always inside
  double limit_ = 0;           // bins cover [-limit, limit]; a power of two
  int64_t count_ = 0;
  std::vector<int64_t> bins_;
};

}  // namespace mintor
