// SPDX-License-Identifier: Apache-2.0
// One loop nest for one materialised value, in the order that its node says. Shared by lower.cpp
// and lower_*.cpp. Takes nodes; gives statements. Keeps true: loop variables are named as lower.h
// says.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "compiler/loop/lower_expr.h"

namespace mintor {

struct LoopAxis {
  std::string var;
  Index extent;
  LoopOrigin origin;
};

// Everything a nest needs while it is being written.
struct NestContext {
  const Graph& graph;
  const Group& group;
  ExprLowering& exprs;
  Ranges symbols;  // of the graph

  // The ranges of the symbols and these axes.
  Ranges ranges(const std::vector<LoopAxis>& axes) const;
};

// Wraps body in loops over axes, the first outermost.
Stmt wrap(const std::vector<LoopAxis>& axes, Stmt body);
std::vector<Index> vars_of(const std::vector<LoopAxis>& axes);
std::vector<Index> extents_of(const std::vector<LoopAxis>& axes);
// The indices, one per extent, at a position of their row-major order.
std::vector<Index> unflattened(const Ranges& ranges, const Index& position,
                               const std::vector<Index>& extents);
// Axes of a value's dimensions: `<name>_<d>`.
std::vector<LoopAxis> axes_of(const NestContext& ctx, const Value& v);
// Let statements collected so far, then `last`.
Stmt with_lets(NestContext& ctx, std::vector<Stmt> last);

// A sequence of `count` items combined by the rule of `reduce` (docs/numerics.md): 16 lanes,
// blocks, tree.
struct LaneReduction {
  std::vector<DType> dtypes;  // one per operand
  std::vector<Scalar> identities;
  std::function<std::vector<Expr>(const std::vector<Expr>&, const std::vector<Expr>&)> combine;
  // Puts item i into an accumulator: given the accumulators' values, appends statements, returns
  // the new values.
  std::function<std::vector<Expr>(Index item, const std::vector<Expr>& acc, std::vector<Stmt>& out)>
      take;
  Order order;  // of form lanes
  // Items there can be where the count has no known bound: no address space holds more elements.
  int64_t most = int64_t{1} << 47;
  std::string prefix;  // of the names it makes
  // Items are loops of their own: they are taken one after the other, so that the text of one is
  // written once a level, not once for whole groups of lanes and once for the rest.
  bool blocks = false;
};
// Appends the statements and returns the combined values. `axes` are the loops around.
std::vector<Expr> reduce_lanes(NestContext& ctx, const LaneReduction& reduction, const Index& count,
                               const std::vector<LoopAxis>& axes, std::vector<Stmt>& out);

// The sum of `count` terms: `sum`, or +0 where there are none, which its identity of -0 would give.
Expr sum_or_zero(const NestContext& ctx, Expr sum, const Index& count);

Stmt nest_elementwise(NestContext& ctx, const Value& v);
// Several values of one shape, in one nest: what they share is computed once.
Stmt nest_together(NestContext& ctx, std::span<const Value> values);
// The output of a group that places concats: a nest a part.
Stmt nest_parts(NestContext& ctx, const Value& v);
Stmt nest_reduce(NestContext& ctx, const Node& node);
Stmt nest_scan(NestContext& ctx, const Node& node);
Stmt nest_sort(NestContext& ctx, const Node& node);
Stmt nest_reindex_reduce(NestContext& ctx, const Node& node);
Stmt nest_contract(NestContext& ctx, const Node& node);
Stmt nest_winograd(NestContext& ctx, const Node& node);
Stmt nest_code(NestContext& ctx, const Node& node);

}  // namespace mintor
