// SPDX-License-Identifier: Apache-2.0
// Winograd's minimal filtering F(m, 3): m sums of three products each by m + 2 products.
//   y = A ((G g) * (B d)):  d  m + 2 inputs;  g  3 weights;  y[p] = d[p] g[0] + d[p + 1] g[1] + ...
// A contract whose order is winograd(m) is computed so along each of its windows of m + 2 taps; its
// weights are G g already, which the numerics pass `winograd` has made. Windows of one tap stay.
// Takes m; gives the transforms B and A as straight-line programs, and G as a matrix. The points of
// the polynomials are 0, +-1, +-2, +-1/2 and infinity; what a pair of points has in common is
// computed once. Keeps true: every factor but those of G is a power of two or a small sum of them,
// exact in f32; evaluator and kernels run the same steps, so that they give the same bits.
// (S. Winograd 1980; A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks,
// 2015.)
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "compiler/ir/graph.h"

namespace mintor::winograd {

inline constexpr int64_t kTaps = 3;
inline constexpr int64_t kTiles[] = {2, 4, 6};  // m
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
Transform input_transform(int64_t tile);                       // B: tile + 2 values to as many
Transform output_transform(int64_t tile);                      // A: tile + 2 values to `tile`
std::vector<std::vector<double>> weight_matrix(int64_t tile);  // G: tile + 2 rows of kTaps

// A window and the out axis that it moves along: x is read at out + step * window + ...
struct Axis {
  size_t window = 0, out = 0;  // positions in Contract::axes
  int64_t step = 1;            // dilation
};
// The windows of `taps` taps, each with its out axis, in the order of the windows; nothing where a
// window is of another form: taps neither `taps` nor 1, a stride, an axis that two of them share,
// weights that are not indexed by the window itself.
std::optional<std::vector<Axis>> axes_of(const Contract& contract, int64_t taps);
// Of a contract whose order is winograd(tile).
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
