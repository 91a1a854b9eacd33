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
#include "compiler/contraction/tile.h"
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

void vectorise(Kernel& kernel, const char* axis) {
  const LoopInfo loop = info_of(kernel, loop_of(kernel, axis_of(axis)));
  if (!loop.var.empty()) vectorise_loop(kernel, loop, true);
}

// Full tiles and what is left of an axis: the loops to be written out.
std::vector<std::string> tiled(Steps& step, const std::string& loop, int64_t size) {
  const LoopOrigin origin = origin_of(step.kernel, loop);
  const std::optional<int64_t> trip = info_of(step.kernel, loop).trip();
  if (trip && *trip <= size) return {loop};
  const Halves halves = step.split(loop, size);
  if (!trip || *trip % size != 0) step("peel_tail", {halves.outer});
  std::vector<std::string> inner;
  for (const std::string& copy : copies_of(step.kernel, part_of(origin, LoopPart::inner)))
    if (info_of(step.kernel, copy).trip()) inner.push_back(copy);
  return inner;
}

Refusal schedule_tiles(const Tile& tile, Kernel& kernel, std::string& because) {
  because = "tiles of winograd, a block of them a task; " + tile.because;
  const LoopInfo rows = info_of(kernel, loop_of(kernel, axis_of("tile")));
  const LoopInfo columns = info_of(kernel, loop_of(kernel, axis_of("column")));
  vectorise(kernel, "in_channel");
  vectorise(kernel, "out_column");
  Steps step{kernel};
  const int64_t width = tile.vectors * kLanes;
  const bool several = !columns.trip() || *columns.trip() > width;
  if (several) {
    const Halves halves = step.split(columns.var, width);
    step("reorder", {halves.outer, rows.var, halves.inner});
    if (!columns.trip() || *columns.trip() % width != 0) step("peel_tail", {halves.outer});
  }
  std::vector<std::string> jammed, vectors;
  for (const std::string& copy : copies_of(kernel, axis_of("tile")))
    for (const std::string& part : tiled(step, copy, tile.rows)) jammed.push_back(part);
  const LoopOrigin column = axis_of("column");
  for (const std::string& copy :
       copies_of(kernel, several ? part_of(column, LoopPart::inner) : column)) {
    const std::optional<int64_t> trip = info_of(kernel, copy).trip();
    const int64_t lanes = trip ? lanes_for(*trip) : kLanes;
    if (trip == lanes) {
      step("vectorize", {copy});
      continue;
    }
    const Halves halves = step.split(copy, lanes);
    step("vectorize", {halves.inner});
    if (trip && *trip > kLanes) vectors.push_back(halves.outer);
  }
  // Columns last, so that they become innermost (register_tile.cpp).
  for (const std::string& copy : jammed) step("jam", {copy});
  for (const std::string& copy : vectors) step("jam", {copy});
  if (step.refusal) return step.refusal;
  if (several) try_step(kernel, "prefetch", {loop_of(kernel, part_of(column, LoopPart::outer))});
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
  const TiledExtents extents{.rows = block.tiles,
                             .columns = block.columns,
                             .column_bytes = channels->extent.value() * 4};
  for (const Tile& tile : tiles_by_cost(c.target, extents))
    candidates.push_back(
        {"rows=" + std::to_string(tile.rows) + " vectors=" + std::to_string(tile.vectors),
         tile.cost, [tile](Kernel& kernel, std::string& because) {
           return schedule_tiles(tile, kernel, because);
         }});
  return {};
}

}  // namespace

extern const Strategy strategy_winograd;
const Strategy strategy_winograd = {"winograd", winograd};

}  // namespace mintor
