// SPDX-License-Identifier: Apache-2.0
// Register tiles of one nest of products in a kernel of several. Takes a kernel under steps and the
// axes of its rows and columns; gives vectors along the columns and tiles of rows around the sum.
// Keeps true: only by steps; all copies of the nest are tiled alike.
//| for rows, columns {                         for columns_o, rows_o {
//|   acc = 0                                     acc[i][j] = 0
//|   for k { acc = fma(x, y, acc) }       ->     for k { acc[i][j] = fma(x[i], y[j], acc[i][j]) }
//|   s = acc                                     s = acc[i][j]
//| }                                           }
#pragma once

#include <string>

#include "compiler/contraction/tile.h"
#include "compiler/loop/schedule.h"

namespace mintor {

void tile_nest(Steps& step, const std::string& rows, const std::string& columns, const Tile& tile);

}  // namespace mintor
