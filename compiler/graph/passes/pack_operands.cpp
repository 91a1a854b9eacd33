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
// Sums of other 8- and 16-bit integers, widened to i16 (exact), and of bf16 in pairs: two of the
// summed axis beside each other, [n / 16, k / 2, 16, 2], in the other operand of bf16, too.
#include <algorithm>

#include "compiler/graph/from_parameters.h"
#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/graph/word_axis.h"
#include "compiler/ir/flat_index.h"
#include "compiler/ir/lanes.h"
#include "compiler/ir/pairs.h"

namespace mintor {
namespace {

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

// Dimensions: other out axes, block of v, the k axes in chain order, lane of v, then bytes of a
// word or what a pair is made of. The points of a winograd tile are products of their own, so that
// they are other axes here.
Panels panels_of(const Contract& c, const std::vector<Index>& coords, const ContractAxis& v,
                 const ContractAxis* pairs, const ContractAxis* bytes) {
  Panels p;
  const auto used = [&](const ContractAxis& a) {
    return std::any_of(coords.begin(), coords.end(),
                       [&](const Index& e) { return e.mentions(a.name); });
  };
  const auto dim = [&](const Index& coordinate, const Index& extent) {
    p.from_axes.push_back(coordinate);
    p.shape.push_back(extent);
    return dim_index(p.shape.size() - 1);
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
  const ContractAxis* channel = pairs;
  Index channel_block = 0;
  if (inner > 1)
    for (const ContractAxis& a : c.axes)
      if (a.role == AxisRole::k && used(a)) channel = &a;
  if (channel && inner > 1)
    channel_block =
        dim(floordiv(Index::var(channel->name), inner), ceildiv(channel->extent, inner));
  for (const ContractAxis& a : c.axes)
    if (is_summed(a) && &a != channel && &a != bytes && used(a))
      p.axis_of_panel[a.name] = dim(Index::var(a.name), a.extent);
  Index channel_at = channel_block * inner;
  if (channel) {
    const Index k = Index::var(channel->name), within = inner > 1 ? mod(k, inner) : k;
    const Index extent = inner > 1 ? Index(inner) : channel->extent;
    channel_at = channel_at + (pairs ? kPair * dim(floordiv(within, kPair), ceildiv(extent, kPair))
                                     : dim(within, extent));
  }
  p.axis_of_panel[v.name] = block * kLanes + dim(mod(Index::var(v.name), kLanes), kLanes);
  if (pairs) channel_at = channel_at + dim(mod(Index::var(channel->name), kPair), kPair);
  if (channel) p.axis_of_panel[channel->name] = channel_at;
  if (bytes) p.axis_of_panel[bytes->name] = dim(Index::var(bytes->name), bytes->extent);
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

void pack(Builder& b, FromParameters& from_parameters, const Contract& c, const ContractAxis& v,
          const ContractAxis* pairs, const ContractAxis* bytes, Value& operand,
          std::vector<Index>& coords) {
  Ranges ranges = b.graph().ranges();
  for (const ContractAxis& a : c.axes) ranges.set(a.name, Index(0), a.extent - 1);
  if (!proves_inside(coords, operand.shape(), ranges)) {
    put_last(b, v, ranges, operand, coords);
    return;
  }
  if (!pairs && !bytes && !from_parameters(operand) &&
      contiguous(operand, coords, v.name, ranges) && !worth_a_copy(operand, c, coords))
    return;
  const Panels p = panels_of(c, coords, v, pairs, bytes);
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
}

// The one summed axis of products of narrow integers, without windows; null where there is none.
const ContractAxis* integer_pairs(const Contract& c, const Value& x, const Value& y) {
  for (const Value& v : {x, y})
    if (v.dtype() != DType::i8 && v.dtype() != DType::u8 && v.dtype() != DType::i16) return nullptr;
  const ContractAxis* found = nullptr;
  for (const ContractAxis& a : c.axes) {
    if (a.role == AxisRole::window || (a.role == AxisRole::k && found)) return nullptr;
    if (a.role == AxisRole::k) found = &a;
  }
  return found;
}

// For the operand of bf16 pairs that is no panel: the two elements of a pair beside each other.
// Transposed where one dimension moves along k, else, without windows, read in the order of axes.
bool put_pairs(Builder& b, const Contract& c, const ContractAxis& k, const Ranges& ranges,
               Value& operand, std::vector<Index>& coords) {
  if (lies_in_pairs(coords, k, ranges)) return true;
  if (dim_along(coords, k.name)) return put_last(b, k, ranges, operand, coords);
  if (!proves_inside(coords, operand.shape(), ranges)) return false;
  Shape shape;
  std::vector<Index> from_axes;
  std::map<std::string, Index> axis_of_copy;
  const auto add = [&](const ContractAxis& a) {
    axis_of_copy[a.name] = dim_index(shape.size());
    from_axes.push_back(Index::var(a.name));
    shape.push_back(a.extent);
  };
  for (const ContractAxis& a : c.axes) {
    const bool used = std::ranges::any_of(coords, [&](auto& e) { return e.mentions(a.name); });
    if (used && a.role == AxisRole::window) return false;
    if (used && a.name != k.name) add(a);
  }
  add(k);
  IndexMap map;
  for (const Index& e : coords) map.coords.push_back(e.substitute(axis_of_copy));
  Builder::Scope scope(b, "pack");
  operand = b.reindex(operand, shape, map, Scalar::of(operand.dtype(), 0.0));
  coords = from_axes;
  return true;
}

class Packing {
 public:
  Packing(Builder& b, FromParameters& from_parameters, const Node& old,
          std::span<const Value> operands)
      : b_(b),
        from_parameters_(from_parameters),
        is_integer_(!is_float(old.results[0].dtype)),
        before_{operands[0], operands[1]},
        x_(operands[0]),
        y_(operands[1]),
        c_(old.as<Contract>()) {
    for (const ContractAxis& a : c_.axes)
      if (a.role != AxisRole::k && a.role != AxisRole::window) v_ = &a;
  }

  std::optional<std::vector<Value>> run() {
    if (c_.order.form != Order::Form::chain && c_.order.form != Order::Form::winograd)
      return std::nullopt;
    if (v_ == nullptr || v_->extent.is_const(1)) return std::nullopt;
    const bool x_moves = moves(c_.x_coords), y_moves = moves(c_.y_coords);
    const ContractAxis* bytes = word_axis(c_, x_, y_);
    const ContractAxis* pairs = is_integer_ && !bytes ? integer_pairs(c_, x_, y_) : nullptr;
    if (pairs) {
      if (x_moves || !y_moves) return std::nullopt;
      x_ = b_.cast(x_, DType::i16);
      y_ = b_.cast(y_, DType::i16);
    } else if (x_moves != y_moves) {
      pairs = bf16_pairs(y_moves);
    }
    if (x_moves) pack(b_, from_parameters_, c_, *v_, pairs, bytes, x_, c_.x_coords);
    if (y_moves) pack(b_, from_parameters_, c_, *v_, pairs, bytes, y_, c_.y_coords);
    if (x_ == before_[0] && y_ == before_[1]) return std::nullopt;
    return std::vector<Value>{b_.contract(x_, y_, c_)};
  }

 private:
  bool moves(const std::vector<Index>& coords) const {
    return std::ranges::any_of(coords, [&](const Index& e) { return e.mentions(v_->name); });
  }

  // Where the other operand is, or has been put, in pairs, and panels can hold this one.
  const ContractAxis* bf16_pairs(bool y_is_panels) {
    const ContractAxis* k = pair_axis(c_, x_, y_);
    if (k == nullptr) return nullptr;
    Ranges ranges = b_.graph().ranges();
    for (const ContractAxis& a : c_.axes) ranges.set(a.name, Index(0), a.extent - 1);
    const Value& panels = y_is_panels ? y_ : x_;
    const auto& panel_coords = y_is_panels ? c_.y_coords : c_.x_coords;
    if (!proves_inside(panel_coords, panels.shape(), ranges)) return nullptr;
    return put_pairs(b_, c_, *k, ranges, y_is_panels ? x_ : y_,
                     y_is_panels ? c_.x_coords : c_.y_coords)
               ? k
               : nullptr;
  }

  Builder& b_;
  FromParameters& from_parameters_;
  bool is_integer_;
  Value before_[2], x_, y_;
  Contract c_;
  const ContractAxis* v_ = nullptr;  // the innermost out axis
};

Graph run(CompileContext&, const Graph& graph) {
  FromParameters from_parameters(graph);
  return rewrite(graph,
                 [&](Builder& b, const Node& old,
                     std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (old.kind != Kind::contract) return std::nullopt;
                   return Packing(b, from_parameters, old, operands).run();
                 });
}

}  // namespace

extern const GraphPass pass_pack_operands;
const GraphPass pass_pack_operands = {
    "pack_operands", "lays out vector operands of contracts in panels of 16 lanes", run};

}  // namespace mintor
