// SPDX-License-Identifier: Apache-2.0
// The operand that moves along the innermost out axis of a contract: in panels of 16 lanes.
//| y = contract (x[m, k], w[k, n])
//|   ->  p = reindex w to [n/16, k, 16]
//|       y = contract (x[m, k], p[n // 16, k, n % 16])
// Panels hold the terms in the order in which the chain takes them: (c / 16, window, c mod 16) with
// a window, else the k axes as listed; the last is filled with zeros, which no term reads.
// Parameters are always packed (once, in `prepare`); other operands when vectors could not read
// them, or when they are large and read many times. What windows leave is transposed instead.
// Sums of bytes by words (byte_words): the four bytes behind the lane, [n / 16, k / 4, 16, 4].
// Sums of other 8- and 16-bit integers: both operands widened to i16 (exact), pairs of the summed
// axis beside each other, [n / 16, k / 2, 16, 2], as dot-product instructions read them.
#include <algorithm>

#include "compiler/graph/from_parameters.h"
#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/graph/word_axis.h"
#include "compiler/ir/flat_index.h"
#include "compiler/ir/lanes.h"

namespace mintor {
namespace {

constexpr int64_t kPair = 2;  // products of one lane of an integer dot product

// Within a block of 16, does the flat address move by one a step?
bool contiguous(const Value& v, const std::vector<Index>& coords, const std::string& axis,
                const Ranges& ranges) {
  const auto linear = ranges.simplify(flat_index(coords, v.shape())).affine_in(axis);
  return linear && linear->first == 1;
}

// A large operand that many rows read: its rows lie pages apart, a panel of it in a line. At 2^18
// elements the copy is 1 MiB; matmul 1024^3 of two inputs ran at 32 % of peak without it (Intel
// family 6 model 207, v4, 2026-11-26).
constexpr int64_t kLargeElements = int64_t{1} << 18;
constexpr int64_t kManyReads = 128;

bool worth_a_copy(const Value& v, const Contract& c, const std::vector<Index>& coords) {
  Index elements = 1, reads = 1;
  for (const Index& e : v.shape()) elements = elements * e;
  for (const ContractAxis& a : c.axes) {
    const bool moves = std::any_of(coords.begin(), coords.end(),
                                   [&](const Index& e) { return e.mentions(a.name); });
    if (a.role != AxisRole::k && a.role != AxisRole::window && !moves) reads = reads * a.extent;
  }
  return elements.is_const() && elements.value() >= kLargeElements && reads.is_const() &&
         reads.value() >= kManyReads;
}

struct Panels {
  std::vector<Index> from_axes;  // coordinate in the panels, over axis names
  Shape shape;
  std::map<std::string, Index> axis_of_panel;  // axis name -> expression over i0.. of the panels
};

// Dimensions: other out axes, block of v, the k axes in chain order, lane of v, bytes of a word.
// The points of a winograd tile are products of their own, so that they are other axes here.
Panels panels_of(const Contract& c, const std::vector<Index>& coords, const ContractAxis& v,
                 const ContractAxis* bytes) {
  Panels p;
  const auto used = [&](const ContractAxis& a) {
    return std::any_of(coords.begin(), coords.end(),
                       [&](const Index& e) { return e.mentions(a.name); });
  };
  const auto dim = [&](const Index& coordinate, const Index& extent) {
    p.from_axes.push_back(coordinate);
    p.shape.push_back(extent);
    return Index::var("i" + std::to_string(p.shape.size() - 1));
  };
  const auto is_summed = [&](const ContractAxis& a) {
    const bool points = c.order.form == Order::Form::winograd && a.role == AxisRole::window;
    return !points && (a.role == AxisRole::k || a.role == AxisRole::window);
  };
  for (const ContractAxis& a : c.axes)
    if (!is_summed(a) && a.name != v.name && used(a))
      p.axis_of_panel[a.name] = dim(Index::var(a.name), a.extent);
  const Index block = dim(floordiv(Index::var(v.name), kLanes), ceildiv(v.extent, kLanes));
  const int64_t inner = c.order.inner;
  const ContractAxis* channel = nullptr;
  Index channel_block = 0;
  if (inner > 1)
    for (const ContractAxis& a : c.axes)
      if (a.role == AxisRole::k && used(a)) channel = &a;
  if (channel)
    channel_block =
        dim(floordiv(Index::var(channel->name), inner), ceildiv(channel->extent, inner));
  for (const ContractAxis& a : c.axes)
    if (is_summed(a) && &a != channel && &a != bytes && used(a))
      p.axis_of_panel[a.name] = dim(Index::var(a.name), a.extent);
  if (channel)
    p.axis_of_panel[channel->name] =
        channel_block * inner + dim(mod(Index::var(channel->name), inner), inner);
  p.axis_of_panel[v.name] = block * kLanes + dim(mod(Index::var(v.name), kLanes), kLanes);
  if (bytes) p.axis_of_panel[bytes->name] = dim(Index::var(bytes->name), bytes->extent);
  return p;
}

// [n / 16, k / 2, 16, 2] after the other out axes; only for one summed axis.
Panels pairs_of(const Contract& c, const std::vector<Index>& coords, const ContractAxis& v,
                const ContractAxis& k) {
  Panels p;
  const auto dim = [&](const Index& coordinate, const Index& extent) {
    p.from_axes.push_back(coordinate);
    p.shape.push_back(extent);
    return Index::var("i" + std::to_string(p.shape.size() - 1));
  };
  for (const ContractAxis& a : c.axes) {
    const bool used = std::any_of(coords.begin(), coords.end(),
                                  [&](const Index& e) { return e.mentions(a.name); });
    if (a.name != v.name && a.name != k.name && used)
      p.axis_of_panel[a.name] = dim(Index::var(a.name), a.extent);
  }
  const Index vs = Index::var(v.name), ks = Index::var(k.name);
  const Index v_block = dim(floordiv(vs, kLanes), ceildiv(v.extent, kLanes)),
              k_block = dim(floordiv(ks, kPair), ceildiv(k.extent, kPair));
  p.axis_of_panel[v.name] = v_block * kLanes + dim(mod(vs, kLanes), kLanes);
  p.axis_of_panel[k.name] = k_block * kPair + dim(mod(ks, kPair), kPair);
  return p;
}

// For an operand that windows leave: a tap that is skipped has to stay one, and panels have no
// outside. The dimension that moves along v goes last, where vectors read it. True when it was
// elsewhere.
bool put_last(Builder& b, const ContractAxis& v, const Ranges& ranges, Value& operand,
              std::vector<Index>& coords) {
  if (contiguous(operand, coords, v.name, ranges)) return false;
  const auto at = dim_along(coords, v.name);
  if (!at) return false;
  std::vector<int32_t> perm;
  for (size_t d = 0; d < coords.size(); ++d)
    if (d != *at) perm.push_back(static_cast<int32_t>(d));
  perm.push_back(static_cast<int32_t>(*at));
  Builder::Scope scope(b, "pack");
  operand = b.transpose(operand, perm);
  std::rotate(coords.begin() + static_cast<int64_t>(*at),
              coords.begin() + static_cast<int64_t>(*at) + 1, coords.end());
  return true;
}

// True when it was packed.
bool pack(Builder& b, FromParameters& from_parameters, const Contract& c, const ContractAxis& v,
          const ContractAxis* pairs, const ContractAxis* bytes, Value& operand,
          std::vector<Index>& coords) {
  Ranges ranges = b.graph().ranges();
  for (const ContractAxis& a : c.axes) ranges.set(a.name, Index(0), a.extent - 1);
  if (!proves_inside(coords, operand.shape(), ranges))
    return put_last(b, v, ranges, operand, coords);
  if (!pairs && !bytes && !from_parameters(operand) &&
      contiguous(operand, coords, v.name, ranges) && !worth_a_copy(operand, c, coords))
    return false;
  const Panels p = pairs ? pairs_of(c, coords, v, *pairs) : panels_of(c, coords, v, bytes);
  IndexMap map;
  const Ranges panel_ranges = ranges_over(b.graph(), p.shape);
  for (const Index& e : coords)
    map.coords.push_back(panel_ranges.simplify(e.substitute(p.axis_of_panel)));
  for (const ContractAxis& a : c.axes) {
    auto it = p.axis_of_panel.find(a.name);
    if (it != p.axis_of_panel.end() && !panel_ranges.proves_less(it->second, a.extent))
      map.conditions.push_back({it->second, a.extent});
  }
  const Scalar zero = is_float(operand.dtype()) ? Scalar::of(operand.dtype(), 0.0)
                                                : Scalar::of_int(operand.dtype(), 0);
  Builder::Scope scope(b, "pack");
  operand = b.reindex(operand, p.shape, map, zero);
  coords = p.from_axes;
  return true;
}

// The one summed axis of products of narrow integers, without windows.
std::optional<ContractAxis> pair_axis_of(const Contract& c, const Value& x, const Value& y) {
  for (const Value& v : {x, y})
    if (v.dtype() != DType::i8 && v.dtype() != DType::u8 && v.dtype() != DType::i16)
      return std::nullopt;
  std::optional<ContractAxis> found;
  for (const ContractAxis& a : c.axes) {
    if (a.role == AxisRole::window || (a.role == AxisRole::k && found)) return std::nullopt;
    if (a.role == AxisRole::k) found = a;
  }
  return found;
}

Graph run(CompileContext&, const Graph& graph) {
  FromParameters from_parameters(graph);
  return rewrite(
      graph,
      [&](Builder& b, const Node& old,
          std::span<const Value> operands) -> std::optional<std::vector<Value>> {
        if (old.kind != Kind::contract) return std::nullopt;
        Contract c = old.as<Contract>();
        if (c.order.form != Order::Form::chain && c.order.form != Order::Form::winograd)
          return std::nullopt;
        const ContractAxis* v = nullptr;  // the innermost out axis
        for (const ContractAxis& a : c.axes)
          if (a.role != AxisRole::k && a.role != AxisRole::window) v = &a;
        if (v == nullptr || v->extent.is_const(1)) return std::nullopt;
        const ContractAxis axis = *v;
        const auto moves = [&](const std::vector<Index>& coords) {
          return std::any_of(coords.begin(), coords.end(),
                             [&](const Index& e) { return e.mentions(axis.name); });
        };
        Value x = operands[0], y = operands[1];
        bool changed = false;
        std::optional<ContractAxis> pairs;
        const ContractAxis* bytes = word_axis(c, x, y);
        if (!is_float(old.results[0].dtype) && !bytes) pairs = pair_axis_of(c, x, y);
        if (pairs && (moves(c.x_coords) || !moves(c.y_coords))) return std::nullopt;
        if (pairs) {
          x = b.cast(x, DType::i16);
          y = b.cast(y, DType::i16);
        }
        const ContractAxis* pair_axis = pairs ? &*pairs : nullptr;
        const auto packed = [&](Value& operand, std::vector<Index>& coords) {
          return moves(coords) &&
                 pack(b, from_parameters, c, axis, pair_axis, bytes, operand, coords);
        };
        changed = packed(x, c.x_coords);
        changed = packed(y, c.y_coords) || changed;
        if (!changed) return std::nullopt;
        return std::vector<Value>{b.contract(x, y, c)};
      });
}

}  // namespace

extern const GraphPass pass_pack_operands;
const GraphPass pass_pack_operands = {
    "pack_operands", "lays out vector operands of contracts in panels of 16 lanes", run};

}  // namespace mintor
