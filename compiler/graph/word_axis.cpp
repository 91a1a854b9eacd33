// SPDX-License-Identifier: Apache-2.0
// Takes a contract; gives its axis of bytes. Keeps true: an axis of four that happens to be last
// serves as well as one that was made for it.
#include "compiler/graph/word_axis.h"

namespace mintor {

static bool is_summed(const ContractAxis& a) {
  return a.role == AxisRole::k || a.role == AxisRole::window;
}

// The last dimension moves with the axis, byte by byte.
static bool is_innermost(const std::vector<Index>& coords, const std::string& axis) {
  for (size_t d = 0; d < coords.size(); ++d) {
    if (!coords[d].mentions(axis)) continue;
    const auto affine = coords[d].affine_in(axis);
    if (d + 1 < coords.size() || !affine || affine->first != 1) return false;
  }
  return !coords.empty() && coords.back().mentions(axis);
}

const ContractAxis* word_axis(const Contract& contract, const Value& x, const Value& y) {
  const bool mixed = (x.dtype() == DType::u8 && y.dtype() == DType::i8) ||
                     (x.dtype() == DType::i8 && y.dtype() == DType::u8);
  if (!mixed) return nullptr;
  const ContractAxis* last = nullptr;
  for (const ContractAxis& a : contract.axes)
    if (is_summed(a)) last = &a;
  if (last == nullptr || last->role != AxisRole::k || !last->extent.is_const(kBytesOfWord))
    return nullptr;
  for (const IndexCondition& c : contract.conditions)
    if (c.value.mentions(last->name)) return nullptr;
  // One operand lies by words; the other is laid out so.
  return is_innermost(contract.x_coords, last->name) || is_innermost(contract.y_coords, last->name)
             ? last
             : nullptr;
}

}  // namespace mintor
