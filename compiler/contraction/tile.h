// SPDX-License-Identifier: Apache-2.0
// The shape of a register tile: m rows of u vectors of 16 lanes, chosen from the target's facts and
// the extents. Takes facts and extents; gives rows, vectors and the reason. Keeps true:
// deterministic.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "compiler/support/target_info.h"

namespace mintor {

struct Tile {
  int64_t rows = 1;
  int64_t vectors = 1;    // of 16 lanes each
  int64_t busy_rows = 1;  // of as many vectors: the fewest that keep the multiply-add units busy
  std::string because;
};

// Lanes of the vector that takes so many columns, or the first 16 of more: few columns fill a
// narrow one, which is a whole number of the smallest registers.
int64_t lanes_for(int64_t columns);

// rows, columns: extents when constant. `shared_vector`: one operand is a vector that all rows read
// (matmul, convolution); otherwise every product has its own vectors (depthwise) and a row costs no
// broadcast.
Tile choose_tile(const TargetInfo& target, std::optional<int64_t> rows,
                 std::optional<int64_t> columns, int64_t element_bytes, bool shared_vector);

}  // namespace mintor
