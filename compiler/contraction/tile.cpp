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

// Relative cost of computing rows x columns with this tile: whole tiles at full speed, what is left
// at the speed of a smaller tile. The broadcast of a row's scalar is a load that competes with the
// vectors' loads when few vectors share it.
double tile_time(int64_t rows, int64_t vectors, int64_t registers_per_vector) {
  const double accumulators = static_cast<double>(rows * vectors * registers_per_vector);
  const double compute = std::max(accumulators, static_cast<double>(kBusy));
  const double loads =
      (static_cast<double>(rows) + static_cast<double>(vectors * registers_per_vector)) * 1.02;
  return std::max(compute, loads);
}

double cost(int64_t extent, int64_t tile, const auto& time) {
  double sum = static_cast<double>(extent / tile) * time(tile);
  if (extent % tile != 0) sum += time(extent % tile);
  return sum;
}

}  // namespace

int64_t lanes_for(int64_t columns) { return columns <= 4 ? 4 : columns <= 8 ? 8 : kLanes; }

std::vector<Tile> tiles_by_cost(const TargetInfo& target, std::optional<int64_t> rows,
                                std::optional<int64_t> columns, int64_t element_bytes,
                                bool shared_vector) {
  const int64_t lanes_per_register = std::max<int64_t>(1, target.vector_bytes / element_bytes);
  const int64_t lanes = columns ? lanes_for(*columns) : kLanes;
  const int64_t per_vector = std::max<int64_t>(1, lanes / lanes_per_register);
  const int64_t m = std::min<int64_t>(rows.value_or(1024), 4096), n = columns.value_or(1024);
  std::vector<Tile> tiles;
  for (int64_t vectors = 1; vectors <= 8; ++vectors)
    for (int64_t tile_rows = 1; tile_rows <= 28; ++tile_rows) {
      // Accumulators, the vectors of the shared operand, one broadcast.
      const int64_t used = tile_rows * vectors * per_vector + vectors * per_vector +
                           (shared_vector ? 1 : per_vector);
      if (used > target.vector_registers && !(tile_rows == 1 && vectors == 1)) continue;
      if (tile_rows > m || (vectors - 1) * lanes >= n) continue;
      // A tail of columns is a tile of fewer vectors, of rows one of fewer rows.
      const auto over_rows = [&](int64_t v) {
        return cost(m, tile_rows, [&](int64_t r) { return tile_time(r, v, per_vector) + 0.5; });
      };
      const int64_t columns_in_vectors = (n + lanes - 1) / lanes;
      const std::string because = std::to_string(tile_rows) + " x " +
                                  std::to_string(vectors * lanes) + " accumulators in " +
                                  std::to_string(tile_rows * vectors * per_vector) + " of " +
                                  std::to_string(target.vector_registers) + " registers";
      tiles.push_back({tile_rows, vectors, (kBusy - 1) / (vectors * per_vector) + 1,
                       cost(columns_in_vectors, vectors, over_rows), because});
    }
  std::ranges::stable_sort(tiles, {}, &Tile::cost);
  return tiles;
}

}  // namespace mintor
