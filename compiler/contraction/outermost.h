// SPDX-License-Identifier: Apache-2.0
// Which loops of a register-tiled contraction are outermost, and so what a task is. Takes a plan
// and a tile; gives what fits and what is expected to be the fastest. Keeps true: all of them
// compute the same bits; facts of axes, extents and caches decide, never a model.
#pragma once

#include <utility>

#include "compiler/contraction/strategy.h"
#include "compiler/contraction/tile.h"
#include "compiler/contraction/tile_plan.h"

namespace mintor {

enum class Outermost {
  panels,     // of columns, then the other axes: large vector operands are read once per task
  pieces,     // of the other axes, long enough to pay for reading a panel, and the panels of each
  row_tiles,  // each takes all panels, which stay in the cache
  others,     // all axes but those of the tile, which take all panels
};
inline constexpr std::pair<Outermost, const char*> kOutermost[] = {
    {Outermost::panels, "panels"},
    {Outermost::pieces, "pieces"},
    {Outermost::row_tiles, "row_tiles"},
    {Outermost::others, "others"},
};

bool fits(Outermost outermost, const TilePlan& plan, const Tile& tile);
// What is expected to be the fastest with this tile.
Outermost best_outermost(const Contraction& c, const TilePlan& plan, const Tile& tile);
// Rows of unknown number, that nothing else makes tasks of: each tile is one, with each panel; many
// panels alone are enough.
bool rows_are_open(const TilePlan& plan);
// Of all axes but those of the tile there are too few for even shares: panels are tasks too.
bool few_others(const TilePlan& plan);

}  // namespace mintor
