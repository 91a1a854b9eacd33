// SPDX-License-Identifier: Apache-2.0
// Takes a plan and a tile; gives which loops fit outermost and which are expected to be the
// fastest. Keeps true: large vector operands are read as rarely as the caches and the number of
// tasks allow.
#include "compiler/contraction/outermost.h"

#include "compiler/ir/lanes.h"

namespace mintor {
namespace {

// Panels alone would be too few tasks, and the last, which is narrower, a smaller one. Of a
// depthwise convolution fewer are taken: it is short, and pieces read the rows at their borders
// twice.
bool few_panels(const TilePlan& plan, const Tile& tile) {
  const int64_t many = plan.shared_vector ? 16 : 8;
  return plan.columns_extent && (*plan.columns_extent - 1) / (tile.vectors * kLanes) + 1 < many;
}

// One batch fits all, so that one of any size counts as one.
bool few_positions(const TilePlan& plan) {
  constexpr int64_t kFewPositions = 8;
  return plan.positions < kFewPositions;
}

// Few panels that stay in the cache, and more tiles of rows.
bool rows_are_tasks(const Contraction& c, const TilePlan& plan, const Tile& tile) {
  if (!fits(Outermost::row_tiles, plan, tile)) return false;
  if (!few_panels(plan, tile)) return false;
  const int64_t panels = (*plan.columns_extent - 1) / (tile.vectors * kLanes) + 1;
  if (panels > 1 && plan.panel_bytes > c.target.l2_bytes / 2) return false;
  return (*plan.rows_extent - 1) / tile.rows + 1 > panels;
}

}  // namespace

bool rows_are_open(const TilePlan& plan) {
  return !plan.rows_extent && !plan.guarded && plan.shared_vector && plan.columns_extent != 1 &&
         few_positions(plan);
}

bool few_others(const TilePlan& plan) {
  constexpr int64_t kFewOthers = 16;
  return plan.shared_vector && plan.positions < kFewOthers;
}

bool fits(Outermost outermost, const TilePlan& plan, const Tile& tile) {
  if (rows_are_open(plan))
    return outermost == Outermost::panels || outermost == Outermost::row_tiles;
  switch (outermost) {
    case Outermost::panels:
      return true;
    case Outermost::pieces:
      return plan.out.size() > (plan.rows.empty() ? 1 : 2);
    case Outermost::row_tiles:
      // At borders the first and the last tile are branches of their own beside those between.
      return few_positions(plan) && !plan.rows.empty() && plan.rows_extent &&
             *plan.rows_extent >= (plan.guarded ? 3 * tile.rows : tile.rows + 1);
    case Outermost::others:
      return plan.out.size() > 2;
  }
  return false;
}

Outermost best_outermost(const Contraction& c, const TilePlan& plan, const Tile& tile) {
  if (rows_are_open(plan)) return few_panels(plan, tile) ? Outermost::row_tiles : Outermost::panels;
  if (rows_are_tasks(c, plan, tile)) return Outermost::row_tiles;
  // Small vector operands stay in the cache. Where both operands move along the columns, panels
  // first read nothing again, and less between two uses of a line.
  if (plan.shared_vector && plan.panel_bytes != 0 && plan.panel_bytes <= c.target.l2_bytes / 2 &&
      plan.out.size() > 2)
    return Outermost::others;
  const bool even = plan.columns_extent && *plan.columns_extent % (tile.vectors * kLanes) == 0;
  const bool by_pieces = fits(Outermost::pieces, plan, tile) && !even && few_panels(plan, tile);
  return by_pieces ? Outermost::pieces : Outermost::panels;
}

}  // namespace mintor
