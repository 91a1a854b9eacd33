// SPDX-License-Identifier: Apache-2.0
// The unit of sums and layouts: lanes of a sum in blocks (docs/numerics.md), elements of a logical
// vector, columns of a packed panel. The same at every level of a target, so that one weights file
// and one default order of sums serve all. The lanes of a sum are those of its order (Order).
#pragma once

#include <cstdint>

namespace mintor {

inline constexpr int64_t kLanes = 16;
inline constexpr int64_t kRowsOfTile = 8;  // of a packed operand that panels read row by row
inline constexpr int64_t kMostLanes = 64;  // that an order may ask for

}  // namespace mintor
