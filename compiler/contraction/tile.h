// SPDX-License-Identifier: Apache-2.0
// The shapes of register tiles: m rows of u vectors of 16 lanes, from the target's facts and the
// extents. Takes facts and extents; gives rows, vectors, an estimated time and the reason. Keeps
// true: deterministic.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/support/target_info.h"

namespace mintor {

struct Tile {
  int64_t rows = 1;
  int64_t vectors = 1;    // of 16 lanes each
  int64_t busy_rows = 1;  // of as many vectors: the fewest that keep the multiply-add units busy
  double cost = 0;        // estimated time of the whole, to be compared with that of other tiles
  std::string because;
};

// Lanes of the vector that takes so many columns, or the first 16 of more: few columns fill a
// narrow one, which is a whole number of the smallest registers.
int64_t lanes_for(int64_t columns);

// All that the registers hold, the cheapest first. rows, columns: extents when constant.
// `shared_vector`: one operand is a vector that all rows read (matmul, convolution); otherwise
// every product has its own vectors (depthwise) and a row costs no broadcast.
std::vector<Tile> tiles_by_cost(const TargetInfo& target, std::optional<int64_t> rows,
                                std::optional<int64_t> columns, int64_t element_bytes,
                                bool shared_vector);

}  // namespace mintor
