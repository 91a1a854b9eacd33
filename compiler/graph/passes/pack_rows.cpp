// SPDX-License-Identifier: Apache-2.0
// The operand of a product that tiles read row by row, beside panels of many columns: in tiles of
// 8 rows, which every panel then reads in one line.
//| y = contract (x[m, k], w[n / 16, k, n % 16])
//|   ->  p = reindex x to [m/8, k, 8]
//|       y = contract (p[m // 8, k, m % 8], w[n / 16, k, n % 16])
// Rows as they are lie pages apart, often a multiple of 4 KiB, where a first cache holds no more
// than 8 or 12 of them, and hardware foresees no such pattern (docs/performance.md, rows in tiles).
// Of 8 rows there are tiles that run at full speed with 16 vector registers (4 rows) and with 32.
#include <algorithm>

#include "compiler/graph/from_parameters.h"
#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/flat_index.h"
#include "compiler/ir/lanes.h"

namespace mintor {
namespace {

// A copy costs as much as some columns of the product.
constexpr int64_t kFewestColumns = 512, kFewestSummed = 64;
// Rows beyond the last whole tile are a smaller share of more.
constexpr int64_t kFewestRows = 12 * kRowsOfTile;

bool mentions(const std::vector<Index>& coords, const std::string& axis) {
  return std::ranges::any_of(coords, [&](const Index& e) { return e.mentions(axis); });
}

bool at_least(const Index& extent, int64_t least) {
  return !extent.is_const() || extent.value() >= least;
}

struct Rows {
  const ContractAxis *rows = nullptr, *summed = nullptr;
  std::vector<const ContractAxis*> others;  // out axes that move the operand
};

// Of the operand at `coords`, when it is worth a copy; `other` are the coordinates of the other
// one.
std::optional<Rows> rows_of(const Contract& c, const Value& operand,
                            const std::vector<Index>& coords, const std::vector<Index>& other,
                            const Ranges& ranges) {
  Rows out;
  const ContractAxis* columns = nullptr;
  for (const ContractAxis& a : c.axes) {
    if (a.role == AxisRole::window) return std::nullopt;
    if (a.role == AxisRole::k) {
      if (out.summed) return std::nullopt;
      out.summed = &a;
      continue;
    }
    columns = &a;
    if (!mentions(coords, a.name)) continue;
    if (a.extent.is_const(1)) {
      out.others.push_back(&a);
      continue;
    }
    if (out.rows) out.others.push_back(out.rows);
    out.rows = &a;
  }
  if (!out.rows || !out.summed || mentions(coords, columns->name)) return std::nullopt;
  if (mentions(other, out.rows->name) || !mentions(other, columns->name)) return std::nullopt;
  if (!columns->extent.is_const() || columns->extent.value() < kFewestColumns) return std::nullopt;
  if (!at_least(out.rows->extent, kFewestRows) || !at_least(out.summed->extent, kFewestSummed))
    return std::nullopt;
  const Index flat = ranges.simplify(flat_index(coords, operand.shape()));
  const auto along = flat.affine_in(out.summed->name), across = flat.affine_in(out.rows->name);
  if (!along || along->first != 1 || !across) return std::nullopt;
  if (!proves_inside(coords, operand.shape(), ranges)) return std::nullopt;
  return out;
}

// [others..., rows / 8, summed, 8]; products of one operand read one copy.
Value packed(Builder& b, const Rows& rows, const Value& operand, std::vector<Index>& coords) {
  Shape shape;
  std::map<std::string, Index> axes;
  std::vector<Index> from_axes;
  const auto dim = [&](const Index& coordinate, const Index& extent) {
    from_axes.push_back(coordinate);
    shape.push_back(extent);
    return dim_index(shape.size() - 1);
  };
  for (const ContractAxis* a : rows.others) axes[a->name] = dim(Index::var(a->name), a->extent);
  const Index row = Index::var(rows.rows->name);
  const Index tile = dim(floordiv(row, kRowsOfTile), ceildiv(rows.rows->extent, kRowsOfTile));
  axes[rows.summed->name] = dim(Index::var(rows.summed->name), rows.summed->extent);
  axes[rows.rows->name] = tile * kRowsOfTile + dim(mod(row, kRowsOfTile), kRowsOfTile);
  const Ranges ranges = ranges_over(b.graph(), shape);
  IndexMap map;
  for (const Index& e : coords) map.coords.push_back(ranges.simplify(e.substitute(axes)));
  const Index& at = axes.at(rows.rows->name);
  if (!ranges.proves_less(at, rows.rows->extent)) map.conditions.push_back({at, rows.rows->extent});
  coords = from_axes;
  Builder::Scope scope(b, "pack");
  return b.reindex(operand, shape, map, Scalar::of(operand.dtype(), 0.0));
}

Graph run(CompileContext&, const Graph& graph) {
  FromParameters from_parameters(graph);
  return rewrite(graph,
                 [&](Builder& b, const Node& old,
                     std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (old.kind != Kind::contract) return std::nullopt;
                   Contract c = old.as<Contract>();
                   if (c.order.form != Order::Form::chain) return std::nullopt;
                   Value x = operands[0], y = operands[1];
                   if (x.dtype() != DType::f32 || y.dtype() != DType::f32) return std::nullopt;
                   Ranges ranges = b.graph().ranges();
                   for (const ContractAxis& a : c.axes) ranges.set(a.name, Index(0), a.extent - 1);
                   bool changed = false;
                   const auto pack = [&](Value& operand, std::vector<Index>& coords,
                                         const std::vector<Index>& other) {
                     if (from_parameters(operand)) return;
                     const auto rows = rows_of(c, operand, coords, other, ranges);
                     if (!rows) return;
                     operand = packed(b, *rows, operand, coords);
                     changed = true;
                   };
                   pack(x, c.x_coords, c.y_coords);
                   if (!changed) pack(y, c.y_coords, c.x_coords);
                   if (!changed) return std::nullopt;
                   return std::vector<Value>{b.contract(x, y, c)};
                 });
}

}  // namespace

extern const GraphPass pass_pack_rows;
const GraphPass pass_pack_rows = {
    "pack_rows", "lays out the rows of products in tiles of 8, for panels of many columns", run};

}  // namespace mintor
