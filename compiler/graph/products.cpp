// SPDX-License-Identifier: Apache-2.0
// Takes and gives what products.h says. Keeps true: two axes that meet in one coordinate, and in no
// other, leave the array independently of all others, so that a share is taken of each pair.
#include "compiler/graph/products.h"

#include <algorithm>

#include "compiler/ir/winograd.h"

namespace mintor {
namespace {

struct Pair {
  const ContractAxis *a = nullptr, *b = nullptr;  // the longer one first
};

bool known(const ContractAxis& axis) { return axis.extent.is_const() && axis.extent.value() > 0; }

// The two axes of a coordinate, where it has two that are known and that no other one mentions.
Pair pair_of(const Contract& c, const std::vector<Index>& coords, size_t at) {
  std::vector<const ContractAxis*> axes;
  for (const ContractAxis& axis : c.axes)
    if (coords[at].mentions(axis.name)) axes.push_back(&axis);
  if (axes.size() != 2 || !known(*axes[0]) || !known(*axes[1])) return {};
  for (const ContractAxis* axis : axes)
    if (std::ranges::count_if(coords, [&](const Index& e) { return e.mentions(axis->name); }) != 1)
      return {};
  if (axes[0]->extent.value() < axes[1]->extent.value()) std::swap(axes[0], axes[1]);
  return {axes[0], axes[1]};
}

int64_t ceil_div(int64_t a, int64_t d) { return a >= 0 ? (a + d - 1) / d : -(-a / d); }

// Values of both axes at which 0 <= coordinate < size; -1: the coordinate is of another form.
int64_t inside(const Pair& pair, const Index& coordinate, int64_t size) {
  const auto along_a = coordinate.affine_in(pair.a->name);
  if (!along_a || along_a->first < 1) return -1;
  const auto along_b = along_a->second.affine_in(pair.b->name);
  if (!along_b || !along_b->second.is_const()) return -1;
  const int64_t step = along_a->first;
  int64_t count = 0;
  for (int64_t b = 0; b < pair.b->extent.value(); ++b) {
    const int64_t first = along_b->second.value() + along_b->first * b;
    const int64_t low = std::max<int64_t>(0, ceil_div(-first, step));
    const int64_t high = std::min(pair.a->extent.value(), ceil_div(size - first, step));
    count += std::max<int64_t>(0, high - low);
  }
  return count;
}

}  // namespace

Index products_of(const Contract& c, const Shape& x, const Shape& y) {
  Index products = 1;
  for (const ContractAxis& axis : c.axes) products = products * axis.extent;
  if (c.order.form == Order::Form::winograd) {
    for (size_t n = 0; n < winograd::axes_of(c).size(); ++n)
      products = ceildiv(products, c.order.tile);
    return products;
  }
  for (const auto& [coords, shape] : {std::pair(&c.x_coords, &x), std::pair(&c.y_coords, &y)})
    for (size_t d = 0; d < coords->size(); ++d) {
      const Pair pair = pair_of(c, *coords, d);
      if (pair.a == nullptr || !(*shape)[d].is_const()) continue;
      const int64_t count = inside(pair, (*coords)[d], (*shape)[d].value());
      if (count < 0) continue;
      // Both extents are factors of it.
      products = floordiv(products, pair.a->extent.value() * pair.b->extent.value()) * count;
    }
  return products;
}

}  // namespace mintor
