// SPDX-License-Identifier: Apache-2.0
// Types of contract. Operand dtypes and what they accumulate in:
//   f16, bf16, f32 in any mix, or one of them with 8- or 16-bit integers -> f32;  f64 -> f64;
//   8- and 16-bit integers in any mix -> i32; other integers -> i64
// Keeps true: axis names are distinct and no symbols; coordinates mention axes and symbols only;
// every summed axis has role k or window.
#include <algorithm>

#include "compiler/ir/derive.h"

namespace mintor {

namespace {

DType result_of(const NodeParts& parts) {
  const DType x = parts.operand(0).dtype, y = parts.operand(1).dtype;
  auto single = [](DType d) { return d == DType::f32 || is_storage_float(d); };
  auto narrow = [](DType d) { return is_int(d) && size_of(d) <= 2; };
  if ((single(x) || narrow(x)) && (single(y) || narrow(y)) && (single(x) || single(y)))
    return DType::f32;
  if (x == DType::f64 && y == DType::f64) return DType::f64;
  if (is_int(x) && is_int(y)) return size_of(x) <= 2 && size_of(y) <= 2 ? DType::i32 : DType::i64;
  parts.fail("cannot multiply " + parts.operand_types(), "cast both to one of f32, f64, i64");
}

void check_vars(const NodeParts& parts, const Contract& c, const Index& e) {
  for (const std::string& name : e.vars()) {
    const bool axis =
        std::ranges::any_of(c.axes, [&](const ContractAxis& a) { return a.name == name; });
    if (!axis && parts.graph.find_symbol(name) == nullptr) {
      parts.fail("a coordinate mentions '" + name + "', which is neither an axis nor a symbol");
    }
  }
}

}  // namespace

std::vector<Type> derive_contract(const NodeParts& parts) {
  parts.need_operands(2);
  const Contract& c = parts.as<Contract>();
  Type result{result_of(parts), {}};
  for (size_t i = 0; i < c.axes.size(); ++i) {
    const ContractAxis& axis = c.axes[i];
    if (parts.graph.find_symbol(axis.name) != nullptr)
      parts.fail("axis '" + axis.name + "' has the name of a symbol");
    for (size_t j = 0; j < i; ++j) {
      if (c.axes[j].name == axis.name) parts.fail("two axes are named '" + axis.name + "'");
    }
    for (const std::string& name : axis.extent.vars()) {
      if (parts.graph.find_symbol(name) == nullptr) {
        parts.fail("the extent of axis '" + axis.name + "' mentions the unknown symbol '" + name +
                   "'");
      }
    }
    if (axis.role != AxisRole::k && axis.role != AxisRole::window)
      result.shape.push_back(axis.extent);
  }
  if (c.x_coords.size() != parts.operand(0).shape.size() ||
      c.y_coords.size() != parts.operand(1).shape.size()) {
    parts.fail("has " + std::to_string(c.x_coords.size()) + " and " +
               std::to_string(c.y_coords.size()) + " coordinates for operands " +
               parts.operand_types());
  }
  for (const Index& e : c.x_coords) check_vars(parts, c, e);
  for (const Index& e : c.y_coords) check_vars(parts, c, e);
  for (const IndexCondition& condition : c.conditions) {
    check_vars(parts, c, condition.value);
    check_vars(parts, c, condition.extent);
  }
  return {result};
}

}  // namespace mintor
