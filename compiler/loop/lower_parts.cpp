// SPDX-License-Identifier: Apache-2.0
// The nests of an output that is made of parts side by side: concat is placement, each part is
// stored where it belongs, nothing chooses an element.
//   y = concat(a, b), dim 1  ->  for i { for j_0 in A { y[i, j_0] = a[i, j_0] }
//                                        for j_1 in B { y[i, A + j_1] = b[i, j_1] } }
// Loops that all parts have go outside and are tasks; where those are few, each part is cut into
// shares. Around many parts lies the loop of tasks alone, so that they can be cut into several
// functions (loop/cut.h). The loop of tasks is parallel from the start: that parts lie apart is
// known here, and to find it out again from a thousand stores would be to compare each with each.
#include <algorithm>

#include "compiler/loop/lower_nest.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

// Enough tasks to keep a machine busy; a share of less than a page is not worth a thread.
constexpr int64_t kShares = 16;
constexpr int64_t kManyTasks = 64;   // what is left is a loop inside
constexpr size_t kManyParts = 32;    // nothing is left: they are the text of several functions
constexpr int64_t kShareOf = 32768;  // elements of the whole
constexpr int64_t kShareUnit = 16;   // a share begins at a whole vector

struct Chosen {
  const Node* concat;
  size_t part;
  Index begin;  // of the concat in the output
  Index skip;   // of the part in the concat
};

struct Part {
  Index begin, extent;  // in the output, along the dim
  std::vector<Chosen> chosen;
};

Index product(const std::vector<LoopAxis>& axes) {
  Index count = 1;
  for (const LoopAxis& axis : axes) count = count * axis.extent;
  return count;
}

struct PartsNest {
  NestContext& ctx;
  const Value& v;
  std::string name;
  int32_t dim = 0;
  std::vector<bool> is_outer = {};
  std::vector<LoopAxis> outer = {};
  std::string task = {};  // the loop of tasks: positions of the first outer axes, then shares
  std::vector<LoopAxis> fused = {};  // those axes
  bool shares = false;
  std::vector<Chosen> path = {};
  std::vector<Part> parts = {};

  std::string var(size_t d) const { return axis_name(name, d); }

  // The parts of a concat, and of those that are parts of it, in order; not the empty ones.
  void collect(const Node& concat, const Index& begin) {
    Index skip = 0;
    for (size_t part = 0; part < concat.operands.size(); ++part) {
      const Value& x = concat.operands[part];
      const Index& extent = x.shape()[dim];
      path.push_back({&concat, part, begin, skip});
      if (std::ranges::find(ctx.group.placed, x.node) != ctx.group.placed.end())
        collect(*x.node, begin + skip);
      else if (!extent.is_const(0))
        parts.push_back({begin + skip, extent, path});
      path.pop_back();
      skip = skip + extent;
    }
  }

  void choose_outer() {
    const Shape& shape = v.shape();
    is_outer.assign(shape.size(), false);
    std::fill(is_outer.begin(), is_outer.begin() + dim, true);
    collect_outer();
    if (few_tasks() && shape.size() - dim > 2) {  // [1, parts, rows, columns]: rows are tasks
      std::fill(is_outer.begin() + dim + 1, is_outer.end() - 1, true);
      collect_outer();
    }
    Index count = 1;
    for (const Index& e : shape) count = count * e;
    task = ctx.exprs.fresh(name + "_task");
    shares = few_tasks() && !(count.is_const() && count.value() < kShareOf);
    while (!outer.empty() && (parts.size() > kManyParts || !enough_tasks())) {
      fused.push_back(outer.front());
      outer.erase(outer.begin());
    }
  }

  void collect_outer() {
    outer.clear();
    for (size_t d = 0; d < is_outer.size(); ++d)
      if (is_outer[d]) outer.push_back({var(d), v.shape()[d], {LoopRole::out, "", {}}});
  }

  Index tasks() const { return product(fused) * (shares ? kShares : 1); }

  bool enough_tasks() const {
    const Index count = tasks();
    return shares || (count.is_const() && count.value() >= kManyTasks);
  }

  bool few_tasks() const {
    const Index tasks = product(outer);
    return tasks.is_const() && tasks.value() < kShares;
  }

  Stmt nest_of(const Part& part, size_t number) const {
    std::vector<LoopAxis> inner;
    std::vector<Index> at(v.shape().size());
    for (size_t d = 0; d < at.size(); ++d) {
      const std::string own = is_outer[d] ? var(d) : var(d) + "_" + std::to_string(number);
      at[d] = Index::var(own);
      if (!is_outer[d]) inner.push_back({own, v.shape()[d], {LoopRole::out, "", {}}});
    }
    LoopAxis& along = inner.front();
    along.extent = part.extent;
    std::vector<LoopAxis> axes = outer;
    axes.insert(axes.end(), inner.begin(), inner.end());
    Ranges ranges = ctx.ranges(axes);
    ranges.set(task, Index(0), tasks() - 1);
    std::vector<Index> extents = extents_of(fused);
    if (shares) extents.push_back(kShares);
    const std::vector<Index> place = unflattened(ranges, Index::var(task), extents);
    for (size_t d = 0, n = 0; d < at.size() && n < fused.size(); ++d)
      if (is_outer[d]) at[d] = place[n++];
    Index within = at[dim];
    if (shares) {
      const Index size = ceildiv(ceildiv(part.extent, kShares), kShareUnit) * kShareUnit;
      const Index begin = place.back() * size, left = max(part.extent - begin, Index(0));
      along.extent = ranges.simplify(min(size, left));
      ranges.set(along.var, Range{Index(0), min(size - 1, part.extent - begin - 1), 1});
      within = begin + within;
    }
    ctx.exprs.begin(ranges);
    at[dim] = ranges.simplify(part.begin + within);
    for (const Chosen& c : part.chosen) {
      const Index index = ranges.simplify(at[dim] - c.begin);
      ctx.exprs.choose(c.concat, {c.part, index, ranges.simplify(index - c.skip)});
    }
    const Expr value = ctx.exprs.computed(v, at);
    return wrap(inner, with_lets(ctx, {k::store(name, at, value)}));
  }
};

}  // namespace

Stmt nest_parts(NestContext& ctx, const Value& v) {
  const Node& first = *ctx.group.placed.front();
  PartsNest nest{ctx, v, value_name(ctx.graph, v)};
  nest.dim = first.as<ConcatAttr>().dim;
  nest.collect(first, 0);
  if (nest.parts.empty()) return nest_elementwise(ctx, v);
  nest.choose_outer();
  std::vector<Stmt> nests;
  for (size_t n = 0; n < nest.parts.size(); ++n) nests.push_back(nest.nest_of(nest.parts[n], n));
  const Stmt body = wrap(nest.outer, k::block(std::move(nests)));
  return k::loop(nest.task, 0, nest.tasks(), body, LoopKind::parallel);
}

}  // namespace mintor
