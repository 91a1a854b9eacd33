// SPDX-License-Identifier: Apache-2.0
// Takes the sizes of a convolution; gives its costs, counted in fused multiply-adds of one lane.
// Keeps true: a tile is told only where it gains what kWorthIt asks.
#include "compiler/graph/winograd_cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compiler/ir/winograd.h"

namespace mintor::winograd {
namespace {

// In the time of one fused multiply-add of a vector's lane: what the memory takes for a byte of
// weights, and a transform for one of its operations, which also loads and stores, and spills where
// a tile has more values than there are registers (512 channels at 7 x 7 to 64 at 224 x 224, Zen 5,
// 2026-11-30).
constexpr double kWeightByte = 3.0, kTransformStep = 2.5, kRegisters = 36;
// Below this gain the further rounding is not worth it.
constexpr double kWorthIt = 0.85;
// The 64 points of squares spill, and round twice as much as 36: 256 channels at 56 x 56 and 3 taps
// took 6.1 ms, and 4.9 with 36 (Zen 5, 2026-11-30); 64 channels and 5 taps 1.5, and 3.1 with 36
// (Zen 3, 2026-12-01). So they have to gain as much again, and sums of more channels would be wrong
// by more than 2e-5 of the largest.
constexpr int64_t kLargeLine = 8;
constexpr double kMostChannelsOfLarge = 512;
double power(double base, size_t exponent) {
  double product = 1;
  for (size_t n = 0; n < exponent; ++n) product *= base;
  return product;
}

double direct_cost(const Sizes& s) {
  double products = s.places;
  for (const Along& along : s.along) products *= along.products;
  return (products + s.weights * 4 * kWeightByte) * s.channels * s.columns;
}

// Operations of a transform on a whole tile.
double steps_of(const Transform& t, size_t axes) {
  double steps = 0;
  for (size_t a = 0; a < axes; ++a)
    steps += static_cast<double>(t.steps.size()) * power(static_cast<double>(t.outputs.size()), a) *
             power(static_cast<double>(t.inputs), axes - 1 - a);
  return steps;
}

double winograd_cost(const Sizes& s, int64_t line, int64_t tile) {
  const size_t axes = s.along.size();
  const double points = power(static_cast<double>(line), axes), columns = s.columns * s.phases;
  double tiles = s.places;
  for (const Along& along : s.along)
    tiles *= along.step * std::ceil(along.results / along.step / static_cast<double>(tile));
  const double input = steps_of(input_transform(line), axes) + 2 * points;
  const double output = steps_of(output_transform(line, tile), axes) + 2 * points;
  const double products = points * s.channels * columns;
  return tiles * (products + kTransformStep * (1 + points / kRegisters) *
                                 (input * s.channels + output * columns)) +
         products * 4 * kWeightByte;
}

}  // namespace

Verdict cheapest_tile(const Sizes& s) {
  const double direct = direct_cost(s);
  double least = direct * kWorthIt;
  Verdict verdict;
  std::string costs;
  for (const int64_t points : kPoints) {
    const int64_t tile = points - s.taps + 1;
    if (tile < 2 ||
        power(static_cast<double>(points), s.along.size()) > static_cast<double>(kMostPoints))
      continue;
    const bool large = points >= kLargeLine && s.along.size() > 1;
    if (large && s.channels > kMostChannelsOfLarge) continue;
    const double cost = winograd_cost(s, points, tile);
    costs += fmt::format("{} {:.2f} in tiles of {}", costs.empty() ? "; of that" : ",",
                         cost / direct, tile);
    if (cost >= (large ? least * kWorthIt : least)) continue;
    least = cost;
    verdict.tile = tile;
    verdict.points = points;
  }
  verdict.why = fmt::format("costs {:.3g} as it is{}", direct, costs);
  if (verdict.tile == 0) verdict.why += fmt::format(", needed below {}", kWorthIt);
  return verdict;
}

}  // namespace mintor::winograd
