// SPDX-License-Identifier: Apache-2.0
// Winograd's minimal filtering F(m, r): m sums of r products each by m + r - 1, one for each point.
//   y = A ((G g) * (B d)):  d  m + r - 1 inputs;  g  r weights;  y[p] = sum over t: d[p + t] g[t]
// A contract whose order is winograd(m) is computed so along each window, whose extent is the
// number of points (windows of one tap stay); its weights are G g already, by the pass `winograd`.
// Takes m, r, and the points, which alone tell B; gives the transforms B and A as straight-line
// programs, and G as a matrix. The points are 0, +-1, +-2, +-1/2 and infinity; what a pair has in
// common is computed once. Keeps true: every factor but those of G is a small sum of powers of two,
// exact in f32; evaluator and kernels run the same steps. (S. Winograd 1980; A. Lavin and S. Gray,
// Fast Algorithms for Convolutional Neural Networks, 2015.)
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "compiler/ir/graph.h"

namespace mintor::winograd {

inline constexpr int64_t kPoints[] = {4, 6, 8};  // along a window
// Values of a tile that a kernel writes out: 8 x 8, or 4 x 4 x 4.
inline constexpr int64_t kMostPoints = 64;

// Values are numbered: inputs, then results of steps. add: a + b; sub: a - b; fma: factor * a + b.
struct Step {
  ScalarOp op = ScalarOp::add;
  int32_t a = 0, b = 0;
  double factor = 1;
};
struct Transform {
  int32_t inputs = 0;
  std::vector<Step> steps;
  std::vector<int32_t> outputs;
};
Transform input_transform(int64_t points);                 // B: points to as many
Transform output_transform(int64_t points, int64_t tile);  // A: points to `tile` results
std::vector<std::vector<double>> weight_matrix(int64_t points, int64_t taps);  // G: a row a point

// A window and the out axis that it moves along: x is read at out + step * window + ...
struct Axis {
  size_t window = 0, out = 0;  // positions in Contract::axes
  int64_t step = 1;            // dilation
};
// The windows of `taps` taps, each with its out axis, in the order of the windows; nothing where a
// window is of another form: taps neither `taps` nor 1, a stride, an axis that two of them share,
// weights that are not indexed by the window itself.
std::optional<std::vector<Axis>> axes_of(const Contract& contract, int64_t taps);
// Of a contract whose order is winograd(m): the points of a tile along each window, the windows.
int64_t points_of(const Contract& contract);
std::vector<Axis> axes_of(const Contract& contract);

// The transform along each of `axes` dimensions of a row-major cube, line after line. `input(n)`
// gives value n, where the first line that needs it begins; `emit(step, a, b)` gives that of a
// step; `output(n, value)` takes a result as soon as its line is done: what is between lives
// briefly.
template <class Input, class Emit, class Output>
void apply(const Transform& transform, size_t axes, Input input, Emit emit, Output output) {
  using V = decltype(input(size_t{0}));
  const auto before = static_cast<size_t>(transform.inputs), after = transform.outputs.size();
  size_t outer = 1;
  size_t inner = 1;
  for (size_t a = 1; a < axes; ++a) inner *= before;
  std::vector<V> values;
  for (size_t axis = 0; axis < axes; ++axis) {
    const bool last = axis + 1 == axes;
    std::vector<V> next(last ? 0 : outer * after * inner);
    for (size_t o = 0; o < outer; ++o)
      for (size_t i = 0; i < inner; ++i) {
        std::vector<V> line;
        for (size_t n = 0; n < before; ++n) {
          const size_t at = (o * before + n) * inner + i;
          line.push_back(axis == 0 ? input(at) : values[at]);
        }
        for (const Step& step : transform.steps)
          line.push_back(
              emit(step, line[static_cast<size_t>(step.a)], line[static_cast<size_t>(step.b)]));
        for (size_t n = 0; n < after; ++n) {
          const size_t at = (o * after + n) * inner + i;
          const V& value = line[static_cast<size_t>(transform.outputs[n])];
          if (last)
            output(at, value);
          else
            next[at] = value;
        }
      }
    values = std::move(next);
    outer *= after;
    inner /= last ? 1 : before;
  }
}

// The same of values that are there.
template <class V, class Emit>
std::vector<V> apply(const Transform& transform, size_t axes, const std::vector<V>& values,
                     Emit emit) {
  size_t results = 1;
  for (size_t a = 0; a < axes; ++a) results *= transform.outputs.size();
  std::vector<V> out(results);
  apply(
      transform, axes, [&](size_t n) { return values[n]; }, emit,
      [&](size_t n, const V& value) { out[n] = value; });
  return out;
}

}  // namespace mintor::winograd
