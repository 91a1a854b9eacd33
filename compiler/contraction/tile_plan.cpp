// SPDX-License-Identifier: Apache-2.0
// Takes coordinates and extents; gives the plan. Out axes before the rows that an operand walks
// through in one line (a batch, an image of a 1x1 convolution) may be fused with them.
// Keeps true: what it says of an operand is proven over all values of the axes.
#include "compiler/contraction/tile_plan.h"

#include <algorithm>
#include <utility>

#include "compiler/graph/word_axis.h"
#include "compiler/ir/flat_index.h"
#include "compiler/ir/lanes.h"
#include "compiler/ir/pairs.h"

namespace mintor {
namespace {

// Within one block of 16 columns an operand is read contiguously, or not at all along them.
enum class Along { nothing, contiguous, otherwise };
Along along(const Index& flat, const std::string& axis, const Ranges& ranges, int64_t step) {
  if (!flat.mentions(axis)) return Along::nothing;
  Ranges inner = ranges;
  inner.set("block", Index(0), Index(int64_t{1} << 40));
  inner.set("within", Index(0), Index(kLanes - 1));
  const Index split = inner.simplify(
      flat.substitute({{axis, Index::var("block") * kLanes + Index::var("within")}}));
  const auto affine = split.affine_in("within");
  return affine && affine->first == step ? Along::contiguous : Along::otherwise;
}

// The axes before the rows along which `line`, the address of the broadcast operand, goes on where
// the rows end: as positions of one loop they need no division. Then the rows.
std::vector<std::string> axes_in_line(const std::vector<const ContractAxis*>& out,
                                      const std::string& rows, const Index& line,
                                      const Index& vector, const Ranges& ranges) {
  const auto last = std::ranges::find(out, rows, &ContractAxis::name);
  std::vector<std::string> joined{rows};
  for (auto first = last; first != out.begin();) {
    --first;
    if ((*first)->extent.is_const(1) || vector.mentions((*first)->name)) break;
    std::map<std::string, Index> positions;
    Index inside = 1;
    const Index position = Index::var("position");
    for (auto at = last;; --at) {
      const Index block = floordiv(position, inside);
      positions[(*at)->name] = at == first ? block : mod(block, (*at)->extent);
      inside = inside * (*at)->extent;
      if (at == first) break;
    }
    Ranges with_position = ranges;
    with_position.set("position", Index(0), inside - 1);
    if (!with_position.simplify(line.substitute(positions)).affine_in("position")) break;
    joined.insert(joined.begin(), (*first)->name);
  }
  return joined;
}

// The number of phases after which each of the coordinates goes on in steps: 1 where they do
// anyway, or where no number of phases makes them.
int64_t count_phases(const std::vector<Index>& coords, const ContractAxis& axis,
                     const Ranges& ranges) {
  constexpr int64_t kMostPhases = 4;
  for (int64_t phases = 1; phases <= kMostPhases; ++phases) {
    if (!ranges.simplify(mod(axis.extent, phases)).is_const(0)) continue;
    Ranges inner = ranges;
    inner.set("step", Index(0), ranges.simplify(floordiv(axis.extent, phases)) - 1);
    inner.set("phase", Index(0), Index(phases - 1));
    const Index position = Index::var("step") * phases + Index::var("phase");
    const auto goes_in_steps = [&](const Index& coord) {
      return inner.simplify(coord.substitute({{axis.name, position}}))
          .affine_in("step")
          .has_value();
    };
    if (std::ranges::all_of(coords, goes_in_steps)) return phases;
  }
  return 1;
}

// How many rows at the ends have a tap outside of this dimension.
void count_outside(const Index& coord, const Index& extent, const std::string& rows,
                   std::optional<int64_t> number, const Ranges& ranges, TilePlan& plan) {
  const auto affine = ranges.simplify(coord).affine_in(rows);
  if (!affine || affine->first <= 0) return;
  if (const auto least = ranges.lower(affine->second))
    plan.rows_before = std::max(plan.rows_before, (affine->first - 1 - *least) / affine->first);
  const auto most = ranges.upper(affine->second);
  if (!most || !extent.is_const() || !number) return;
  const int64_t room = extent.value() - 1 - *most;  // of the last row inside
  const int64_t inside = room < 0 ? 0 : room / affine->first + 1;
  plan.rows_after = std::max(plan.rows_after, *number - inside);
}

// The axis whose elements are words of both operands: bytes, or pairs of bf16 that were laid out
// so, [.., k / 2, lane, 2]. `step`: the elements from one column to the next then.
const ContractAxis* words_of(const Contraction& c, const std::string& columns, const Ranges& ranges,
                             int64_t& step) {
  const auto& contract = c.node.as<Contract>();
  const Value &x = c.node.operands[0], &y = c.node.operands[1];
  if (const ContractAxis* bytes = word_axis(contract, x, y)) {
    step = kBytesOfWord;
    return bytes;
  }
  const ContractAxis* pairs = pair_axis(contract, x, y);
  if (pairs == nullptr || !lies_in_pairs(contract.x_coords, *pairs, ranges) ||
      !lies_in_pairs(contract.y_coords, *pairs, ranges))
    return nullptr;
  const Index x_flat = ranges.simplify(flat_index(contract.x_coords, x.shape())),
              y_flat = ranges.simplify(flat_index(contract.y_coords, y.shape()));
  for (const Index* flat : {&x_flat, &y_flat})
    if (flat->mentions(columns) && along(*flat, columns, ranges, kPair) != Along::contiguous)
      return nullptr;
  step = kPair;
  return pairs;
}

}  // namespace

std::optional<int64_t> constant_extent(const Contract& contract, const std::string& axis) {
  for (const ContractAxis& a : contract.axes)
    if (a.name == axis && a.extent.is_const()) return a.extent.value();
  return std::nullopt;
}

Refusal plan_tiles(const Contraction& c, TilePlan& plan) {
  const auto& contract = c.node.as<Contract>();
  if (!c.target.vectors()) return {"the target has no vectors"};
  if (contract.order.form != Order::Form::chain) return {"the order is not a chain"};
  std::vector<const ContractAxis*> out;
  Ranges ranges = c.graph.ranges();
  for (const ContractAxis& a : contract.axes) {
    ranges.set(a.name, Index(0), a.extent - 1);
    if (a.role != AxisRole::k && a.role != AxisRole::window) out.push_back(&a);
  }
  if (out.empty()) return {"there is no out axis"};
  for (const ContractAxis* a : out)
    if (a->extent.is_const(0)) return {"the result is empty"};
  const ContractAxis& columns = *out.back();
  const bool one_column = columns.extent.is_const(1);
  const Index x = ranges.simplify(flat_index(contract.x_coords, c.node.operands[0].shape()));
  const Index y = ranges.simplify(flat_index(contract.y_coords, c.node.operands[1].shape()));
  int64_t step = 1;
  plan.words = words_of(c, columns.name, ranges, step);
  const Along x_along = along(x, columns.name, ranges, step),
              y_along = along(y, columns.name, ranges, step);
  if (x_along == Along::otherwise || y_along == Along::otherwise)
    return {"an operand is not contiguous along the innermost out axis"};
  if (x_along == Along::nothing && y_along == Along::nothing && !one_column)
    return {"no operand moves along the innermost out axis"};
  plan.shared_vector = x_along != y_along || one_column;
  plan.columns = columns.name;
  for (const ContractAxis* a : out) plan.out.push_back(a->name);

  // Rows: the last other out axis with more than one element that a broadcast operand moves along.
  const Index& scalar = x_along == Along::nothing ? x : y;
  const Index& vector = x_along == Along::nothing ? y : x;
  for (size_t n = out.size() - 1; n-- > 0 && plan.rows.empty();) {
    if (out[n]->extent.is_const(1)) continue;
    const bool in_x = x.mentions(out[n]->name), in_y = y.mentions(out[n]->name);
    const bool fits = one_column ? in_x != in_y
                      : plan.shared_vector
                          ? scalar.mentions(out[n]->name) && !vector.mentions(out[n]->name)
                          : in_x || in_y;
    if (fits) plan.rows = out[n]->name;
  }
  if (!plan.rows.empty()) {
    const auto& coords = x.mentions(plan.rows) ? contract.x_coords : contract.y_coords;
    const Shape& shape =
        x.mentions(plan.rows) ? c.node.operands[0].shape() : c.node.operands[1].shape();
    for (size_t d = 0; d < coords.size(); ++d) {
      if (!coords[d].mentions(plan.rows)) continue;
      if (!ranges.proves_nonnegative(coords[d]) || !ranges.proves_less(coords[d], shape[d]))
        plan.guarded = true;
      count_outside(coords[d], shape[d], plan.rows, constant_extent(contract, plan.rows), ranges,
                    plan);
      for (const ContractAxis& a : contract.axes)
        if (a.role == AxisRole::window && coords[d].mentions(a.name)) plan.window.push_back(a.name);
    }
    if (shape.back().is_const() && coords.back() == mod(Index::var(plan.rows), shape.back()))
      plan.rows_together = shape.back().value();
  }
  const auto& moving = &scalar == &x ? contract.x_coords : contract.y_coords;
  for (const ContractAxis* a : out) {
    if (a->name == plan.columns) continue;
    if (const int64_t phases = count_phases(moving, *a, ranges); phases > 1)
      plan.phased.push_back({a->name, phases});
  }
  const Value& vectors = c.node.operands[x_along == Along::nothing ? 1 : 0];
  plan.widened = step == 1 && vectors.dtype() != c.node.results[0].dtype;
  if (!plan.rows.empty() && plan.shared_vector && !one_column && !plan.guarded)
    plan.joined = axes_in_line(out, plan.rows, scalar, vector, ranges);
  Index bytes = size_of(c.node.operands[1].dtype());
  const Shape& vector_shape = vectors.shape();
  for (const Index& e : vector_shape) bytes = bytes * e;
  plan.panel_bytes = bytes.is_const() ? bytes.value() : 0;
  Index column = size_of(c.node.operands[1].dtype());
  for (const ContractAxis& a : contract.axes)
    if ((a.role == AxisRole::k || a.role == AxisRole::window) && vector.mentions(a.name))
      column = column * a.extent;
  plan.column_bytes = column.is_const() ? column.value() : 0;
  for (const ContractAxis* a : out)
    if (a->name != plan.rows && a->name != plan.columns)
      plan.positions *= constant_extent(contract, a->name).value_or(1);
  plan.columns_extent = constant_extent(contract, plan.columns);
  plan.rows_extent =
      plan.rows.empty() ? std::optional<int64_t>(1) : constant_extent(contract, plan.rows);
  if (plan.rows_extent) *plan.rows_extent /= phases_of(plan, plan.rows);
  return {};
}

int64_t phases_of(const TilePlan& plan, const std::string& axis) {
  const auto found = std::ranges::find(plan.phased, axis, &PhasedAxis::axis);
  return found == plan.phased.end() ? 1 : found->phases;
}

TilePlan with_joined(const Contract& contract, TilePlan plan) {
  int64_t count = 1;
  bool known = true;
  for (const std::string& axis : plan.joined) {
    const auto extent = constant_extent(contract, axis);
    known = known && extent;
    count *= extent.value_or(1);
    if (axis == plan.rows) continue;
    plan.positions /= extent.value_or(1);
    std::erase(plan.out, axis);
  }
  plan.rows_extent = known ? std::optional(count) : std::nullopt;
  return plan;
}

}  // namespace mintor
