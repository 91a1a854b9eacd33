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

// More rows than these are not counted: their tail is nothing.
inline constexpr int64_t kMostRows = 4096;

// What is cut into tiles.
struct TiledExtents {
  std::optional<int64_t> rows, columns;  // when constant
  int64_t element_bytes = 4;
  // One operand is a vector that all rows read (matmul, convolution), and the other a broadcast a
  // row; otherwise every product has vectors of its own (depthwise).
  bool shared_vector = true;
  int64_t column_bytes = 0;  // of the vector operand, that a column of the result reads; 0: unknown
  bool any_rows = false;     // few or many: where they are not known and no lines of an image
  bool widened = false;      // the vector operand is narrower than what is summed, and is converted
  // Operands are words of two elements that are widened before they are multiplied: a step of k is
  // two multiply-adds of each accumulator, and the halves of all operands are in registers.
  bool halves = false;
};

// All tiles that the registers hold, the cheapest first.
std::vector<Tile> tiles_by_cost(const TargetInfo& target, const TiledExtents& extents);

}  // namespace mintor
