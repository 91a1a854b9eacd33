// SPDX-License-Identifier: Apache-2.0
// Takes a nest; gives it as register tiles. Keeps true: rows and columns that no tile fills are
// tiles of what is left, or, of unknown extents, as few together as keep the units busy.
#include "compiler/contraction/tile_nest.h"

#include <algorithm>

#include "compiler/ir/lanes.h"
#include "compiler/loop/step.h"

namespace mintor {
namespace {

// Loops over elements of an axis, not over blocks of them.
std::vector<std::string> element_loops(const Kernel& kernel, const std::string& axis) {
  std::vector<std::string> out;
  for (const LoopInfo& loop : loops_of(kernel)) {
    if (loop.origin.axis != axis) continue;
    const auto structural =
        std::find_if(loop.origin.parts.rbegin(), loop.origin.parts.rend(), [](LoopPart part) {
          return part == LoopPart::outer || part == LoopPart::inner || part == LoopPart::jammed;
        });
    if (structural == loop.origin.parts.rend() || *structural == LoopPart::inner)
      out.push_back(loop.var);
  }
  return out;
}

// The loop of that axis next around `var`; empty: none.
std::string loop_around(const Kernel& kernel, const std::string& var, const std::string& axis) {
  for (const std::string& loop : element_loops(kernel, axis))
    if (find_loop(find_loop(kernel.body, loop)->body, var) != nullptr) return loop;
  return "";
}

void split_rows(Steps& step, const std::string& rows, int64_t size) {
  for (const std::string& loop : element_loops(step.kernel, rows)) {
    const std::optional<int64_t> trip = trip_of(step.kernel, loop);
    if (trip && *trip <= size) continue;
    const std::string blocks = step.split(loop, size).outer;
    if (!trip || *trip % size != 0) step("peel_tail", {blocks});
  }
}

}  // namespace

void tile_nest(Steps& step, const std::string& rows, const std::string& columns, const Tile& tile) {
  const Kernel& kernel = step.kernel;
  const int64_t width = tile.vectors * kLanes;
  for (const std::string& loop : element_loops(kernel, columns)) {
    const std::optional<int64_t> trip = trip_of(kernel, loop);
    if (trip && *trip <= width) continue;
    const std::string around = loop_around(kernel, loop, rows);
    const Halves halves = step.split(loop, width);
    if (!around.empty()) step("reorder", {halves.outer, around, halves.inner});
    if (!trip || *trip % width != 0) step("peel_tail", {halves.outer});
  }
  split_rows(step, rows, tile.rows);
  std::vector<std::string> jammed, vectors;
  for (const std::string& loop : element_loops(kernel, rows)) {
    if (trip_of(kernel, loop)) continue;
    if (tile.busy_rows >= 2 && tile.busy_rows < tile.rows)
      step("peel_tail", {step.split(loop, tile.busy_rows).outer});
  }
  for (const std::string& loop : element_loops(kernel, rows))
    if (trip_of(kernel, loop)) jammed.push_back(loop);
  for (const std::string& loop : element_loops(kernel, columns)) {
    const std::optional<int64_t> trip = trip_of(kernel, loop);
    const int64_t lanes = trip ? lanes_for(*trip) : kLanes;
    if (trip == lanes) {
      step("vectorize", {loop});
      continue;
    }
    const Halves halves = step.split(loop, lanes);
    step("vectorize", {halves.inner});
    if (trip && *trip > kLanes) vectors.push_back(halves.outer);
  }
  // Columns last, so that they become innermost (register_tile.cpp).
  for (const std::string& loop : jammed) step("jam", {loop});
  for (const std::string& loop : vectors) step("jam", {loop});
}

}  // namespace mintor
