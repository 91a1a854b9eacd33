// SPDX-License-Identifier: Apache-2.0
// Takes a contract whose coordinates are (m + p - tap) // s under (m + p - tap) % s == 0; see
// phases.h.
#include "compiler/graph/phases.h"

#include <algorithm>

#include "compiler/graph/index_map.h"
#include "compiler/support/index_poly.h"

namespace mintor {
namespace {

int64_t floor_of(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// m + p - tap
struct Turned {
  size_t out = 0;
  int64_t shift = 0;
};
std::optional<Turned> turned(const Contract& c, const Index& e, size_t window) {
  const auto along = e.affine_in(c.axes[window].name);
  if (!along || along->first != -1) return std::nullopt;
  for (size_t n = 0; n < c.axes.size(); ++n) {
    const Index rest = e + Index::var(c.axes[window].name) - Index::var(c.axes[n].name);
    if (c.axes[n].role == AxisRole::m && rest.is_const()) return Turned{n, rest.value()};
  }
  return std::nullopt;
}

// a and s of a % s == 0.
struct Multiple {
  Index value;
  int64_t of = 1;
};
std::optional<Multiple> multiple(const IndexCondition& condition) {
  const auto atoms = index_detail::atoms_of(condition.value);
  if (!condition.extent.is_const(1) || atoms.size() != 1 ||
      atoms[0]->kind != Index::Atom::Kind::mod || !atoms[0]->b.is_const() ||
      !(condition.value == index_detail::from_atom(atoms[0])))
    return std::nullopt;
  return Multiple{atoms[0]->a, atoms[0]->b.value()};
}

}  // namespace

std::optional<Phases> Phases::of(const Contract& transposed) {
  Phases phases(transposed);
  if (!phases.find_axes() || !phases.find_columns()) return std::nullopt;
  phases.move_by_one();
  return phases;
}

bool Phases::find_axes() {
  std::vector<Multiple> multiples;
  for (const IndexCondition& condition : whole_.conditions) {
    const auto known = multiple(condition);
    if (!known) return false;
    multiples.push_back(*known);
  }
  for (size_t w = 0; w < whole_.axes.size(); ++w) {
    const ContractAxis& window = whole_.axes[w];
    if (window.role != AxisRole::window) continue;
    const auto reads = [&](const Index& e) { return e.mentions(window.name); };
    const auto coordinate = std::ranges::find_if(whole_.x_coords, reads);
    if (!window.extent.is_const() || std::ranges::count_if(whole_.x_coords, reads) != 1)
      return false;
    PhasedAxis axis{0, w, 1, window.extent.value(), 0};
    auto place = turned(whole_, *coordinate, w);
    const auto strided =
        std::ranges::find_if(multiples, [&](const Multiple& known) { return reads(known.value); });
    if (strided != multiples.end()) {
      place = turned(whole_, strided->value, w);
      const Index beyond = *coordinate - floordiv(strided->value, strided->of);
      if (!place || !beyond.is_const()) return false;
      axis.stride = strided->of;
      place->shift += beyond.value() * axis.stride;
      multiples.erase(strided);
    }
    if (!place) return false;
    axis.out = place->out;
    axis.shift = place->shift;
    axes_.push_back(axis);
    phases_ *= axis.stride;
  }
  return !axes_.empty() && multiples.empty();
}

// One n axis; weights are indexed by an axis each.
bool Phases::find_columns() {
  if (std::ranges::count(whole_.axes, AxisRole::n, &ContractAxis::role) != 1) return false;
  const auto n = std::ranges::find(whole_.axes, AxisRole::n, &ContractAxis::role);
  columns_ = static_cast<size_t>(n - whole_.axes.begin());
  return n->extent.is_const() && std::ranges::all_of(whole_.y_coords, [](const Index& e) {
           return e.as_var().has_value();
         });
}

int64_t Phases::first_of(const PhasedAxis& axis) const { return floor_of(axis.shift, axis.stride); }

void Phases::move_by_one() {
  by_one_.conditions.clear();
  by_one_.axes[columns_].extent = phases_ * whole_.axes[columns_].extent;
  for (const PhasedAxis& axis : axes_) {
    ContractAxis& out = by_one_.axes[axis.out];
    ContractAxis& window = by_one_.axes[axis.window];
    out.extent = floordiv(out.extent - 1 + axis.shift, axis.stride) - first_of(axis) + 1;
    window.extent = taps_of(axis);
    for (Index& e : by_one_.x_coords)
      if (e.mentions(window.name))
        e = Index::var(out.name) + Index::var(window.name) + first_of(axis) - (taps_of(axis) - 1);
  }
}

Value Phases::weights(Builder& b, Value w) const {
  Shape shape = w.shape();
  IndexMap map;
  const auto dim_of = [&](size_t axis) {
    const Index name = Index::var(whole_.axes[axis].name);
    return static_cast<size_t>(std::ranges::find(whole_.y_coords, name) - whole_.y_coords.begin());
  };
  for (size_t d = 0; d < shape.size(); ++d) map.coords.push_back(dim_index(d));
  const Index& count = whole_.axes[columns_].extent;
  const Index column = map.coords[dim_of(columns_)];
  shape[dim_of(columns_)] = phases_ * count;
  map.coords[dim_of(columns_)] = mod(column, count);
  Index phase = floordiv(column, count);  // of the axes from the last one
  for (size_t n = axes_.size(); n-- > 0;) {
    const PhasedAxis& axis = axes_[n];
    const size_t d = dim_of(axis.window);
    const Index tap = axis.stride * (taps_of(axis) - 1 - map.coords[d]) + mod(phase, axis.stride);
    shape[d] = taps_of(axis);
    map.coords[d] = tap;
    if (axis.taps % axis.stride != 0) map.conditions.push_back({tap, axis.taps});
    phase = floordiv(phase, axis.stride);
  }
  return b.reindex(w, shape, map, Scalar::of(w.dtype(), 0.0));
}

Value Phases::results(Builder& b, Value z) const {
  Shape shape;
  IndexMap map;
  Index phase = 0;
  size_t at_columns = 0;
  for (size_t n = 0; n < whole_.axes.size(); ++n) {
    const ContractAxis& axis = whole_.axes[n];
    if (axis.role == AxisRole::k || axis.role == AxisRole::window) continue;
    if (n == columns_) at_columns = shape.size();
    map.coords.push_back(dim_index(shape.size()));
    shape.push_back(axis.extent);
  }
  for (const PhasedAxis& axis : axes_) {
    size_t d = 0;
    for (size_t n = 0; n < axis.out; ++n)
      d += whole_.axes[n].role != AxisRole::k && whole_.axes[n].role != AxisRole::window;
    const Index place = map.coords[d] + axis.shift;
    phase = phase * axis.stride + mod(place, axis.stride);
    map.coords[d] = floordiv(place, axis.stride) - first_of(axis);
  }
  map.coords[at_columns] = phase * whole_.axes[columns_].extent + map.coords[at_columns];
  return b.reindex(z, shape, map, Scalar::of(z.dtype(), 0.0));
}

}  // namespace mintor
