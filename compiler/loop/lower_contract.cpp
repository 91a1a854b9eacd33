// SPDX-License-Identifier: Apache-2.0
// The nest of a contract with the tails of its group: out loops, a chain of FMA in the order of the
// node, one store per output. The order (docs/numerics.md): with `inner`, (c / inner, window
// row-major, c mod inner), else the k axes as listed; positions in chunks, each one chain from +0,
// chunk sums added ascending.
#include <algorithm>

#include "compiler/loop/lower_nest.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

struct ContractNest {
  NestContext& ctx;
  const Node& node;
  const Contract& c;
  std::string prefix;
  std::vector<LoopAxis> out_axes, k_axes;  // k_axes: k and window, as listed
  std::map<std::string, Index> names;      // axis name -> loop variable
  DType acc_dtype;

  bool is_out(const ContractAxis& a) const {
    return a.role != AxisRole::k && a.role != AxisRole::window;
  }
};

// The loop variable of an axis: its name, kept apart from the graph's symbols.
std::string axis_variable(const Graph& graph, const std::string& axis) {
  return graph.find_symbol(axis) != nullptr || axis == kLane ? axis + "_axis" : axis;
}

ContractNest make_nest(NestContext& ctx, const Node& node) {
  ContractNest nest{ctx, node, node.as<Contract>(),  value_name(ctx.graph, {&node, 0}), {},
                    {},  {},   node.results[0].dtype};
  for (const ContractAxis& axis : nest.c.axes) {
    const std::string wish = axis_variable(ctx.graph, axis.name);
    const std::string var = ctx.exprs.fresh(wish);
    nest.names[axis.name] = Index::var(var);
    // Of two contracts in a kernel, the second has axes of its own.
    const std::string origin = var == wish ? axis.name : var;
    const LoopRole role = nest.is_out(axis)               ? LoopRole::out
                          : axis.role == AxisRole::window ? LoopRole::window
                                                          : LoopRole::reduced;
    (nest.is_out(axis) ? nest.out_axes : nest.k_axes)
        .push_back({var, axis.extent, {role, origin, {}}});
  }
  return nest;
}

// `vars` with the summed axes at a position of their row-major order.
void put_position(const ContractNest& nest, const Index& position,
                  std::map<std::string, Index>& vars) {
  const std::vector<Index> at =
      unflattened(nest.ctx.exprs.ranges(), position, extents_of(nest.k_axes));
  for (size_t n = 0; n < at.size(); ++n)
    for (auto& [axis, var] : vars)
      if (var == Index::var(nest.k_axes[n].var)) var = at[n];
}

// The condition under which a term counts, or null; coordinates in variables of the loops.
Expr term_condition(ContractNest& nest, const std::vector<Index>& x, const std::vector<Index>& y,
                    const std::map<std::string, Index>& vars) {
  const Ranges& ranges = nest.ctx.exprs.ranges();
  Expr cond;
  for (size_t d = 0; d < x.size(); ++d)
    require(ranges, x[d], nest.node.operands[0].shape()[d], cond);
  for (size_t d = 0; d < y.size(); ++d)
    require(ranges, y[d], nest.node.operands[1].shape()[d], cond);
  for (const IndexCondition& c : nest.c.conditions)
    require(ranges, ranges.simplify(c.value.substitute(vars)), c.extent.substitute(vars), cond);
  return cond;
}

// `sum` with the product of the operands at these coordinates added.
Expr with_term(ContractNest& nest, const std::vector<Index>& x, const std::vector<Index>& y,
               const Expr& sum) {
  const Expr a = k::cast(nest.ctx.exprs.at(nest.node.operands[0], x), nest.acc_dtype);
  const Expr b = k::cast(nest.ctx.exprs.at(nest.node.operands[1], y), nest.acc_dtype);
  return is_float(nest.acc_dtype) ? k::op(ScalarOp::fma, {a, b, sum})
                                  : k::op(ScalarOp::add, {sum, k::op(ScalarOp::mul, {a, b})});
}

// One term added to `acc` (an expression), under its condition: returns statements that store
// through `put`.
Stmt add_term(ContractNest& nest, const std::map<std::string, Index>& vars, const std::string& acc,
              const Index& slot) {
  Ranges& ranges = nest.ctx.exprs.ranges();
  std::vector<Index> x, y;
  for (const Index& e : nest.c.x_coords) x.push_back(ranges.simplify(e.substitute(vars)));
  for (const Index& e : nest.c.y_coords) y.push_back(ranges.simplify(e.substitute(vars)));
  Expr cond = term_condition(nest, x, y, vars);
  const Expr sum = with_term(nest, x, y, k::load(acc, nest.acc_dtype, {slot}));
  Stmt body = with_lets(nest.ctx, {k::store(acc, {slot}, sum)});
  return cond ? k::if_(cond, body) : body;
}

Scalar zero_of(DType dtype) {
  return is_float(dtype) ? Scalar::of(dtype, 0.0) : Scalar::of_int(dtype, 0);
}

// Loops of one chunk, around add_term. [begin, end) counts blocks of `inner` channels, or positions
// of the one k axis.
Stmt chain(ContractNest& nest, const std::string& acc, const Index& begin, const Index& end) {
  Ranges& ranges = nest.ctx.exprs.ranges();
  std::map<std::string, Index> vars = nest.names;
  const int64_t inner = nest.c.order.inner;
  std::vector<std::pair<LoopAxis, Index>> loops;  // axis, begin
  const auto add_loop = [&](const std::string& var, const Index& from, const Index& to,
                            const LoopOrigin& origin) {
    ranges.set(var, from, to - 1);
    loops.push_back({{var, to, origin}, from});
  };
  const ContractAxis* channel = nullptr;
  if (inner > 1)
    for (const ContractAxis& a : nest.c.axes)
      if (a.role == AxisRole::k) channel = &a;
  if (channel != nullptr) {
    const std::string name = *nest.names.at(channel->name).as_var();
    const std::string outer = nest.ctx.exprs.fresh(name + "_blk");
    const auto axis = std::ranges::find(nest.k_axes, name, &LoopAxis::var);
    const LoopOrigin whole_axis = axis->origin;
    add_loop(outer, begin, end, part_of(whole_axis, LoopPart::outer));
    const std::string within = nest.ctx.exprs.fresh(name + "_in");
    for (const LoopAxis& axis : nest.k_axes)
      if (axis.var != name) add_loop(axis.var, 0, axis.extent, axis.origin);
    const Index left = channel->extent - Index::var(outer) * inner;
    const bool whole = channel->extent.is_const() && channel->extent.value() % inner == 0;
    add_loop(within, 0, whole ? Index(inner) : ranges.simplify(min(Index(inner), left)),
             part_of(whole_axis, LoopPart::inner));
    vars[channel->name] = Index::var(outer) * inner + Index::var(within);
    // What a split cannot prove by itself: the channel is below its extent.
    ranges.set(within,
               Range{Index(0), whole ? Index(inner - 1) : min(Index(inner - 1), left - 1), 1});
  } else if (nest.k_axes.size() == 1) {
    add_loop(nest.k_axes[0].var, begin, end, nest.k_axes[0].origin);
  } else if (begin.is_const(0)) {
    for (const LoopAxis& axis : nest.k_axes) add_loop(axis.var, 0, axis.extent, axis.origin);
  } else {
    // A chunk border inside several k axes: one loop over flat positions.
    const std::string flat = nest.ctx.exprs.fresh(nest.prefix + "_k");
    add_loop(flat, begin, end, {LoopRole::reduced, "", {}});
    put_position(nest, Index::var(flat), vars);
  }
  Stmt body = add_term(nest, vars, acc, 0);
  for (size_t n = loops.size(); n-- > 0;)
    body = k::loop(loops[n].first.var, loops[n].second, loops[n].first.extent, body,
                   LoopKind::serial, loops[n].first.origin);
  return body;
}

// The accumulator's buffer after all chunks.
std::string chain_sum(ContractNest& nest, std::vector<Stmt>& body) {
  Ranges& ranges = nest.ctx.exprs.ranges();
  const DType dtype = nest.acc_dtype;
  const std::string acc = nest.ctx.exprs.fresh(nest.prefix + "_acc");
  const bool blocks = nest.c.order.inner > 1;
  Index units = 1, window = 1;  // units: what `chain` counts
  for (const ContractAxis& a : nest.c.axes) {
    if (a.role == AxisRole::window) window = window * a.extent;
    if (a.role == AxisRole::k)
      units = units * (blocks ? ceildiv(a.extent, nest.c.order.inner) : a.extent);
  }
  if (!blocks) units = units * window;
  Index per_chunk = units;
  if (is_float(dtype) && nest.c.order.chunk > 0)
    per_chunk = blocks ? floordiv(Index(nest.c.order.chunk), window * nest.c.order.inner)
                       : Index(nest.c.order.chunk);
  const Stmt clear = k::store(acc, {0}, k::constant(zero_of(dtype)));
  body.push_back(k::alloc(acc, dtype, {1}, Space::reg));
  if (ranges.proves_nonnegative(per_chunk - units)) {
    body.push_back(clear);
    body.push_back(chain(nest, acc, 0, units));
    return acc;
  }
  // total starts from -0, which any first sum replaces bit for bit, or from +0 where none follows.
  const Expr start = sum_or_zero(nest.ctx, k::constant(Scalar::of(dtype, -0.0)), units);
  const std::string total = nest.ctx.exprs.fresh(nest.prefix + "_total");
  body.push_back(k::alloc(total, dtype, {1}, Space::reg));
  body.push_back(k::store(total, {0}, start));
  const std::string chunk = nest.ctx.exprs.fresh(nest.prefix + "_chunk");
  const Index count = ceildiv(units, per_chunk);
  ranges.set(chunk, Index(0), count - 1);
  const Index begin = Index::var(chunk) * per_chunk;
  Stmt one = chain(nest, acc, begin, min(begin + per_chunk, units));
  Stmt add = k::store(total, {0},
                      k::op(ScalarOp::add, {k::load(total, dtype, {0}), k::load(acc, dtype, {0})}));
  body.push_back(k::loop(chunk, 0, count, k::block({clear, one, add}), LoopKind::serial,
                         {LoopRole::reduced, "", {}}));
  return total;
}

// m and n absent or 1: the rule of reduce, lanes accumulating with FMA.
Expr lanes_sum(ContractNest& nest, std::vector<Stmt>& body) {
  LaneReduction r;
  r.dtypes = {nest.acc_dtype};
  r.identities = {is_float(nest.acc_dtype) ? Scalar::of(nest.acc_dtype, -0.0)
                                           : zero_of(nest.acc_dtype)};
  r.combine = [](const auto& a, const auto& b) {
    return std::vector<Expr>{k::op(ScalarOp::add, {a[0], b[0]})};
  };
  r.order = nest.c.order;
  r.prefix = nest.prefix;
  Index count = 1;
  for (const LoopAxis& axis : nest.k_axes) count = count * axis.extent;
  r.take = [&](Index item, const std::vector<Expr>& acc,
               std::vector<Stmt>& out) -> std::vector<Expr> {
    Ranges& ranges = nest.ctx.exprs.ranges();
    std::map<std::string, Index> vars = nest.names;
    put_position(nest, item, vars);
    std::vector<Index> x, y;
    for (const Index& e : nest.c.x_coords) x.push_back(ranges.simplify(e.substitute(vars)));
    for (const Index& e : nest.c.y_coords) y.push_back(ranges.simplify(e.substitute(vars)));
    Expr cond = term_condition(nest, x, y, vars);
    Expr sum = nest.ctx.exprs.under(cond, [&] { return with_term(nest, x, y, acc[0]); });
    for (Stmt& let : nest.ctx.exprs.take_lets()) out.push_back(std::move(let));
    return {cond ? k::guard(cond, sum, acc[0]) : sum};
  };
  if (count.is_const(0)) return k::constant(zero_of(nest.acc_dtype));
  return sum_or_zero(nest.ctx, reduce_lanes(nest.ctx, r, count, nest.out_axes, body)[0], count);
}

}  // namespace

Stmt nest_contract(NestContext& ctx, const Node& node) {
  if (node.as<Contract>().order.form == Order::Form::winograd) return nest_winograd(ctx, node);
  ContractNest nest = make_nest(ctx, node);
  ctx.exprs.begin(ctx.ranges(nest.out_axes));
  std::vector<Stmt> body;
  Expr sum;
  if (nest.c.order.form == Order::Form::lanes)
    sum = lanes_sum(nest, body);
  else
    sum = k::load(chain_sum(nest, body), nest.acc_dtype, {0});

  // Tails: all outputs of the group have the contract's shape.
  const std::vector<Index> at = vars_of(nest.out_axes);
  ctx.exprs.take_lets();
  const Value self{&node, 0};
  if (!(ctx.group.outputs.size() == 1 && ctx.group.outputs[0] == self)) {
    const std::string name = ctx.exprs.fresh(nest.prefix + "_sum");
    body.push_back(k::let(name, sum));
    sum = k::variable(name, nest.acc_dtype);
  }
  ctx.exprs.bind(self, at, sum);
  std::vector<Stmt> stores;
  for (const Value& v : ctx.group.outputs)
    stores.push_back(k::store(value_name(ctx.graph, v), at, ctx.exprs.computed(v, at)));
  for (Stmt& let : ctx.exprs.take_lets()) body.push_back(std::move(let));
  for (Stmt& store : stores) body.push_back(std::move(store));
  return wrap(nest.out_axes, k::block(std::move(body)));
}

}  // namespace mintor
