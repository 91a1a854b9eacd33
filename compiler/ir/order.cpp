// SPDX-License-Identifier: Apache-2.0
// The default orders of summation: what the pass `order` writes and the evaluator takes where none
// is set.
//   reduce    16 lanes in blocks of 4096; argmin and argmax serial        scan  serial
//   contract  m and n absent or of constant extent 1: lanes(4096) with FMA (a symbol counts as
//   larger than 1);
//             window axes and exactly one k axis: the sequence (k / 16, window row-major, k mod 16)
//             in chunks of the largest whole number of its blocks (16 x window positions) that 8192
//             positions hold, at least one; otherwise the summed axes row-major as listed, in
//             chunks of 8192
// A window of symbolic size has no block size, so that it takes the last form.
#include <algorithm>

#include "compiler/ir/evaluate.h"
#include "compiler/ir/lanes.h"
#include "compiler/support/error.h"

namespace mintor {

namespace {

constexpr int64_t kBlock = 4096;  // positions of one lanes block
constexpr int64_t kChunk = 8192;  // positions of one chain

Order lanes_order() {
  Order order;
  order.form = Order::Form::lanes;
  order.block = kBlock;
  order.lanes = kLanes;
  return order;
}

Order contract_order(const Contract& c) {
  Order order;
  bool outer_is_one = true, has_window = false, constant_window = true;
  int64_t k_axes = 0, window = 1;
  for (const ContractAxis& axis : c.axes) {
    switch (axis.role) {
      case AxisRole::batch:
        break;
      case AxisRole::m:
      case AxisRole::n:
        outer_is_one = outer_is_one && axis.extent.is_const(1);
        break;
      case AxisRole::k:
        ++k_axes;
        break;
      case AxisRole::window:
        has_window = true;
        constant_window = constant_window && axis.extent.is_const();
        if (constant_window) window *= axis.extent.value();
        break;
    }
  }
  if (outer_is_one) return lanes_order();
  order.form = Order::Form::chain;
  order.chunk = kChunk;
  if (!has_window || !constant_window || k_axes != 1) return order;
  const int64_t innermost = kLanes * std::max<int64_t>(window, 1);
  order.inner = kLanes;  // one channel block, the unit of every packed layout
  order.chunk = std::max<int64_t>(kChunk / innermost, 1) * innermost;
  return order;
}

}  // namespace

Order default_order(const Node& node) {
  Order order;
  order.form = Order::Form::serial;
  switch (node.kind) {
    case Kind::contract:
      return contract_order(node.as<Contract>());
    case Kind::scan:
      return order;
    case Kind::reduce: {
      const Combiner combiner = node.as<ReduceAttr>().combiner;
      if (combiner == Combiner::argmin || combiner == Combiner::argmax) return order;
      return lanes_order();
    }
    default:
      throw InternalError("default_order", std::string(name_of(node.kind)) + " sums nothing");
  }
}

}  // namespace mintor
