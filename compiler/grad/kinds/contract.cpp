// SPDX-License-Identifier: Apache-2.0
// contract: the gradient of each operand is a contract of the other with g.
//   y[m, n] = sum k of x[m, k] w[k, n]        ->   gx[m, k] = sum n of g[m, n] w[k, n]
//   y[o] = sum w of x[2*o + w - 1] weight[w]   ->   gx[j] = sum w of g[(j - w + 1) // 2] weight[w]
//                                                  where 2 divides j - w + 1
// Each dimension of the operand is one axis of the result, or several where its coordinate counts
// them as digits (groups); what the operand's index leaves open is summed. Coordinates that cannot
// be solved are a scatter of the products.
#include <algorithm>

#include "compiler/grad/rule.h"
#include "compiler/grad/solve.h"

namespace mintor {

namespace {

bool is_summed(AxisRole role) { return role == AxisRole::k || role == AxisRole::window; }

bool is_window(const Contract& c, const std::string& name) {
  const auto axis = std::ranges::find(c.axes, name, &ContractAxis::name);
  return axis != c.axes.end() && axis->role == AxisRole::window;
}

struct Sides {
  const Contract& contract;
  bool of_x;
  const std::vector<Index>& own() const { return of_x ? contract.x_coords : contract.y_coords; }
  const std::vector<Index>& other() const { return of_x ? contract.y_coords : contract.x_coords; }
  std::vector<Index> grad() const {
    std::vector<Index> coords;
    for (const ContractAxis& axis : contract.axes)
      if (!is_summed(axis.role)) coords.push_back(Index::var(axis.name));
    return coords;
  }
};

// Axes in the order in which they are best solved for: those of the result, which g is read at,
// and of these the longest; windows, which are short, stay sums.
std::vector<IndexUnknown> unknowns_of(const Contract& c) {
  const auto rank = [](const ContractAxis& axis) {
    const int64_t extent = axis.extent.is_const() ? -axis.extent.value() : INT64_MIN;
    return std::pair(axis.role == AxisRole::window ? 2 : axis.role == AxisRole::k ? 1 : 0, extent);
  };
  std::vector<ContractAxis> sorted = c.axes;
  std::ranges::stable_sort(sorted, {}, rank);
  std::vector<IndexUnknown> unknowns;
  for (const ContractAxis& axis : sorted) unknowns.push_back({axis.name, axis.extent});
  return unknowns;
}

// The operand's index: axes that its dimensions consist of, and equations for the other dimensions.
struct Target {
  std::vector<IndexUnknown> axes;  // of the result, in order
  std::vector<std::pair<Index, Index>> equations;
};

std::string fresh_name(const Graph& graph, const Contract& c, size_t d) {
  std::string name = "j" + std::to_string(d);
  while (graph.find_symbol(name) != nullptr ||
         std::ranges::find(c.axes, name, &ContractAxis::name) != c.axes.end())
    name += "_";
  return name;
}

Target target_of(const Graph& graph, const Sides& sides, const Shape& shape) {
  std::vector<IndexUnknown> unused = unknowns_of(sides.contract);
  Target target;
  for (size_t d = 0; d < shape.size(); ++d) {
    const Index& coord = sides.own()[d];
    if (shape[d].is_const(1) && coord.is_const(0)) continue;
    if (const auto digits = digits_of(coord, shape[d], unused, graph.ranges())) {
      for (const IndexUnknown& digit : *digits) {
        std::erase(unused, digit);
        target.axes.push_back(digit);
      }
      continue;
    }
    const std::string name = fresh_name(graph, sides.contract, d);
    target.axes.push_back({name, shape[d]});
    target.equations.push_back({coord, Index::var(name)});
  }
  return target;
}

// The axes that equations may be solved for. A window stays a sum where something else can be
// solved for: strategies know taps that are left out, not windows that are read in parts.
std::vector<IndexUnknown> to_solve(const Contract& c, const Target& target) {
  std::vector<IndexUnknown> unknowns = unknowns_of(c);
  for (const IndexUnknown& a : target.axes) std::erase(unknowns, a);
  const std::vector<IndexUnknown> all = unknowns;
  for (const auto& [value, wanted] : target.equations) {
    const bool has_other = std::ranges::any_of(all, [&](const IndexUnknown& u) {
      return !is_window(c, u.name) && value.mentions(u.name);
    });
    if (has_other)
      std::erase_if(unknowns, [&](const IndexUnknown& u) {
        return is_window(c, u.name) && value.mentions(u.name);
      });
  }
  return unknowns;
}

// The axes that are neither the operand's index nor solved: summed, in their own order. An axis of
// the result becomes a k axis.
std::vector<ContractAxis> summed_axes(const Contract& c, const Target& target,
                                      const IndexSolver& solver) {
  std::vector<ContractAxis> summed;
  for (const ContractAxis& axis : c.axes) {
    const bool kept =
        std::ranges::find(target.axes, axis.name, &IndexUnknown::name) != target.axes.end();
    if (kept || solver.is_solved(axis.name)) continue;
    summed.push_back(
        {axis.name, axis.role == AxisRole::window ? axis.role : AxisRole::k, axis.extent});
  }
  for (const IndexUnknown& u : solver.free())
    if (std::ranges::find(c.axes, u.name, &ContractAxis::name) == c.axes.end())
      summed.push_back({u.name, AxisRole::k, u.extent});
  return summed;
}

// A solved axis that g is not read at has to lie within its extent.
void add_bounds(std::vector<IndexCondition>& conditions, const Contract& c,
                const IndexSolver& solver) {
  for (const ContractAxis& axis : c.axes) {
    if (!is_summed(axis.role) || !solver.is_solved(axis.name)) continue;
    const Index value = solver.put_in(Index::var(axis.name));
    const Ranges& ranges = solver.ranges();
    if (ranges.proves_nonnegative(value) && ranges.proves_less(value, axis.extent)) continue;
    conditions.push_back({value, axis.extent});
  }
}

bool mention(std::span<const Index> coords, const std::string& name) {
  return std::ranges::any_of(coords, [&](const Index& e) { return e.mentions(name); });
}

std::vector<Index> put_in(const IndexSolver& solver, std::span<const Index> coords) {
  std::vector<Index> out;
  for (const Index& e : coords) out.push_back(solver.put_in(e));
  return out;
}

// The operand's axes, m where only one side reads along them.
std::vector<ContractAxis> result_axes(const Target& target, std::span<const Index> of_grad,
                                      std::span<const Index> of_other) {
  std::vector<ContractAxis> axes;
  for (const IndexUnknown& a : target.axes) {
    const bool both = mention(of_grad, a.name) && mention(of_other, a.name);
    axes.push_back({a.name, both ? AxisRole::batch : AxisRole::m, a.extent});
  }
  return axes;
}

// Whether the gradient is the left side: the one whose own axis comes first in the result, or with
// a window, whose taps may leave the other operand, the right one.
bool is_left(const Contract& c, std::span<const ContractAxis> axes, std::span<const Index> of_grad,
             std::span<const Index> of_other) {
  const auto first = std::ranges::find_if(axes, [&](const ContractAxis& a) {
    return a.role == AxisRole::m && mention(of_grad, a.name) != mention(of_other, a.name);
  });
  if (std::ranges::any_of(axes, [&](const ContractAxis& a) { return is_window(c, a.name); }))
    return false;
  return first == axes.end() || mention(of_grad, first->name);
}

// Vectors run along the last axis. A window is too short for them, so the gradient of a weight
// lists its windows first and the gradient's channels last. Gives where each axis went.
std::vector<int32_t> by_vectors(const Contract& c, std::vector<ContractAxis>& axes) {
  const bool has_window =
      std::ranges::any_of(axes, [&](const ContractAxis& a) { return is_window(c, a.name); });
  const bool has_n = std::ranges::find(axes, AxisRole::n, &ContractAxis::role) != axes.end();
  const auto rank = [&](const ContractAxis& a) {
    if (!has_window) return 0;
    if (is_window(c, a.name)) return 1;
    return a.role == AxisRole::batch ? (has_n ? 0 : 4) : a.role == AxisRole::m ? 2 : 3;
  };
  const std::vector<ContractAxis> before = axes;
  std::ranges::stable_sort(axes, {}, rank);
  std::vector<int32_t> places;
  for (const ContractAxis& a : before)
    places.push_back(static_cast<int32_t>(std::ranges::find(axes, a) - axes.begin()));
  return places;
}

// The gradient as a contract; null where a coordinate cannot be solved.
Value as_contract(const Backward& at, const Sides& sides, Value own, Value other) {
  const Graph& graph = at.b.graph();
  const Target target = target_of(graph, sides, own.shape());
  Ranges ranges = graph.ranges();
  for (const ContractAxis& a : sides.contract.axes) ranges.set(a.name, Index(0), a.extent - 1);
  std::vector<std::string> names;
  Shape shape;
  for (const IndexUnknown& a : target.axes) {
    names.push_back(a.name);
    shape.push_back(a.extent);
  }
  ranges = ranges_inside(std::move(ranges), names, shape);
  const std::vector<IndexUnknown> unknowns = to_solve(sides.contract, target);
  IndexSolver solver(ranges, unknowns, sides.contract.conditions);
  for (const auto& [value, wanted] : target.equations)
    if (!solver.add(value, wanted)) return {};

  Contract c;
  const auto of_grad = put_in(solver, sides.grad()), of_other = put_in(solver, sides.other());
  c.axes = result_axes(target, of_grad, of_other);
  const bool grad_first = is_left(sides.contract, c.axes, of_grad, of_other);
  const auto& right = grad_first ? of_other : of_grad;
  for (ContractAxis& a : c.axes)
    if (a.role == AxisRole::m && mention(right, a.name)) a.role = AxisRole::n;
  const std::vector<int32_t> listed = by_vectors(sides.contract, c.axes);
  for (const ContractAxis& a : summed_axes(sides.contract, target, solver)) c.axes.push_back(a);
  c.x_coords = grad_first ? of_grad : of_other;
  c.y_coords = right;
  c.conditions = solver.conditions();
  add_bounds(c.conditions, sides.contract, solver);
  const Value g = at.grads[0];
  const Value sum = at.b.contract(grad_first ? g : other, grad_first ? other : g, std::move(c));
  return at.b.reshape(at.b.transpose(sum, listed), own.shape());
}

// All products, each added to where the operand was read.
Value as_scatter(const Backward& at, const Sides& sides, Value own, Value other) {
  std::map<std::string, Index> names;
  Shape space;
  for (const ContractAxis& axis : sides.contract.axes) {
    names[axis.name] = Index::var("i" + std::to_string(space.size()));
    space.push_back(axis.extent);
  }
  const auto over_space = [&](std::span<const Index> coords) {
    IndexMap map;
    for (const Index& e : coords) map.coords.push_back(e.substitute(names));
    return map;
  };
  const auto read = [&](Value v, std::span<const Index> coords) {
    const Value wide = at.b.cast(v, at.grads[0].dtype());
    return at.b.reindex(wide, space, over_space(coords), Scalar::of(wide.dtype(), 0));
  };
  const Value products =
      at.b.apply(ScalarOp::mul, {read(at.grads[0], sides.grad()), read(other, sides.other())});
  IndexMap map = over_space(sides.own());
  for (const IndexCondition& c : sides.contract.conditions)
    map.conditions.push_back({c.value.substitute(names), c.extent.substitute(names)});
  return at.b.reindex_reduce(Combiner::add, zeros(at.b, products.dtype(), own.shape()), products,
                             std::move(map));
}

}  // namespace

Gradients backward_contract(const Backward& at) {
  Gradients grads(2);
  for (size_t i = 0; i < 2; ++i) {
    if (!at.wanted[i]) continue;
    const Sides sides{at.node.as<Contract>(), i == 0};
    const Value own = at.operand(i), other = at.operand(1 - i);
    grads[i] = as_contract(at, sides, own, other);
    if (!grads[i]) grads[i] = as_scatter(at, sides, own, other);
  }
  return grads;
}

}  // namespace mintor
