// SPDX-License-Identifier: Apache-2.0
// contract: the gradient of each operand is a contract of the other with g.
//   y[m, n] = sum k of x[m, k] w[k, n]        ->   gx[m, k] = sum n of g[m, n] w[k, n]
//   y[o] = sum w of x[2*o + w - 1] weight[w]   ->   gx[j] = sum w of g[(j - w + 1) // 2] weight[w]
//                                                  where 2 divides j - w + 1
//   y[o] = sum w of x[(o - w + 1) // 2] weight[w] where 2 divides o - w + 1
//                                               ->   gweight[w] = sum p of g[2*p + w - 1] x[p]
// Each dimension of the operand is one axis of the result, or several where its coordinate counts
// them as digits (groups); what the operand's index leaves open is summed: over places of the other
// operand where most places of g would be left out. Coordinates that cannot be solved are a scatter
// of the products.
#include <algorithm>

#include "compiler/grad/rule.h"
#include "compiler/grad/solve.h"
#include "compiler/support/index_poly.h"

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

// Whether the contract leaves out where this is no whole quotient.
bool is_exact(const Contract& c, const Index& quotient) {
  return std::ranges::any_of(c.conditions, [&](const IndexCondition& condition) {
    const auto& terms = condition.value.poly().terms;
    if (!condition.extent.is_const(1) || terms.size() != 1 || terms[0].factors.size() != 1)
      return false;
    const AtomRef& atom = terms[0].factors[0];
    return atom->kind == Index::Atom::Kind::mod && floordiv(atom->a, atom->b) == quotient;
  });
}

// A coordinate of the other operand as a k axis, and what it is equal to.
struct Place {
  ContractAxis axis;
  Index quotient;
};

// The other operand's coordinates that are exact quotients of what is summed (a transposed
// convolution's): the sum over the quotients leaves nothing out.
std::vector<Place> places_of(const Graph& graph, const Sides& sides, const Shape& other) {
  std::vector<Place> places;
  for (size_t d = 0; d < other.size(); ++d)
    if (is_exact(sides.contract, sides.other()[d]))
      places.push_back(
          {{fresh_name(graph, sides.contract, sides.own().size() + d), AxisRole::k, other[d]},
           sides.other()[d]});
  return places;
}

// Those that an axis was solved by.
std::vector<ContractAxis> solve_places(std::span<const Place> places, IndexSolver& solver) {
  std::vector<ContractAxis> solved;
  for (const Place& place : places) {
    const bool is_open = std::ranges::any_of(solver.free(), [&](const IndexUnknown& u) {
      return solver.put_in(place.quotient).mentions(u.name);
    });
    IndexSolver attempt = solver;
    if (!is_open || !attempt.add(place.quotient, Index::var(place.axis.name))) continue;
    solver = std::move(attempt);
    solved.push_back(place.axis);
  }
  return solved;
}

// The axes that are neither the operand's index nor solved: summed, in their own order, and last
// those that were found for them. An axis of the result becomes a k axis.
std::vector<ContractAxis> summed_axes(const Contract& c, const Target& target,
                                      const IndexSolver& solver,
                                      std::span<const ContractAxis> places) {
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
  summed.insert(summed.end(), places.begin(), places.end());
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

// Coordinates as they are and as they were: an axis of extent 1 is in these alone.
std::vector<Index> together(std::vector<Index> solved, std::span<const Index> given) {
  solved.insert(solved.end(), given.begin(), given.end());
  return solved;
}

// Of a weight: the axis that vectors run along. Its taps may leave the other operand, so that no
// panels are made of it and it has to be read as it lies.
const ContractAxis* lanes_of_weight(const Contract& forward, const Contract& c) {
  const ContractAxis* last = nullptr;
  bool has_window = false;
  for (const ContractAxis& a : c.axes) {
    if (is_summed(a.role)) continue;
    has_window = has_window || is_window(forward, a.name);
    last = &a;
  }
  return has_window ? last : nullptr;
}

bool reads_windows(const Contract& forward, std::span<const ContractAxis> axes,
                   std::span<const Index> coords) {
  return std::ranges::any_of(axes, [&](const ContractAxis& a) {
    return is_window(forward, a.name) && mention(coords, a.name);
  });
}

// The operand with its dimension along `lanes` last, so that vectors can read it.
Value read_along(Builder& b, Value v, std::vector<Index>& coords, const ContractAxis& lanes) {
  const auto found =
      std::ranges::find_if(coords, [&](const Index& e) { return e.mentions(lanes.name); });
  if (found == coords.end()) return v;
  const auto at = static_cast<int32_t>(found - coords.begin());
  std::vector<int32_t> perm = dims_without(coords.size(), {&at, 1});
  perm.push_back(at);
  std::rotate(found, found + 1, coords.end());
  return b.transpose(v, perm);
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

// Of a weight, vectors may run along the channels of either side. Along those of the side that no
// window is read at (the gradient's of a convolution, the input's of a transposed one) they read
// panels, and the result is moved far afterwards, element by element; along those of the other side
// it is the other way round. Which costs less is a matter of how many terms a sum has: 512 to 512
// channels 3x3 of 7x7 (49 terms) 20 ms and 2.1 ms, 64 to 64 of 8x28x28 (6272 terms) 2.4 ms and
// 4.2 ms, 128 to 128 of 28x28 (784 terms) 1.2 ms both (Intel family 6 model 207, v4, one core,
// 2026-11-29).
// Channels that do not fill a vector cost more than either.
constexpr int64_t kFewTerms = 1024;
constexpr int64_t kLanesFilled = 16;

// Lanes that the channels fill which only coordinates of the first kind are read at.
int64_t lanes_filled(const Contract& c, std::span<const ContractAxis> axes,
                     std::span<const Index> in, std::span<const Index> not_in) {
  int64_t most = 0;
  for (const ContractAxis& a : axes)
    if (!is_window(c, a.name) && mention(in, a.name) && !mention(not_in, a.name))
      most = std::max(
          most, a.extent.is_const() ? std::min(a.extent.value(), kLanesFilled) : kLanesFilled);
  return most;
}

bool runs_along_windows(const Contract& c, std::span<const ContractAxis> axes,
                        std::span<const ContractAxis> summed, std::span<const Index> windowed,
                        std::span<const Index> plain) {
  Index terms = 1;
  for (const ContractAxis& a : summed) terms = terms * a.extent;
  const int64_t of_windowed = lanes_filled(c, axes, windowed, plain);
  if (of_windowed > lanes_filled(c, axes, plain, windowed)) return true;
  return of_windowed == kLanesFilled && terms.is_const() && terms.value() < kFewTerms;
}

// Whether the gradient is the left side: the one whose own axis comes first in the result. Of a
// weight, where vectors run along the other.
bool is_left(const Contract& c, std::span<const ContractAxis> axes,
             std::span<const ContractAxis> summed, std::span<const Index> of_grad,
             std::span<const Index> of_other) {
  const auto window =
      std::ranges::find_if(axes, [&](const ContractAxis& a) { return is_window(c, a.name); });
  if (window != axes.end())
    return mention(of_grad, window->name) ? !runs_along_windows(c, axes, summed, of_grad, of_other)
                                          : runs_along_windows(c, axes, summed, of_other, of_grad);
  const auto first = std::ranges::find_if(axes, [&](const ContractAxis& a) {
    return a.role == AxisRole::m && mention(of_grad, a.name) != mention(of_other, a.name);
  });
  return first == axes.end() || mention(of_grad, first->name);
}

// Vectors run along the last axis. A window is too short for them, so the gradient of a weight
// lists its windows first and the right side's channels last: the result's own order is near, and
// what is left of it moves rows. Gives where each axis went.
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
  const std::vector<Place> places = places_of(graph, sides, other.shape());
  for (const Place& place : places) ranges.set(place.axis.name, Index(0), place.axis.extent - 1);
  const std::vector<IndexUnknown> unknowns = to_solve(sides.contract, target);
  IndexSolver solver(ranges, unknowns, sides.contract.conditions);
  for (const auto& [value, wanted] : target.equations)
    if (!solver.add(value, wanted)) return {};
  const std::vector<ContractAxis> found = solve_places(places, solver);

  Contract c;
  const auto of_grad = put_in(solver, sides.grad()), of_other = put_in(solver, sides.other());
  const auto grad_reads = together(of_grad, sides.grad());
  const auto other_reads = together(of_other, sides.other());
  c.axes = result_axes(target, grad_reads, other_reads);
  const auto summed = summed_axes(sides.contract, target, solver, found);
  const bool grad_first = is_left(sides.contract, c.axes, summed, grad_reads, other_reads);
  const auto& right = grad_first ? other_reads : grad_reads;
  for (ContractAxis& a : c.axes)
    if (a.role == AxisRole::m && mention(right, a.name)) a.role = AxisRole::n;
  const std::vector<int32_t> listed = by_vectors(sides.contract, c.axes);
  c.axes.insert(c.axes.end(), summed.begin(), summed.end());
  c.x_coords = grad_first ? of_grad : of_other;
  c.y_coords = grad_first ? of_other : of_grad;
  c.conditions = solver.conditions();
  add_bounds(c.conditions, sides.contract, solver);
  Value x = grad_first ? at.grads[0] : other, y = grad_first ? other : at.grads[0];
  if (const ContractAxis* lanes = lanes_of_weight(sides.contract, c)) {
    if (lanes->role == AxisRole::batch) x = read_along(at.b, x, c.x_coords, *lanes);
    if (lanes->role == AxisRole::batch || reads_windows(sides.contract, c.axes, c.y_coords))
      y = read_along(at.b, y, c.y_coords, *lanes);
  }
  const Value sum = at.b.contract(x, y, std::move(c));
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
