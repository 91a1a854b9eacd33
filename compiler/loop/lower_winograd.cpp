// SPDX-License-Identifier: Apache-2.0
// The nests of a contract in order winograd(m) (ir/winograd.h), with the tails of its group. Tiles
// of all places are one axis, cut into blocks; a task is a block of tiles and a part of the
// columns.
//| parallel task {
//|   v, s in scratch                             for each point of a tile: v[tile, k], s[tile, n]
//|   for tile, k { d = x[..]; v[.., tile, k] = B d }
//|   for point, tile, n { for k { s[point, tile, n] += v[point, tile, k] * u[point, n, k] } }
//|   for tile, n { y = A s[.., tile, n]; for each y inside: out = tail(y) }
//| }
// Tiles beyond the last are computed from zeros, so that every loop over tiles has a constant
// extent; what leaves the result is not stored.
#include <algorithm>

#include "compiler/graph/cost.h"
#include "compiler/ir/winograd.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/lower_nest.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

// Of v and s of a task, in a core's L2 cache with the panels that pass through it.
constexpr int64_t kBlockBytes = 512 * 1024;
// Panels that such a cache does not keep are read again by each block: fewer, larger blocks.
constexpr int64_t kLargePanels = 1024 * 1024;
constexpr int64_t kLeastTiles = 14, kUsualTiles = 28, kMostTiles = 128;  // of a block
constexpr int64_t kTasks = 4;           // where there is work for so many
constexpr int64_t kLeastColumns = 128;  // of a part: v is made once for each

int64_t pieces(int64_t whole, int64_t most_of_one) { return (whole - 1) / most_of_one + 1; }

WinogradBlock block_of(int64_t tiles, int64_t points, int64_t channels, int64_t columns) {
  const bool large = points * channels * columns * 4 > kLargePanels;
  const int64_t fitting = large ? kMostTiles : kBlockBytes / (points * 4 * (channels + columns));
  int64_t blocks =
      pieces(tiles, std::clamp(fitting, std::min(kUsualTiles, tiles), std::min(kMostTiles, tiles)));
  int64_t parts = 1;
  while (large && blocks * parts < kTasks && columns % (64 * parts) == 0 &&
         columns / (2 * parts) >= kLeastColumns)
    parts *= 2;
  while (blocks * parts < kTasks && tiles / (blocks + 1) >= kLeastTiles) ++blocks;
  if (blocks > 1 && blocks * parts % 2 == 1) ++blocks;  // even shares of two threads
  return {pieces(tiles, blocks), columns / parts};
}

const winograd::Axis* tiled(const std::vector<winograd::Axis>& axes, size_t axis) {
  const auto found = std::ranges::find(axes, axis, &winograd::Axis::out);
  return found == axes.end() ? nullptr : &*found;
}

bool is_place(const ContractAxis& axis) {
  return axis.role == AxisRole::batch || axis.role == AxisRole::m;
}

// Tiles, or results where there is no window, along each place.
std::vector<Index> tile_extents(const Contract& c, const std::vector<winograd::Axis>& axes) {
  std::vector<Index> extents;
  for (size_t n = 0; n < c.axes.size(); ++n) {
    if (!is_place(c.axes[n])) continue;
    const winograd::Axis* along = tiled(axes, n);
    extents.push_back(along == nullptr
                          ? c.axes[n].extent
                          : ceildiv(c.axes[n].extent, c.order.tile * along->step) * along->step);
  }
  return extents;
}

class WinogradNest {
 public:
  WinogradNest(NestContext& ctx, const Node& node)
      : ctx_(ctx),
        node_(node),
        c_(node.as<Contract>()),
        axes_(winograd::axes_of(c_)),
        prefix_(value_name(ctx.graph, {&node, 0})),
        points_(winograd::points_of(c_)) {
    for (size_t n = 0; n < axes_.size(); ++n) count_ *= points_;
    for (size_t n = 0; n < c_.axes.size(); ++n) {
      const ContractAxis& axis = c_.axes[n];
      if (axis.role == AxisRole::n) columns_ = axis;
      if (axis.role == AxisRole::k) channels_ = axis;
      if (is_place(axis)) places_.push_back(n);
    }
    extents_ = tile_extents(c_, axes_);
  }

  Stmt run() {
    choose_blocks();
    v_ = ctx_.exprs.fresh(prefix_ + "_inputs");
    s_ = ctx_.exprs.fresh(prefix_ + "_sums");
    std::vector<Stmt> body;
    body.push_back(scratch(v_, channels_.extent.value()));
    body.push_back(scratch(s_, block_.columns));
    body.push_back(inputs());
    body.push_back(products());
    body.push_back(results());
    return k::loop(task_, 0, tasks_, k::block(std::move(body)), LoopKind::parallel);
  }

 private:
  // For each point so many elements of each tile. All points of a tile are used at once: where they
  // would meet in a few sets of a cache, they lie an odd number of lines apart.
  Stmt scratch(const std::string& name, int64_t elements) const {
    constexpr int64_t kLine = 16, kMeet = 256;  // elements
    const bool meet = elements % kMeet == 0;
    const int64_t tiles = meet ? block_.tiles | 1 : block_.tiles;
    return k::alloc(name, DType::f32, {count_, tiles, meet ? elements + kLine : elements},
                    Space::scratch);
  }

  void choose_blocks() {
    Index tiles = 1;
    for (const Index& e : extents_) tiles = tiles * e;
    block_ = winograd_block(ctx_.graph, node_);
    const Index blocks = ctx_.symbols.simplify(ceildiv(tiles, block_.tiles));
    task_ = ctx_.exprs.fresh(prefix_ + "_task");
    tasks_ = blocks * pieces(columns_.extent.value(), block_.columns);
    Ranges ranges = ctx_.symbols;
    ranges.set(task_, Index(0), tasks_ - 1);
    first_tile_ = ranges.simplify(mod(Index::var(task_), blocks)) * block_.tiles;
    first_column_ = ranges.simplify(floordiv(Index::var(task_), blocks)) * block_.columns;
  }

  LoopAxis axis(const std::string& name, const Index& extent, LoopRole role) {
    return {ctx_.exprs.fresh(prefix_ + "_" + name), extent, {role, name, {}}};
  }
  LoopAxis columns(const std::string& name) {
    Ranges ranges = ctx_.symbols;
    ranges.set(task_, Index(0), tasks_ - 1);
    return axis(name, ranges.simplify(min(Index(block_.columns), columns_.extent - first_column_)),
                LoopRole::out);
  }

  void begin(const std::vector<LoopAxis>& loops) {
    Ranges ranges = ctx_.ranges(loops);
    ranges.set(task_, Index(0), tasks_ - 1);
    ctx_.exprs.begin(ranges);
  }

  // The first result of a tile along each place, by the names of the contract's axes. Where the
  // tile lies gets names, which `lets` bind.
  std::map<std::string, Index> origin_of(const LoopAxis& tile, std::vector<Stmt>& lets) {
    Ranges& ranges = ctx_.exprs.ranges();
    const std::vector<Index> at = unflattened(ranges, first_tile_ + Index::var(tile.var), extents_);
    std::map<std::string, Index> origin;
    for (const ContractAxis& a : c_.axes)
      if (a.role == AxisRole::window) origin[a.name] = 0;
    for (size_t n = 0; n < at.size(); ++n) {
      const std::string& name = c_.axes[places_[n]].name;
      const Index place = named_index("_" + name, at[n], extents_[n], lets);
      const winograd::Axis* along = tiled(axes_, places_[n]);
      origin[name] = along == nullptr
                         ? place
                         : floordiv(place, along->step) * (along->step * c_.order.tile) +
                               mod(place, along->step);
    }
    return origin;
  }

  // Below the extent unless the tile is beyond the last.
  Index named_index(const std::string& wish, const Index& value, const Index& extent,
                    std::vector<Stmt>& lets) {
    if (value.is_const() || value.as_var()) return value;
    Ranges& ranges = ctx_.exprs.ranges();
    const std::string name = ctx_.exprs.fresh(prefix_ + wish);
    const auto most = ranges.upper(value);
    Range range{Index(0), std::nullopt, 1};
    if (ranges.proves_less(value, extent))
      range.hi = extent - 1;
    else if (most)
      range.hi = Index(*most);
    lets.push_back(k::let(name, k::index(value)));
    ranges.set(name, range);
    return Index::var(name);
  }

  // Position `number` of a cube over the tiled axes.
  std::vector<int64_t> position(int64_t number, int64_t extent) const {
    std::vector<int64_t> at(axes_.size());
    for (size_t n = at.size(); n-- > 0; number /= extent) at[n] = number % extent;
    return at;
  }

  // `lets` inside of the first loop, `body` inside of both.
  static Stmt around(const std::vector<LoopAxis>& loops, std::vector<Stmt> lets,
                     std::vector<Stmt> body) {
    lets.push_back(wrap({loops[1]}, k::block(std::move(body))));
    return wrap({loops[0]}, k::block(std::move(lets)));
  }

  Expr named(const std::string& wish, Expr value, std::vector<Stmt>& out) {
    const std::string name = ctx_.exprs.fresh(prefix_ + wish);
    out.push_back(k::let(name, value));
    return k::variable(name, DType::f32);
  }

  // Its steps go to `out`, between what `input` and `output` put there.
  template <class Input, class Output>
  void transformed(const winograd::Transform& transform, const std::string& wish,
                   std::vector<Stmt>& out, Input input, Output output) {
    winograd::apply(
        transform, axes_.size(), input,
        [&](const winograd::Step& step, const Expr& a, const Expr& b) {
          std::vector<Expr> operands{a, b};
          if (step.op == ScalarOp::fma)
            operands.insert(operands.begin(), k::constant(Scalar::of(DType::f32, step.factor)));
          return named(wish, k::op(step.op, operands), out);
        },
        output);
  }

  std::vector<Index> coords_of(const std::vector<Index>& coords,
                               const std::map<std::string, Index>& vars) {
    std::vector<Index> at;
    for (const Index& e : coords) at.push_back(ctx_.exprs.ranges().simplify(e.substitute(vars)));
    return at;
  }

  Expr input_at(const std::map<std::string, Index>& vars) {
    const Ranges& ranges = ctx_.exprs.ranges();
    const Value& x = node_.operands[0];
    const std::vector<Index> at = coords_of(c_.x_coords, vars);
    Expr cond;
    for (size_t d = 0; d < at.size(); ++d) require(ranges, at[d], x.shape()[d], cond);
    for (const IndexCondition& c : c_.conditions)
      require(ranges, ranges.simplify(c.value.substitute(vars)), c.extent.substitute(vars), cond);
    // Of a tile beyond the last whatever is read comes to nothing: its results are not stored.
    const Expr value = ctx_.exprs.under(cond, [&] { return ctx_.exprs.at(x, at); });
    return cond ? k::guard(cond, value, k::constant(Scalar::of(DType::f32, 0.0))) : value;
  }

  Stmt inputs() {
    const std::vector<LoopAxis> loops{axis("in_tile", block_.tiles, LoopRole::out),
                                      axis("in_channel", channels_.extent, LoopRole::out)};
    begin(loops);
    std::vector<Stmt> lets, body;
    std::map<std::string, Index> vars = origin_of(loops[0], lets);
    vars[channels_.name] = Index::var(loops[1].var);
    vars[columns_.name] = 0;
    const auto read = [&](size_t u) {
      const std::vector<int64_t> point = position(static_cast<int64_t>(u), points_);
      for (size_t n = 0; n < point.size(); ++n) vars[c_.axes[axes_[n].window].name] = point[n];
      return named("_d", input_at(vars), body);
    };
    const auto write = [&](size_t u, const Expr& value) {
      const std::vector<Index> at{static_cast<int64_t>(u), Index::var(loops[0].var),
                                  Index::var(loops[1].var)};
      body.push_back(k::store(v_, at, value));
    };
    transformed(winograd::input_transform(points_), "_b", body, read, write);
    return around(loops, std::move(lets), std::move(body));
  }

  Stmt products() {
    std::vector<LoopAxis> loops;
    Index point = 0;
    std::map<std::string, Index> vars;
    for (const ContractAxis& a : c_.axes)
      if (a.role == AxisRole::window) vars[a.name] = 0;
    for (const winograd::Axis& along : axes_) {
      loops.push_back(axis("point", points_, LoopRole::window));
      const Index var = Index::var(loops.back().var);
      vars[c_.axes[along.window].name] = var;
      point = point * points_ + var;
    }
    loops.push_back(axis("tile", block_.tiles, LoopRole::out));
    const Index tile = Index::var(loops.back().var);
    loops.push_back(columns("column"));
    const Index column = Index::var(loops.back().var);
    const LoopAxis channel = axis("channel", channels_.extent, LoopRole::reduced);
    std::vector<LoopAxis> all = loops;
    all.push_back(channel);
    begin(all);
    vars[channels_.name] = Index::var(channel.var);
    vars[columns_.name] = first_column_ + column;
    const std::string acc = ctx_.exprs.fresh(prefix_ + "_acc");
    const Expr v = k::load(v_, DType::f32, {point, tile, Index::var(channel.var)});
    const Expr u = ctx_.exprs.at(node_.operands[1], coords_of(c_.y_coords, vars));
    const Expr sum = k::op(ScalarOp::fma, {v, u, k::load(acc, DType::f32, {0})});
    std::vector<Stmt> body{k::alloc(acc, DType::f32, {1}, Space::reg),
                           k::store(acc, {0}, k::constant(Scalar::of(DType::f32, 0.0))),
                           wrap({channel}, with_lets(ctx_, {k::store(acc, {0}, sum)})),
                           k::store(s_, {point, tile, column}, k::load(acc, DType::f32, {0}))};
    return wrap(loops, k::block(std::move(body)));
  }

  Stmt results() {
    const std::vector<LoopAxis> loops{axis("out_tile", block_.tiles, LoopRole::out),
                                      columns("out_column")};
    begin(loops);
    std::vector<Stmt> lets, body;
    const std::map<std::string, Index> origin = origin_of(loops[0], lets);
    const Index tile = Index::var(loops[0].var), column = Index::var(loops[1].var);
    const auto read = [&](size_t u) {
      return named("_s", k::load(s_, DType::f32, {static_cast<int64_t>(u), tile, column}), body);
    };
    const auto write = [&](size_t r, const Expr& value) {
      body.push_back(result(position(static_cast<int64_t>(r), c_.order.tile), origin,
                            first_column_ + column, value));
    };
    transformed(winograd::output_transform(points_, c_.order.tile), "_a", body, read, write);
    return around(loops, std::move(lets), std::move(body));
  }

  // One result of a tile, stored with the tails of the group where it is inside.
  Stmt result(const std::vector<int64_t>& point, std::map<std::string, Index> at,
              const Index& column, const Expr& value) {
    const Ranges& ranges = ctx_.exprs.ranges();
    at[columns_.name] = column;
    for (size_t n = 0; n < point.size(); ++n) {
      Index& along = at[c_.axes[axes_[n].out].name];
      along = ranges.simplify(along + point[n] * axes_[n].step);
    }
    Expr cond;
    std::vector<Index> indices;
    for (const ContractAxis& a : c_.axes) {
      if (a.role == AxisRole::k || a.role == AxisRole::window) continue;
      indices.push_back(at.at(a.name));
      if (a.role != AxisRole::n) require(ranges, indices.back(), a.extent, cond);
    }
    ctx_.exprs.bind({&node_, 0}, indices, value);
    std::vector<Stmt> stores;
    for (const Value& v : ctx_.group.outputs)
      stores.push_back(
          k::store(value_name(ctx_.graph, v), indices, ctx_.exprs.computed(v, indices)));
    const Stmt body = with_lets(ctx_, std::move(stores));
    return cond ? k::if_(cond, body) : body;
  }

  NestContext& ctx_;
  const Node& node_;
  const Contract& c_;
  std::vector<winograd::Axis> axes_;
  std::string prefix_;
  int64_t points_, count_ = 1;  // of a tile along a window, and in all
  ContractAxis columns_, channels_;
  std::vector<size_t> places_;  // out axes but the columns
  std::vector<Index> extents_;  // tiles along each
  WinogradBlock block_;
  std::string task_, v_, s_;
  Index tasks_, first_tile_, first_column_;
};

}  // namespace

WinogradBlock winograd_block(const Graph& graph, const Node& contract) {
  const Contract& c = contract.as<Contract>();
  const SymbolValues symbols = typical_symbols(graph);
  const std::vector<winograd::Axis> axes = winograd::axes_of(c);
  int64_t tiles = 1, points = 1, channels = 1, columns = 1;
  for (const Index& e : tile_extents(c, axes)) tiles *= value_of(e, symbols);
  for (size_t n = 0; n < axes.size(); ++n) points *= winograd::points_of(c);
  for (const ContractAxis& axis : c.axes) {
    if (axis.role == AxisRole::k) channels = axis.extent.value();
    if (axis.role == AxisRole::n) columns = axis.extent.value();
  }
  return block_of(std::max<int64_t>(1, tiles), points, channels, columns);
}

Stmt nest_winograd(NestContext& ctx, const Node& node) { return WinogradNest(ctx, node).run(); }

}  // namespace mintor
