// SPDX-License-Identifier: Apache-2.0
// pad: constant, edge, reflect and wrap as coordinates of one reindex; negative pads crop.
// Takes pads as Index. A fill that is not constant is selected by a mask of what is inside.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

// Where position i of a dimension padded by `before` comes from; outside x in constant mode.
Index padded_coordinate(Builder& b, std::string_view op, PadMode mode, const Index& i,
                        const Index& before, const Index& size) {
  // A symbolic size may turn out 0 or 1; no divisor becomes 0 then.
  auto at_least_1 = [&](const Index& e) { return b.graph().ranges().simplify(max(1, e)); };
  Index c = i - before;
  switch (mode) {
    case PadMode::constant:
      return c;
    case PadMode::edge:
      return max(0, min(size - 1, c));
    case PadMode::wrap:
      if (size.is_const(0)) fail(op, "an empty dimension cannot be wrapped");
      return mod(c, at_least_1(size));
    case PadMode::reflect: {
      if (size.is_const(0)) fail(op, "an empty dimension cannot be reflected");
      if (size.is_const(1)) return 0;
      Index period = at_least_1(Index(2) * size - 2), folded = mod(c, period);
      return min(folded, period - folded);
    }
  }
  return c;
}

}  // namespace

Value pad(Builder& b, Value x, std::span<const Index> before, std::span<const Index> after,
          PadMode mode, Value fill) {
  OpScope scope(b, "pad");
  size_t rank = x.shape().size();
  if (before.size() != rank || after.size() != rank)
    fail("pad", std::to_string(before.size()) + " + " + std::to_string(after.size()) +
                    " pads for " + text(x.type()));
  IndexMap map = identity_map(rank);
  Shape shape = x.shape();
  for (size_t d = 0; d < rank; ++d) {
    shape[d] = shape[d] + before[d] + after[d];
    if (shape[d].is_const() && shape[d].value() < 0)
      fail("pad", "pads " + before[d].str() + " and " + after[d].str() +
                      " leave nothing of dimension " + std::to_string(d) + " of " + text(x.type()));
    if (!before[d].is_const(0) || !after[d].is_const(0))
      map.coords[d] = padded_coordinate(b, "pad", mode, result_index(d), before[d], x.shape()[d]);
  }
  Scalar outside = zero_of(x);
  bool known = !fill;
  if (fill && (fill.dtype() != x.dtype() || !fill.shape().empty()))
    fail("pad", "the fill value must be a 0-d " + std::string(name_of(x.dtype())) + ", not " +
                    text(fill.type()));
  if (fill && fill.node->kind == Kind::constant) {
    outside = fill.node->as<ConstantAttr>().value.at(0);
    known = true;
  }
  Value y = b.reindex(x, shape, map, outside);
  if (known || mode != PadMode::constant) return y;
  Value inside = b.reindex(b.broadcast_to(b.constant_int(DType::boolean, 1), x.shape()), shape, map,
                           Scalar::of_int(DType::boolean, 0));
  return where(b, inside, y, fill);
}

}  // namespace mintor::ops
