// SPDX-License-Identifier: Apache-2.0
// Which register tiles are expected to be the fastest: takes facts of a level and extents; gives
// the order of tiles by their estimated time. Keeps true: no level of this machine is asked.
#include "compiler/contraction/tile.h"

#include <gtest/gtest.h>

namespace mintor {
namespace {

TargetInfo level_of(int32_t vector_bytes, int32_t registers) {
  TargetInfo level;
  level.vector_bytes = vector_bytes;
  level.vector_registers = registers;
  return level;
}

Tile best(const TargetInfo& level, int64_t rows, int64_t columns) {
  return tiles_by_cost(level, {.rows = rows, .columns = columns}).front();
}

TEST(Tiles, ATailOfColumnsFillsItsOwnRegistersAlone) {
  const TargetInfo v3 = level_of(32, 16);
  // 56 rows are 14 tiles of 4; but of 8 columns more, in one register a row, 4 rows are too few to
  // keep the units busy.
  EXPECT_EQ(best(v3, 56, 16).rows, 4);
  EXPECT_EQ(best(v3, 56, 24).rows, 6);
  EXPECT_EQ(best(v3, 56, 32).rows, 4);
  // One register takes 16 columns and 8 alike.
  const auto cost = [&](int64_t columns) {
    for (const Tile& tile : tiles_by_cost(level_of(64, 32), {.rows = 56, .columns = columns}))
      if (tile.rows == 14 && tile.vectors == 1) return tile.cost;
    return 0.0;
  };
  EXPECT_EQ(cost(24), cost(32));
}

}  // namespace
}  // namespace mintor
