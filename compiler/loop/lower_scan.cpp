// SPDX-License-Identifier: Apache-2.0
// The nest of scan: each result is the one before, combined with the next item.
// Takes a scan, forward or reversed, with or without its own item; gives a line walked in registers
// or lines that read the line before. Keeps true: items are combined in ascending order.
#include "compiler/loop/lower_reduce.h"

namespace mintor {
namespace {

// Along the last dimension: what was combined so far is in registers.
Stmt scan_line(NestContext& ctx, const Node& node, const ReducedSpace& space) {
  const auto& attr = node.as<ScanAttr>();
  const std::vector<int32_t>& dims = attr.reduce.dims;
  const Combine combine = combine_of(attr.reduce);
  std::vector<DType> dtypes;
  for (const Value& x : node.operands) dtypes.push_back(x.dtype());
  const std::string prefix = value_name(ctx.graph, {&node, 0});
  std::vector<Stmt> body, inner;
  const auto acc = alloc_all(ctx, prefix + "_acc", dtypes, 1, Space::reg, body);
  store_all(acc, 0, constants_of(attr.reduce.identities), body);
  const std::string var = ctx.exprs.fresh(prefix + "_s");
  ctx.exprs.ranges().set(var, Index(0), space.count - 1);
  const Index position = attr.reverse ? space.count - 1 - Index::var(var) : Index::var(var);
  const std::vector<Index> at = coordinates(ctx, node, dims, space, position);
  const auto before = name_all(ctx, prefix + "_before", load_all(acc, dtypes, 0), inner);
  const auto after =
      name_all(ctx, prefix + "_after", combine(before, operands_at(ctx, node, at, inner)), inner);
  store_all(acc, 0, after, inner);
  for (Stmt& s : store_results(ctx, node, at, attr.exclusive ? before : after))
    inner.push_back(std::move(s));
  body.push_back(k::loop(var, 0, space.count, k::block(std::move(inner)), LoopKind::serial,
                         {LoopRole::reduced, "", {}}));
  return wrap(space.kept, k::block(std::move(body)));
}

// Along another dimension: what was combined so far is the line of results before, so that lines
// are walked as they lie.
//| for s { for i { y[s, i] = (s >= 1 ? y[s - 1, i] : identity) + x[s, i] } }
Stmt scan_lines(NestContext& ctx, const Node& node, const ReducedSpace& space) {
  const auto& attr = node.as<ScanAttr>();
  const std::vector<int32_t>& dims = attr.reduce.dims;
  const Combine combine = combine_of(attr.reduce);
  const std::string prefix = value_name(ctx.graph, {&node, 0});
  const Index s = Index::var(ctx.exprs.fresh(prefix + "_s"));
  ctx.exprs.ranges().set(*s.as_var(), Index(0), space.count - 1);
  const auto at = [&](const Index& step) {
    return coordinates(ctx, node, dims, space, attr.reverse ? space.count - 1 - step : step);
  };
  const std::vector<Index> here = at(s), there = at(s - 1);
  const Expr follows = k::in_range(s - 1, space.count);
  std::vector<Expr> first = constants_of(attr.reduce.identities), line;
  for (size_t n = 0; n < node.operands.size(); ++n)
    line.push_back(k::load(value_name(ctx.graph, {&node, static_cast<int32_t>(n)}),
                           node.operands[n].dtype(), there));
  std::vector<Stmt> body;
  const auto unless_first = [&](const std::vector<Expr>& values) {
    std::vector<Expr> out;
    for (size_t n = 0; n < values.size(); ++n)
      out.push_back(k::guard(follows, values[n], first[n]));
    return name_all(ctx, prefix + "_before", out, body);
  };
  std::vector<Expr> results;
  if (attr.exclusive) {
    std::vector<Expr> items;
    for (const Value& x : node.operands)
      items.push_back(ctx.exprs.under(follows, [&] { return ctx.exprs.at(x, there); }));
    for (Stmt& let : ctx.exprs.take_lets()) body.push_back(std::move(let));
    results = unless_first(combine(line, items));
  } else {
    const auto before = unless_first(line);
    results = combine(before, operands_at(ctx, node, here, body));
    if (results.size() > 1) results = name_all(ctx, prefix + "_after", results, body);
  }
  for (Stmt& store : store_results(ctx, node, here, results)) body.push_back(std::move(store));
  std::vector<LoopAxis> axes = space.kept;
  axes.insert(axes.begin() + dims.front(), {*s.as_var(), space.count, {LoopRole::reduced, "", {}}});
  return wrap(axes, k::block(std::move(body)));
}

}  // namespace

Stmt nest_scan(NestContext& ctx, const Node& node) {
  const std::vector<int32_t>& dims = node.as<ScanAttr>().reduce.dims;
  const ReducedSpace space = space_of(ctx, node, dims);
  ctx.exprs.begin(ctx.ranges(space.kept));
  // Lines of a few elements would wait for each store.
  constexpr int64_t kShortest = 8;
  Index line = 1;
  for (size_t d = static_cast<size_t>(dims.front()) + 1; d < node.operands[0].shape().size(); ++d)
    line = line * node.operands[0].shape()[d];
  const bool lines = dims.size() == 1 && !(line.is_const() && line.value() < kShortest);
  return lines ? scan_lines(ctx, node, space) : scan_line(ctx, node, space);
}

}  // namespace mintor
