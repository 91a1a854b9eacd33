// SPDX-License-Identifier: Apache-2.0
// A contract in order winograd: its products as register tiles, its transforms in vectors over
// channels and columns.
//| for point, tile, n {                        for point, n_o, tile_o {
//|   acc = 0                                     acc[i][j] = 0
//|   for k { acc = fma(v, u, acc) }       ->     for k { acc[i][j] = fma(v[i], u[j], acc[i][j]) }
//|   s = acc                                     s = acc[i][j]
//| }                                           }
#include <algorithm>

#include "compiler/contraction/strategy.h"
#include "compiler/contraction/tile_nest.h"
#include "compiler/ir/lanes.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/schedule.h"

namespace mintor {
namespace {

LoopOrigin axis_of(const char* name) { return {LoopRole::axis, name, {}}; }

LoopInfo info_of(const Kernel& kernel, const std::string& var) {
  for (const LoopInfo& loop : loops_of(kernel))
    if (loop.var == var) return loop;
  return {};
}

// A transform has a line of a tile and what becomes of it at once: each value in one register.
void vectorise(Kernel& kernel, const char* axis, const TargetInfo& target) {
  const LoopInfo loop = info_of(kernel, loop_of(kernel, axis_of(axis)));
  const int64_t lanes = std::min<int64_t>(kLanes, target.vector_bytes / 4);
  if (!loop.var.empty()) vectorise_loop(kernel, loop, true, lanes);
}

Refusal schedule_tiles(const TargetInfo& target, const Tile& tile, Kernel& kernel,
                       std::string& because) {
  because = "tiles of winograd, a block of them a task; " + tile.because;
  vectorise(kernel, "in_channel", target);
  vectorise(kernel, "out_column", target);
  Steps step{kernel};
  tile_nest(step, "tile", "column", tile);
  if (step.refusal) return step.refusal;
  for (const std::string& panel : copies_of(kernel, part_of(axis_of("column"), LoopPart::outer)))
    try_step(kernel, "prefetch", {panel});
  return {};
}

Refusal as_lowered(Kernel&, std::string& because) {
  because = "tiles of winograd, a block of them a task";
  return {};
}

Refusal winograd(const Contraction& c, std::vector<Candidate>& candidates) {
  if (c.node.as<Contract>().order.form != Order::Form::winograd)
    return {"the order is not winograd"};
  if (!c.target.vectors()) {
    candidates.push_back({"plain", 0, as_lowered});
    return {};
  }
  const WinogradBlock block = winograd_block(c.graph, c.node);
  const std::vector<ContractAxis>& axes = c.node.as<Contract>().axes;
  const auto channels = std::ranges::find(axes, AxisRole::k, &ContractAxis::role);
  const TiledExtents extents{
      .rows = block.tiles, .columns = block.columns, .column_bytes = channels->extent.value() * 4};
  for (const Tile& tile : tiles_by_cost(c.target, extents))
    candidates.push_back(
        {"rows=" + std::to_string(tile.rows) + " vectors=" + std::to_string(tile.vectors),
         tile.cost, [tile, target = c.target](Kernel& kernel, std::string& because) {
           return schedule_tiles(target, tile, kernel, because);
         }});
  return {};
}

}  // namespace

extern const Strategy strategy_winograd;
const Strategy strategy_winograd = {"winograd", winograd};

}  // namespace mintor
