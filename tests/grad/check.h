// SPDX-License-Identifier: Apache-2.0
// Gradients against finite differences in f64, by the reference evaluator.
// Takes a function that builds values from inputs; checks the gradient of each floating-point
// input, the gradient of that gradient, and the forward mode.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/grad/grad.h"

namespace mintor::test {

// Whole numbers and bool are inputs without gradients.
struct Given {
  DType dtype = DType::f64;
  std::vector<int64_t> shape;
  std::vector<double> values;  // empty: random ones
  double lo = -2, hi = 2;      // which lie in here
  Shape symbolic = {};         // the type's shape, where it names symbols
};

using Build = std::function<std::vector<Value>(Builder&, std::span<const Value>)>;

struct Checks {
  double step = 1e-5;
  double tolerance = 1e-6;  // of the larger of 1 and the gradient
  int order = 2;
  bool forward = true;
};

void check_gradients(const std::vector<Given>& inputs, const Build& build,
                     const Checks& checks = {});

inline Given f64(std::vector<int64_t> shape, double lo = -2, double hi = 2) {
  return {DType::f64, std::move(shape), {}, lo, hi, {}};
}
inline Given i64(std::vector<int64_t> shape, std::vector<double> values) {
  return {DType::i64, std::move(shape), std::move(values), 0, 0, {}};
}

}  // namespace mintor::test
