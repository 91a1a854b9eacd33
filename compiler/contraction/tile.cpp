// SPDX-License-Identifier: Apache-2.0
// Takes facts and extents; gives tiles by their estimated time.
// Keeps true: no figure here is of one model; a tile never needs more registers than there are.
#include "compiler/contraction/tile.h"
#include "compiler/ir/lanes.h"

#include <algorithm>

namespace mintor {
namespace {

// Two units of latency 4: with fewer accumulators one is idle.
constexpr int64_t kBusy = 8;

// Reading a vector from the second cache takes this much longer than from the first, in
// multiply-adds, beside what goes on meanwhile. A tile of 5 x 5 vectors ran at 0.93 of the speed of
// one of 9 x 3 where panels do not fit the first (conv c48 33x33 k3 p1 o72, v4, AMD EPYC family 26,
// 2026-11-30).
constexpr double kFromSecondCache = 0.5;

// Of a tile whose products have vectors of their own, a row costs this much beside them: its
// address, and often a page of its own. A tile of 6 x 2 vectors ran at 1.14 and 1.0 of the speed of
// one of 15 x 1 (conv c136 29x29 k3 p1 g136 and c96 45x45 k5 s2 p2 g96, v4, AMD EPYC family 26,
// 2026-11-30).
constexpr double kOwnRow = 0.3;

// A vector of bytes becomes one of floats by two operations, which take the multiply-adds' places.
constexpr double kToWiden = 2;

// Relative cost of a step of k with one tile. The broadcast of a row's scalar is a load that
// competes with the vectors' loads when few vectors share it; without a shared vector all of the
// products' vectors are loads, and sums are so short that the next tile's go on beside them.
double tile_time(int64_t rows, int64_t registers_a_row, const TiledExtents& extents, bool far) {
  const auto accumulators = static_cast<double>(rows * registers_a_row);
  const auto of_row = static_cast<double>(registers_a_row), number = static_cast<double>(rows);
  if (!extents.shared_vector) return accumulators + of_row + kOwnRow * number + 0.5;
  const double conversions = extents.halves ? number + of_row : 0;  // of two halves each
  const double compute = std::max(accumulators + conversions, static_cast<double>(kBusy));
  const double loads = (number + of_row) * 1.02;
  const double widening = extents.widened ? kToWiden * of_row : 0;
  return std::max(compute + widening, loads) + 0.5 + (far ? kFromSecondCache * of_row : 0);
}

// Accumulators, the vectors of the shared operand, one broadcast; or, where each product has its
// own, these: they are all loaded before the first is used. Depthwise tiles that leave no room for
// them spill, and ran at half of the speed (conv c136 29x29 k3 p1 g136, v4, AMD EPYC family 26,
// 2026-11-30).
int64_t registers_of(int64_t rows, int64_t registers_a_row, const TiledExtents& extents) {
  const int64_t accumulators = rows * registers_a_row;
  if (extents.halves) return accumulators + 2 * registers_a_row + rows + 2;
  return accumulators + registers_a_row + (extents.shared_vector ? 1 : accumulators);
}

// What so many columns of a row fill.
int64_t registers_of_row(int64_t columns, int64_t lanes_per_register) {
  const int64_t lanes = lanes_for(columns);
  return ((columns - 1) / lanes + 1) * std::max<int64_t>(1, lanes / lanes_per_register);
}

// Whole tiles at full speed, what is left at the speed of a smaller tile.
double cost(int64_t extent, int64_t tile, const auto& time) {
  double sum = static_cast<double>(extent / tile) * time(tile);
  if (extent % tile != 0) sum += time(extent % tile);
  return sum;
}

// The same of any extent: tens of rows (a sentence, a batch), and what is left as
// often any number, as `busy` rows together and then one by one.
double cost_of_any(int64_t tile, int64_t busy, const auto& time) {
  constexpr int64_t kTypical = 64;
  double tails = 0;
  for (int64_t left = 1; left < tile; ++left) {
    const int64_t together = busy < tile ? left / busy : 0;
    tails += static_cast<double>(together) * time(busy) +
             static_cast<double>(left - together * busy) * time(1);
  }
  return (kTypical * time(tile) + tails) / static_cast<double>(tile);
}

}  // namespace

int64_t lanes_for(int64_t columns) { return columns <= 4 ? 4 : columns <= 8 ? 8 : kLanes; }

std::vector<Tile> tiles_by_cost(const TargetInfo& target, const TiledExtents& extents) {
  const int64_t lanes_per_register =
      std::max<int64_t>(1, target.vector_bytes / extents.element_bytes);
  const int64_t lanes = extents.columns ? lanes_for(*extents.columns) : kLanes;
  const int64_t per_vector = registers_of_row(lanes, lanes_per_register);
  const int64_t m = std::min(extents.rows.value_or(1024), kMostRows);
  const int64_t n = extents.columns.value_or(1024);
  std::vector<Tile> tiles;
  for (int64_t vectors = 1; vectors <= 8; ++vectors)
    for (int64_t rows = 1; rows <= 28; ++rows) {
      const int64_t used = registers_of(rows, vectors * per_vector, extents);
      if (used > target.vector_registers && !(rows == 1 && vectors == 1)) continue;
      if (rows > m || (vectors - 1) * lanes >= n) continue;
      const bool far = vectors * lanes * extents.column_bytes > target.l1_bytes;
      // A tail of columns is a tile of fewer or narrower vectors, of rows one of fewer rows.
      const int64_t busy = (kBusy - 1) / (vectors * per_vector) + 1;
      const auto over_rows = [&](int64_t columns) {
        const int64_t registers = registers_of_row(columns, lanes_per_register);
        const auto time = [&](int64_t r) { return tile_time(r, registers, extents, far); };
        return extents.any_rows ? cost_of_any(rows, busy, time) : cost(m, rows, time);
      };
      const std::string because = std::to_string(rows) + " x " + std::to_string(vectors * lanes) +
                                  " accumulators in " +
                                  std::to_string(rows * vectors * per_vector) + " of " +
                                  std::to_string(target.vector_registers) + " registers";
      tiles.push_back({rows, vectors, busy, cost(n, vectors * lanes, over_rows), because});
    }
  std::ranges::stable_sort(tiles, {}, &Tile::cost);
  return tiles;
}

}  // namespace mintor
