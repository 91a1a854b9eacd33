// SPDX-License-Identifier: Apache-2.0
// Accumulators of an m x n tile in registers; the innermost out axis v in vectors of 16 lanes (few
// columns in narrower ones, one in none), the tile's rows along another out axis. Takes matmuls and
// convolutions, depthwise or not, alike: what differs is which operand has v.
//| for o, oy, ox, v {                          parallel o, oy { for v_o, ox_o {
//|   acc = 0                                     acc[t][u] = 0
//|   for k { acc = fma(x, y, acc) }      ->      for k { acc[i][j] = fma(x[i], y[j], acc[i][j]) }
//|   out = tail(acc)                             out = tail(acc[i][j])
//| }                                           } }
// Rows of a transposed convolution are those of one phase at a time. Out-of-range taps: the ends of
// a line are peeled and the window axis along it is unrolled; along a line of unknown length a tap
// asks once for all rows of a tile. The guards of other window axes stay, outside the channel loop.
#include <algorithm>
#include <memory>
#include <utility>

#include "compiler/contraction/outermost.h"
#include "compiler/contraction/strategy.h"
#include "compiler/contraction/sum_parts.h"
#include "compiler/contraction/tile.h"
#include "compiler/contraction/tile_plan.h"
#include "compiler/ir/lanes.h"
#include "compiler/ir/pairs.h"
#include "compiler/loop/schedule.h"
#include "compiler/loop/step.h"

namespace mintor {
namespace {

// Text of one tile body: unrolled window taps times accumulators; beyond it compile time grows
// faster than speed.
constexpr int64_t kMostStatements = 640;

// What an axis of the contract was lowered to.
LoopOrigin axis_of(const std::string& name) { return {LoopRole::axis, name, {}}; }

// The loop over an axis, or over the positions of one phase of it.
LoopOrigin positions_of(const TilePlan& plan, const std::string& axis) {
  const LoopOrigin whole = axis_of(axis);
  return phases_of(plan, axis) > 1 ? part_of(whole, LoopPart::outer) : whole;
}
LoopOrigin rows_of(const TilePlan& plan) { return positions_of(plan, plan.rows); }

// Few large panels: a task is a panel of a piece of the other axes, which is long enough to pay for
// reading the panel. Loops over pieces, outermost first, and those inside of one.
struct Pieces {
  std::vector<std::string> tasks, inside;
};
Pieces pieces_of(const Contraction& c, const TilePlan& plan, const std::vector<std::string>& axes,
                 Steps& step) {
  constexpr int64_t kRowsOfPiece = 256, kRowsUnknown = 16;
  const auto& contract = c.node.as<Contract>();
  Pieces out;
  int64_t wanted = (kRowsOfPiece - 1) / plan.rows_extent.value_or(kRowsUnknown) + 1;
  for (size_t n = axes.size(); n-- > 0;) {
    const std::string loop = loop_of(step.kernel, positions_of(plan, axes[n]));
    std::optional<int64_t> extent = constant_extent(contract, axes[n]);
    if (extent) *extent /= phases_of(plan, axes[n]);
    if (wanted == 1) {
      out.tasks.insert(out.tasks.begin(), loop);
    } else if (extent && *extent < 2 * wanted) {
      out.inside.insert(out.inside.begin(), loop);
      wanted = (wanted - 1) / *extent + 1;
    } else {
      const int64_t pieces = extent ? *extent / wanted : 1;
      const auto [outer, inner] = step.split(loop, extent ? (*extent - 1) / pieces + 1 : wanted);
      out.tasks.insert(out.tasks.begin(), outer);
      out.inside.insert(out.inside.begin(), inner);
      wanted = 1;
    }
  }
  return out;
}

// Tiles at the ends of the rows that have a tap outside: each gets a copy, in which that is known.
// Where all would be such, or their text too long, the first tile and the last one.
struct Ends {
  int64_t first, last;
};
Ends ends_of(const TilePlan& plan, const Tile& tile, const Contract& contract) {
  const auto tiles = [&](int64_t count) {
    return (std::max<int64_t>(count, 0) + tile.rows - 1) / tile.rows;
  };
  const int64_t rows = plan.rows_extent.value_or(0), tail = rows % tile.rows;
  const Ends ends{tiles(plan.rows_before), tiles(plan.rows_after - tail)};
  int64_t statements = tile.rows * tile.vectors;
  for (const std::string& window : plan.window)
    statements *= constant_extent(contract, window).value_or(kMostStatements);
  const int64_t copies = ends.first + ends.last;
  if (copies < rows / tile.rows && (copies <= 2 || copies * statements <= kMostStatements))
    return ends;
  return {1, plan.rows_extent && tail == 0 ? 1 : 0};
}

// Tiles of rows that are tasks: those that are not like the others get branches. At borders these
// know which iteration they are, and so nothing could tell any more that iterations are
// independent: the loop becomes parallel before.
void branch_rows(const TilePlan& plan, const Tile& tile, const Ends& ends, const std::string& tiles,
                 Steps& step) {
  const bool tail = !plan.rows_extent || *plan.rows_extent % tile.rows != 0;
  if (tail) step("branch_tail", {tiles});
  if (!plan.guarded) return;
  step("parallelize", {tiles});
  step("branch_ends", {tiles, ends.first, ends.last + (tail && ends.last > 0 ? 1 : 0)});
}

// Loops over rows of a tile, to be jammed. Of a symbolic tail as few rows together as keep the
// units busy, what is left row by row.
void jam_or_cut(const TilePlan& plan, const Tile& tile, const std::vector<std::string>& copies,
                Steps& step, std::vector<std::string>& jammed) {
  const Kernel& kernel = step.kernel;
  for (const std::string& copy : copies) {
    if (trip_of(kernel, copy)) {
      jammed.push_back(copy);
      continue;
    }
    int64_t together = tile.busy_rows;
    if (plan.rows_together)  // all of one packed tile
      while (together < tile.rows && tile.rows % together != 0) ++together;
    if (together < 2 || together >= tile.rows) continue;
    const LoopOrigin tail = origin_of(kernel, copy);
    step("peel_tail", {step.split(copy, together).outer});
    for (const std::string& part : copies_of(kernel, part_of(tail, LoopPart::inner)))
      if (trip_of(kernel, part)) jammed.push_back(part);
  }
}

// Rows of one tile in one column variant: split, borders peeled, copies jammed.
void tile_rows(const TilePlan& plan, const Tile& tile, const Ends& ends, const std::string& rows,
               Steps& step, std::vector<std::string>& jammed) {
  const Kernel& kernel = step.kernel;
  const auto extent = plan.rows_extent;
  if (extent && *extent <= tile.rows) {
    jammed.push_back(rows);
    return;
  }
  const LoopOrigin origin = origin_of(kernel, rows);
  const std::string outer = step.split(rows, tile.rows).outer;
  if (!(extent && *extent % tile.rows == 0)) step("peel_tail", {outer});
  if (plan.guarded && extent && *extent / tile.rows >= 2)
    step("peel", {outer, ends.first, *extent / tile.rows > 2 ? ends.last : 0});
  jam_or_cut(plan, tile, copies_of(kernel, part_of(origin, LoopPart::inner)), step, jammed);
}

// Columns of one tile: u vectors of 16 lanes each. Loops over the vectors, to be jammed.
std::vector<std::string> tile_columns(const LoopOrigin& columns, Steps& step) {
  std::vector<std::string> loops;
  for (const std::string& copy : copies_of(step.kernel, part_of(columns, LoopPart::inner))) {
    const std::optional<int64_t> trip = trip_of(step.kernel, copy);
    const int64_t width_of_vector = trip ? lanes_for(*trip) : kLanes;
    if (trip == width_of_vector) {
      step("vectorize", {copy});
      continue;
    }
    const auto [outer_half, lanes] = step.split(copy, width_of_vector);
    step("vectorize", {lanes});
    // A symbolic tail runs vector by vector.
    if (trip && *trip > kLanes) loops.push_back(outer_half);
  }
  return loops;
}

// Where a tile of rows stands in its sum, the loop below the window that holds all of the tile: a
// tap asks there once whether all of its rows are inside.
std::vector<std::string> taps_of_tiles(const Kernel& kernel, const std::string& rows) {
  std::vector<std::string> out;
  std::vector<LoopInfo> around;
  for (const LoopInfo& loop : loops_of(kernel)) {
    around.resize(static_cast<size_t>(loop.depth));
    around.push_back(loop);
    const auto& parts = loop.origin.parts;
    if (loop.origin.axis != rows || parts.empty() || parts.back() != LoopPart::jammed) continue;
    size_t at = around.size() - 1;
    const bool in_sum = at > 0 && (around[at - 1].origin.role == LoopRole::reduced ||
                                   around[at - 1].origin.role == LoopRole::window);
    if (!in_sum) continue;
    while (at > 0 && around[at - 1].origin.role == LoopRole::reduced) --at;
    out.push_back(around[at].var);
  }
  return out;
}

// The innermost loop of the axis becomes dot products of words; what pairs leave stays as it is.
void sum_words(const Contraction& c, const ContractAxis& axis, Steps& step) {
  const auto& contract = c.node.as<Contract>();
  const LoopOrigin whole{LoopRole::reduced, axis.name, {}};
  if (!contract.order.pairs) return step("dot_words", {loop_of(step.kernel, whole)});
  const bool blocks = contract.order.inner > 1;
  const auto [pairs, halves] =
      step.split(loop_of(step.kernel, blocks ? part_of(whole, LoopPart::inner) : whole), kPair);
  try_step(step.kernel, "peel_tail", {pairs});  // nothing to do where no tail is
  step("dot_words", {halves});
}

// Makes one loop of the axes in line, by which the rows are called from there on.
void join_rows(TilePlan& plan, Steps& step) {
  if (plan.joined.size() < 2) return;
  std::string joined = loop_of(step.kernel, axis_of(plan.joined[0]));
  for (size_t n = 1; n < plan.joined.size(); ++n) {
    const std::string name = fresh_name(step.kernel, "row");
    step("fuse", {joined, loop_of(step.kernel, axis_of(plan.joined[n])), name});
    joined = name;
  }
  std::ranges::replace(plan.out, plan.rows, joined);
  plan.rows = joined;
}

// Taps written out, so that guards are constants; along a line of unknown length they are asked
// once for all rows of a tile.
void decide_guards(const TilePlan& plan, const Tile& tile, Steps& step) {
  const Kernel& kernel = step.kernel;
  for (const std::string& window : plan.window)
    for (const std::string& copy : copies_of(kernel, axis_of(window)))
      if (tile.rows * tile.vectors * trip_of(kernel, copy).value_or(kMostStatements) <=
          kMostStatements * phases_of(plan, plan.rows))
        step("unroll", {copy});
  if (plan.rows_extent) return;
  for (const std::string& tap : taps_of_tiles(kernel, plan.rows))
    try_step(step.kernel, "unswitch", {tap});
}

std::string reason_of(const TilePlan& plan, const Tile& tile, Outermost outermost) {
  const char* tasks = "";
  switch (outermost) {
    case Outermost::panels:
      tasks = "; column panels outermost";
      break;
    case Outermost::pieces:
      tasks = "; pieces and their panels are tasks";
      break;
    case Outermost::row_tiles:
      tasks = rows_are_open(plan) ? "; tiles of rows and column panels are tasks"
                                  : "; tiles of rows are tasks";
      break;
    case Outermost::others:
      tasks = "; rows outermost";
      break;
  }
  return tile.because + tasks + (plan.joined.size() > 1 ? "; axes in line are one" : "") +
         (plan.phased.empty() ? "" : "; positions of one phase together") +
         (plan.guarded ? "; borders peeled" : "");
}

Refusal schedule_tiles(TilePlan plan, const Contraction& c, const Tile& tile, Outermost outermost,
                       Kernel& kernel, std::string& because) {
  const auto columns_extent = plan.columns_extent;
  const int64_t width = tile.vectors * kLanes;
  Steps step{kernel};
  if (plan.words)
    sum_words(c, *plan.words, step);
  else
    split_sums(c, step);
  join_rows(plan, step);
  const LoopOrigin columns = axis_of(plan.columns);
  const bool open = rows_are_open(plan);
  const bool by_rows = open || outermost == Outermost::row_tiles;
  std::vector<std::string> phases;
  for (const auto& [axis, count] : plan.phased)
    phases.push_back(step.split(loop_of(kernel, axis_of(axis)), count).inner);
  Halves row_tiles;
  if (by_rows) row_tiles = step.split(loop_of(kernel, rows_of(plan)), tile.rows);
  const bool even = columns_extent && *columns_extent % width == 0;
  const bool by_pieces = outermost == Outermost::pieces;
  const bool panels_first = by_pieces || outermost == Outermost::panels;
  std::vector<std::string> others;
  for (const std::string& axis : plan.out)
    if (axis != plan.rows && axis != plan.columns) others.push_back(axis);
  Pieces outer;
  if (by_pieces) {
    outer = pieces_of(c, plan, others, step);
  } else {
    for (const std::string& axis : others) {
      std::vector<std::string>& loops = panels_first && !open ? outer.inside : outer.tasks;
      loops.push_back(loop_of(kernel, positions_of(plan, axis)));
    }
    // Of tiles with borders only the outermost loop can be the tasks (branch_rows).
    if (open && panels_first)
      outer.inside.push_back(row_tiles.outer);
    else if (by_rows)
      outer.tasks.insert(plan.guarded ? outer.tasks.begin() : outer.tasks.end(), row_tiles.outer);
  }
  std::string v_o, v_i;  // none of a single column, whose loop other steps may simplify away
  if (columns_extent != 1) {
    const Halves halves = step.split(loop_of(kernel, columns), width);
    v_o = halves.outer;
    v_i = halves.inner;
  }
  // A split drops loops of one iteration.
  for (std::vector<std::string>* loops : {&outer.tasks, &outer.inside})
    std::erase_if(*loops,
                  [&](const std::string& loop) { return find_loop(kernel.body, loop) == nullptr; });
  std::vector<StepArg> order(outer.tasks.begin(), outer.tasks.end());
  if (!v_o.empty()) order.push_back(v_o);
  // A phase reads its taps of the panel alone, for all that is inside.
  order.insert(order.end(), phases.begin(), phases.end());
  order.insert(order.end(), outer.inside.begin(), outer.inside.end());
  if (!plan.rows.empty())
    order.emplace_back(by_rows ? row_tiles.inner : loop_of(kernel, rows_of(plan)));
  if (!v_i.empty()) order.push_back(v_i);
  if (order.size() > 1) step("reorder", order);
  const Ends ends = ends_of(plan, tile, c.node.as<Contract>());
  if (by_rows) branch_rows(plan, tile, ends, row_tiles.outer, step);
  if (!even)
    for (const std::string& copy : copies_of(kernel, part_of(columns, LoopPart::outer)))
      step("branch_tail", {copy});

  if (phases_of(plan, plan.rows) > 1)
    for (const std::string& copy : copies_of(kernel, part_of(axis_of(plan.rows), LoopPart::inner)))
      step("unroll", {copy});

  std::vector<std::string> jammed;
  if (by_rows)
    jam_or_cut(plan, tile, copies_of(kernel, part_of(rows_of(plan), LoopPart::inner)), step,
               jammed);
  else if (!plan.rows.empty())
    for (const std::string& copy : copies_of(kernel, rows_of(plan)))
      tile_rows(plan, tile, ends, copy, step, jammed);

  const std::vector<std::string> column_loops = tile_columns(columns, step);
  // Columns are jammed last and so become innermost: a row's broadcast is used for all of its
  // vectors and dies, while the vectors of the shared operand, few, stay in registers. The other
  // way round 13 broadcasts are live at once, and the text ran at 52 % of peak instead of 94 %
  // (matmul 1024^3, v4, clang 19, 2026-11-24).
  for (const std::string& copy : jammed) step("jam", {copy});
  for (const std::string& copy : column_loops) step("jam", {copy});
  if (plan.guarded) decide_guards(plan, tile, step);

  if (step.refusal) return step.refusal;
  // Beside the panel that is used the next one has to fit.
  if (panels_first && plan.shared_vector && plan.column_bytes * width <= c.target.l2_bytes / 2)
    for (const std::string& panel : copies_of(kernel, part_of(columns, LoopPart::outer)))
      try_step(kernel, "prefetch", {panel});
  const size_t panel_loops = v_o.empty() ? 0 : 1;
  const bool panels_too =
      panels_first || open || (outermost == Outermost::others && few_others(plan));
  const size_t task_loops =
      outer.tasks.size() + (panels_too ? panel_loops : 0) +
      (panels_first && !open && outer.tasks.empty() ? outer.inside.size() : 0);
  if (!by_rows || !plan.guarded) parallelise_outer(kernel, std::max<size_t>(1, task_loops));
  because = reason_of(plan, tile, outermost);
  return {};
}

// Another loop outermost than the expected one, in parts of the time of the whole: not measured,
// but tiles count for more.
constexpr double kUnexpected = 1.05;
// Axes joined that could stay apart, where sums are as long as kLongSum bytes of a column: fewer
// tiles are cut short, which wait for their own sums there; of short sums the next tile's go on
// beside them. 1x1, tiles of 6 rows joined beside 4 or 5 apart: 256 to 1024 terms 0.87 to 0.96 of
// the time, 96 and 128 terms 1.02 and 0.98, 24 and 64 terms 1.08 and 1.05 (v3, AMD EPYC family 25
// model 1, 2026-11-30).
constexpr double kJoined = 1.01;
constexpr int64_t kLongSum = 512;

// All tiles by this plan, in costs of `scale`.
void add_candidates(const Contraction& c, const TilePlan& of, double scale, const std::string& kind,
                    std::vector<Candidate>& candidates) {
  const auto plan = std::make_shared<const TilePlan>(of);
  const bool pairs = plan->words != nullptr && c.node.as<Contract>().order.pairs;
  const TiledExtents extents{.rows = plan->rows_extent,
                             .columns = plan->columns_extent,
                             .element_bytes = size_of(c.node.results[0].dtype),
                             .shared_vector = plan->shared_vector,
                             .column_bytes = plan->column_bytes,
                             .any_rows = rows_are_open(*plan),
                             .widened = plan->widened,
                             .halves = pairs && !c.target.has("bf16")};
  for (const Tile& tile : tiles_by_cost(c.target, extents)) {
    if (plan->rows_together % tile.rows != 0) continue;  // its rows lie apart in two packed tiles
    const Outermost best = best_outermost(c, *plan, tile);
    for (const auto& [outermost, name] : kOutermost) {
      if (!fits(outermost, *plan, tile)) continue;
      const std::string text = "rows=" + std::to_string(tile.rows) +
                               " vectors=" + std::to_string(tile.vectors) + " outermost=" + name +
                               kind;
      const auto apply = [plan, c, tile, outermost](Kernel& kernel, std::string& because) {
        return schedule_tiles(*plan, c, tile, outermost, kernel, because);
      };
      candidates.push_back(
          {text, tile.cost * scale * (outermost == best ? 1 : kUnexpected), apply});
    }
  }
}

Refusal register_tile(const Contraction& c, std::vector<Candidate>& candidates) {
  TilePlan apart;
  if (Refusal r = plan_tiles(c, apart); r) return r;
  const bool in_line = apart.joined.size() > 1;
  const TilePlan joined = in_line ? with_joined(c.node.as<Contract>(), apart) : apart;
  apart.joined.clear();
  if (!in_line || joined.rows_extent) add_candidates(c, apart, 1, "", candidates);
  if (!in_line) return {};
  // Costs are those of so many rows at most, and compared by the row.
  const auto counted = [](const TilePlan& plan) {
    return static_cast<double>(std::min(plan.rows_extent.value_or(kMostRows), kMostRows));
  };
  const double as_joined = apart.column_bytes >= kLongSum ? kJoined : kUnexpected;
  const double scale = joined.rows_extent ? as_joined * counted(apart) / counted(joined) : 1;
  add_candidates(c, joined, scale, " joined", candidates);
  return {};
}

}  // namespace

extern const Strategy strategy_register_tile;
const Strategy strategy_register_tile = {"register_tile", register_tile};

}  // namespace mintor
