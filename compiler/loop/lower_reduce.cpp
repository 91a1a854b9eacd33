// SPDX-License-Identifier: Apache-2.0
// Nests of reduce and reindex_reduce; lower_scan.cpp has that of scan.
// The rule of `reduce`: blocks of items; within a block lane = i mod the order's lanes (16), each
// lane serial from the identity; then lane l takes l+8, l+4, l+2, l+1; the block results are
// reduced by the same rule; an empty sum is +0.
#include <algorithm>

#include "compiler/ir/evaluate.h"
#include "compiler/loop/lower_reduce.h"
#include "compiler/support/error.h"

namespace mintor {

std::vector<Expr> constants_of(const std::vector<Scalar>& values) {
  std::vector<Expr> out;
  for (const Scalar& v : values) out.push_back(k::constant(v));
  return out;
}

std::vector<Expr> load_all(const std::vector<std::string>& buffers,
                           const std::vector<DType>& dtypes, Index at) {
  std::vector<Expr> out;
  for (size_t n = 0; n < buffers.size(); ++n) out.push_back(k::load(buffers[n], dtypes[n], {at}));
  return out;
}

void store_all(const std::vector<std::string>& buffers, Index at, const std::vector<Expr>& values,
               std::vector<Stmt>& out) {
  for (size_t n = 0; n < buffers.size(); ++n) out.push_back(k::store(buffers[n], {at}, values[n]));
}

std::vector<Expr> name_all(NestContext& ctx, const std::string& wish,
                           const std::vector<Expr>& values, std::vector<Stmt>& out) {
  std::vector<Expr> named;
  for (const Expr& value : values) {
    const std::string name = ctx.exprs.fresh(wish);
    out.push_back(k::let(name, value));
    named.push_back(k::variable(name, value->dtype, value->lanes));
  }
  return named;
}

namespace {

// Stores values computed from what they replace. Several are named first: the second may depend on
// what the first store overwrites.
void update_all(NestContext& ctx, const LaneReduction& r, const std::vector<std::string>& buffers,
                Index at, const std::vector<Expr>& values, std::vector<Stmt>& out) {
  const bool several = values.size() > 1;
  store_all(buffers, at, several ? name_all(ctx, r.prefix + "_u", values, out) : values, out);
}

}  // namespace

std::vector<std::string> alloc_all(NestContext& ctx, const std::string& wish,
                                   const std::vector<DType>& dtypes, int64_t count, Space space,
                                   std::vector<Stmt>& out) {
  std::vector<std::string> names;
  for (DType dtype : dtypes) {
    names.push_back(ctx.exprs.fresh(wish));
    out.push_back(k::alloc(names.back(), dtype, {Index(count)}, space));
  }
  return names;
}

namespace {

// No more items than lanes: each lane holds one, absent lanes hold the identity, which combining
// skips without a trace.
std::vector<Expr> reduce_few(NestContext& ctx, const LaneReduction& r, int64_t count,
                             std::vector<Stmt>& out) {
  std::vector<std::vector<Expr>> lanes;
  for (int64_t i = 0; i < count; ++i)
    lanes.push_back(
        name_all(ctx, r.prefix + "_x", r.take(Index(i), constants_of(r.identities), out), out));
  for (int64_t half = r.order.lanes / 2; half >= 1; half /= 2)
    for (int64_t l = 0; l < half && l + half < static_cast<int64_t>(lanes.size()); ++l)
      lanes[l] = name_all(ctx, r.prefix + "_t", r.combine(lanes[l], lanes[l + half]), out);
  return lanes.front();
}

// Lane accumulators over one block (or, for block results, over all of them), then the tree.
std::vector<Expr> reduce_block(NestContext& ctx, const LaneReduction& r, const Index& count,
                               std::vector<Stmt>& out) {
  const int64_t width = r.order.lanes;
  const auto acc = alloc_all(ctx, r.prefix + "_lanes", r.dtypes, width, Space::reg, out);
  const auto part = alloc_all(ctx, r.prefix + "_part", r.dtypes, width, Space::local, out);
  const auto lane_loop = [&](const std::string& wish, const Index& lanes,
                             const std::function<void(Index, std::vector<Stmt>&)>& body) {
    const std::string var = ctx.exprs.fresh(r.prefix + wish);
    std::vector<Stmt> inner;
    ctx.exprs.ranges().set(var, Index(0), lanes - 1);
    body(Index::var(var), inner);
    return k::loop(var, 0, lanes, k::block(std::move(inner)), LoopKind::serial,
                   {LoopRole::lane, "", {}});
  };
  out.push_back(lane_loop("_l", width, [&](Index l, std::vector<Stmt>& inner) {
    store_all(acc, l, constants_of(r.identities), inner);
  }));
  const auto step = [&](const Index& base) {
    return [&, base](Index l, std::vector<Stmt>& inner) {
      update_all(ctx, r, acc, l, r.take(base + l, load_all(acc, r.dtypes, l), inner), inner);
    };
  };
  const std::string steps = ctx.exprs.fresh(r.prefix + "_s");
  const Index full = ctx.exprs.ranges().simplify(floordiv(count, width));
  const Index rest = ctx.exprs.ranges().simplify(mod(count, width));
  if (r.blocks) {
    const Index item = Index::var(steps), lane = mod(item, width);
    std::vector<Stmt> inner;
    ctx.exprs.ranges().set(steps, Index(0), count - 1);
    update_all(ctx, r, acc, lane, r.take(item, load_all(acc, r.dtypes, lane), inner), inner);
    out.push_back(k::loop(steps, 0, count, k::block(std::move(inner)), LoopKind::serial,
                          {LoopRole::reduced, "", {}}));
  } else {
    ctx.exprs.ranges().set(steps, Index(0), full - 1);
    if (!full.is_const(0))
      out.push_back(k::loop(steps, 0, full, lane_loop("_l", width, step(Index::var(steps) * width)),
                            LoopKind::serial, {LoopRole::reduced, "", {}}));
    if (!rest.is_const(0)) out.push_back(lane_loop("_l", rest, step(full * width)));
  }
  out.push_back(lane_loop("_l", width, [&](Index l, std::vector<Stmt>& inner) {
    store_all(part, l, load_all(acc, r.dtypes, l), inner);
  }));
  for (int64_t half = width / 2; half >= 1; half /= 2)
    out.push_back(lane_loop("_l", half, [&](Index l, std::vector<Stmt>& inner) {
      const auto combined =
          r.combine(load_all(part, r.dtypes, l), load_all(part, r.dtypes, l + half));
      update_all(ctx, r, part, l, combined, inner);
    }));
  return name_all(ctx, r.prefix + "_r", load_all(part, r.dtypes, 0), out);
}

}  // namespace

std::vector<Expr> reduce_lanes(NestContext& ctx, const LaneReduction& r, const Index& count,
                               const std::vector<LoopAxis>& axes, std::vector<Stmt>& out) {
  check(r.order.form == Order::Form::lanes, "lower", "lanes are summed without an order of lanes");
  const int64_t most = std::min(ctx.exprs.ranges().upper(count).value_or(r.most), r.most);
  // Blocks stay a loop, however few: a copy of its text for each is compiled as often.
  if (!r.blocks && count.is_const() && count.value() <= r.order.lanes && count.value() > 0)
    return reduce_few(ctx, r, count.value(), out);
  if (most <= r.order.block) return reduce_block(ctx, r, count, out);

  // Blocks, and their results as the items of the same rule: lane accumulators indexed by block
  // mod their number.
  const Index blocks = ceildiv(count, r.order.block);
  LaneReduction outer = r;
  outer.prefix = ctx.exprs.fresh(r.prefix + "_b");
  outer.blocks = true;
  outer.most = (most + r.order.block - 1) / r.order.block;
  outer.take = [&](Index b, const std::vector<Expr>& acc, std::vector<Stmt>& inner) {
    LaneReduction block = r;
    block.take = [&, b](Index i, const std::vector<Expr>& a, std::vector<Stmt>& o) {
      return r.take(b * r.order.block + i, a, o);
    };
    const std::string size = ctx.exprs.fresh(r.prefix + "_n");
    ctx.exprs.ranges().set(size, Index(1), Index(r.order.block));
    inner.push_back(k::let(size, k::index(min(Index(r.order.block), count - b * r.order.block))));
    return r.combine(acc, reduce_block(ctx, block, Index::var(size), inner));
  };
  return reduce_lanes(ctx, outer, blocks, axes, out);
}

Expr sum_or_zero(const NestContext& ctx, Expr sum, const Index& count) {
  if (!is_float(sum->dtype) || ctx.exprs.ranges().proves_less(Index(0), count)) return sum;
  const Expr zero = k::constant(Scalar::of(sum->dtype, 0.0));
  if (count.is_const(0)) return zero;
  return k::op(ScalarOp::where, {k::in_range(Index(0), count), sum, zero});
}

namespace {

// (value, index) pairs in ascending index order: the later one wins only when it is strictly
// better, or the first NaN.
std::vector<Expr> better(ScalarOp compare, const std::vector<Expr>& a, const std::vector<Expr>& b) {
  Expr wins = k::op(compare, {b[0], a[0]});
  if (is_float(a[0]->dtype)) {
    Expr first_nan =
        k::op(ScalarOp::and_, {k::op(ScalarOp::is_nan, {b[0]}),
                               k::op(ScalarOp::not_, {k::op(ScalarOp::is_nan, {a[0]})})});
    wins = k::op(ScalarOp::or_, {wins, first_nan});
  }
  return {k::op(ScalarOp::where, {wins, b[0], a[0]}), k::op(ScalarOp::where, {wins, b[1], a[1]})};
}

}  // namespace

Combine combine_of(const ReduceAttr& attr) {
  const auto named = [](ScalarOp op) -> Combine {
    return [op](const std::vector<Expr>& a, const std::vector<Expr>& b) {
      return std::vector<Expr>{k::op(op, {a[0], b[0]})};
    };
  };
  switch (attr.combiner) {
    case Combiner::add:
      return named(ScalarOp::add);
    case Combiner::mul:
      return named(ScalarOp::mul);
    case Combiner::min:
      return named(ScalarOp::min);
    case Combiner::max:
      return named(ScalarOp::max);
    case Combiner::and_:
      return named(ScalarOp::and_);
    case Combiner::or_:
      return named(ScalarOp::or_);
    case Combiner::xor_:
      return named(ScalarOp::xor_);
    case Combiner::argmax:
      return [](const auto& a, const auto& b) { return better(ScalarOp::gt, a, b); };
    case Combiner::argmin:
      return [](const auto& a, const auto& b) { return better(ScalarOp::lt, a, b); };
    case Combiner::last:
      return [](const auto&, const auto& b) { return b; };
    case Combiner::custom:
      return [body = attr.body](std::vector<Expr> a, const std::vector<Expr>& b) {
        a.insert(a.end(), b.begin(), b.end());
        return inline_scalars(*body, a);
      };
  }
  throw InternalError("lower", "unknown combiner");
}

ReducedSpace space_of(NestContext& ctx, const Node& node, const std::vector<int32_t>& dims) {
  ReducedSpace space;
  const Shape& shape = node.operands[0].shape();
  const std::string name = value_name(ctx.graph, {&node, 0});
  for (size_t d = 0; d < shape.size(); ++d)
    if (std::find(dims.begin(), dims.end(), static_cast<int32_t>(d)) == dims.end())
      space.kept.push_back({axis_name(name, space.kept.size()), shape[d], {LoopRole::out, "", {}}});
  for (int32_t d : dims) {
    space.extents.push_back(shape[d]);
    space.count = space.count * shape[d];
  }
  return space;
}

std::vector<Index> coordinates(NestContext& ctx, const Node& node, const std::vector<int32_t>& dims,
                               const ReducedSpace& space, const Index& flat) {
  std::vector<Index> at(node.operands[0].shape().size());
  // Neighbouring dimensions are one first: where that one is whole vectors, so is what is read.
  std::vector<std::vector<Index>> neighbours;
  std::vector<Index> extents;
  for (size_t n = 0; n < dims.size(); ++n) {
    const bool begins = n == 0 || dims[n] != dims[n - 1] + 1;
    if (begins) neighbours.emplace_back();
    if (begins) extents.emplace_back(1);
    neighbours.back().push_back(space.extents[n]);
    extents.back() = extents.back() * space.extents[n];
  }
  size_t n = 0;
  const std::vector<Index> joined = unflattened(ctx.exprs.ranges(), flat, extents);
  for (size_t j = 0; j < joined.size(); ++j)
    for (const Index& i : unflattened(ctx.exprs.ranges(), joined[j], neighbours[j]))
      at[dims[n++]] = i;
  size_t kept = 0;
  for (size_t d = 0; d < at.size(); ++d)
    if (std::find(dims.begin(), dims.end(), static_cast<int32_t>(d)) == dims.end())
      at[d] = Index::var(space.kept[kept++].var);
  return at;
}

std::vector<Expr> operands_at(NestContext& ctx, const Node& node, const std::vector<Index>& at,
                              std::vector<Stmt>& out) {
  std::vector<Expr> values;
  for (const Value& x : node.operands) values.push_back(ctx.exprs.at(x, at));
  for (Stmt& let : ctx.exprs.take_lets()) out.push_back(std::move(let));
  return values;
}

std::vector<Stmt> store_results(NestContext& ctx, const Node& node, const std::vector<Index>& at,
                                std::vector<Expr> values) {
  std::vector<Stmt> out;
  for (size_t n = 0; n < values.size(); ++n)
    out.push_back(k::store(value_name(ctx.graph, {&node, static_cast<int32_t>(n)}), at, values[n]));
  return out;
}

Stmt nest_reduce(NestContext& ctx, const Node& node) {
  const auto& attr = node.as<ReduceAttr>();
  const ReducedSpace space = space_of(ctx, node, attr.dims);
  ctx.exprs.begin(ctx.ranges(space.kept));
  const Combine combine = combine_of(attr);
  std::vector<Stmt> body;
  LaneReduction r;
  for (const Value& x : node.operands) r.dtypes.push_back(x.dtype());
  r.identities = attr.identities;
  r.combine = combine;
  r.order = attr.order.form == Order::Form::unset ? default_order(node) : attr.order;
  r.prefix = value_name(ctx.graph, {&node, 0});
  // argmin and argmax carry the position beside the value; only the position is stored.
  const bool arg = attr.combiner == Combiner::argmin || attr.combiner == Combiner::argmax;
  if (arg) {
    r.dtypes.push_back(DType::i64);
    r.identities.push_back(Scalar::of(DType::i64, 0));
  }
  r.take = [&](Index item, const std::vector<Expr>& acc, std::vector<Stmt>& out) {
    std::vector<Expr> values =
        operands_at(ctx, node, coordinates(ctx, node, attr.dims, space, item), out);
    if (!arg) return combine(acc, values);
    values = name_all(ctx, r.prefix + "_item", values, out);  // compared, and taken
    values.push_back(k::index(item));
    return combine(acc, values);
  };
  std::vector<Expr> result;
  if (space.count.is_const(0)) {
    result = constants_of(r.identities);
  } else if (r.order.form == Order::Form::serial) {
    const auto acc = alloc_all(ctx, r.prefix + "_acc", r.dtypes, 1, Space::reg, body);
    store_all(acc, 0, constants_of(r.identities), body);
    const std::string var = ctx.exprs.fresh(r.prefix + "_s");
    ctx.exprs.ranges().set(var, Index(0), space.count - 1);
    std::vector<Stmt> inner;
    update_all(ctx, r, acc, 0, r.take(Index::var(var), load_all(acc, r.dtypes, 0), inner), inner);
    body.push_back(k::loop(var, 0, space.count, k::block(std::move(inner)), LoopKind::serial,
                           {LoopRole::reduced, "", {}}));
    result = load_all(acc, r.dtypes, 0);
  } else {
    result = reduce_lanes(ctx, r, space.count, space.kept, body);
  }
  if (arg) result.erase(result.begin());
  if (attr.combiner == Combiner::add) result[0] = sum_or_zero(ctx, result[0], space.count);
  for (Stmt& s : store_results(ctx, node, vars_of(space.kept), result))
    body.push_back(std::move(s));
  return wrap(space.kept, k::block(std::move(body)));
}

// z = init; then z[map(i)] = f(z[map(i)], y[i]) in row-major order of i.
Stmt nest_reindex_reduce(NestContext& ctx, const Node& node) {
  const auto& attr = node.as<ReindexReduceAttr>();
  const Value z{&node, 0}, init = node.operands[0], y = node.operands[1];
  const std::string name = value_name(ctx.graph, z);
  const std::vector<LoopAxis> out_axes = axes_of(ctx, z);
  ctx.exprs.begin(ctx.ranges(out_axes));
  Expr start = ctx.exprs.at(init, vars_of(out_axes));
  Stmt first = wrap(out_axes, with_lets(ctx, {k::store(name, vars_of(out_axes), start)}));

  std::vector<LoopAxis> axes;
  for (size_t d = 0; d < y.shape().size(); ++d)
    axes.push_back(
        {name + "_" + std::to_string(d) + "y", y.shape()[d], {LoopRole::reduced, "", {}}});
  ctx.exprs.begin(ctx.ranges(axes));
  std::vector<Stmt> body;
  const std::map<std::string, Index> values =
      ctx.exprs.variables(attr.map, node.operands, vars_of(axes));
  std::vector<Index> at;
  Expr cond;
  const Ranges& ranges = ctx.exprs.ranges();
  for (size_t d = 0; d < attr.map.coords.size(); ++d) {
    at.push_back(ranges.simplify(attr.map.coords[d].substitute(values)));
    require(ranges, at.back(), z.shape()[d], cond);
  }
  for (const IndexCondition& c : attr.map.conditions)
    require(ranges, c.value.substitute(values), c.extent.substitute(values), cond);
  Expr item = ctx.exprs.at(y, vars_of(axes));
  for (Stmt& let : ctx.exprs.take_lets()) body.push_back(std::move(let));
  ReduceAttr combiner;
  combiner.combiner = attr.combiner;
  Stmt update = k::store(name, at, combine_of(combiner)({k::load(name, z.dtype(), at)}, {item})[0]);
  body.push_back(cond ? k::if_(cond, update) : update);
  return k::block({first, wrap(axes, k::block(std::move(body)))});
}

}  // namespace mintor
