// SPDX-License-Identifier: Apache-2.0
// Takes a contract; gives its axis of pairs as pairs.h says. Keeps true: dtypes and axes alone
// decide, never how operands lie in memory.
#include "compiler/ir/pairs.h"

#include <algorithm>

namespace mintor {

const ContractAxis* pair_axis_of(const Contract& contract, DType x, DType y) {
  const Order& order = contract.order;
  if (x != DType::bf16 || y != DType::bf16 || order.form != Order::Form::chain ||
      order.chunk % kPair != 0)
    return nullptr;
  const ContractAxis* found = nullptr;
  bool windows = false;
  for (const ContractAxis& a : contract.axes) {
    windows = windows || a.role == AxisRole::window;
    if (a.role == AxisRole::k && found != nullptr) return nullptr;
    if (a.role == AxisRole::k) found = &a;
  }
  if (found == nullptr || (windows && (order.inner <= 1 || order.inner % kPair != 0)))
    return nullptr;
  const auto moves = [&](const Index& e) { return e.mentions(found->name); };
  const auto tests = [&](const IndexCondition& c) { return c.value.mentions(found->name); };
  if (std::ranges::none_of(contract.x_coords, moves) ||
      std::ranges::none_of(contract.y_coords, moves) ||
      std::ranges::any_of(contract.conditions, tests))
    return nullptr;
  return found;
}

const ContractAxis* pair_axis(const Contract& contract, const Value& x, const Value& y) {
  return contract.order.pairs ? pair_axis_of(contract, x.dtype(), y.dtype()) : nullptr;
}

bool lies_in_pairs(const std::vector<Index>& coords, const ContractAxis& k, const Ranges& ranges) {
  const std::string pair = k.name + "_pair", half = k.name + "_half";
  Ranges inner = ranges;
  inner.set(pair, Index(0), floordiv(k.extent - 1, kPair));
  inner.set(half, Index(0), Index(kPair - 1));
  const std::map<std::string, Index> split{{k.name, kPair * Index::var(pair) + Index::var(half)}};
  for (size_t d = 0; d < coords.size(); ++d) {
    const Index e = inner.simplify(coords[d].substitute(split));
    const auto affine = e.affine_in(half);
    if (d + 1 == coords.size()) return affine && affine->first == 1;
    if (e.mentions(half)) return false;
  }
  return false;
}

}  // namespace mintor
