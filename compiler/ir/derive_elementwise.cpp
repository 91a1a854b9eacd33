// SPDX-License-Identifier: Apache-2.0
// Types of element-wise nodes: scalar functions, casts, bit casts, and packing of 4- and 2-bit
// integers. pack: e per byte, the first in the low bits, along the last dimension (its size rounded
// up); unpack is its inverse, sign-extending to i8 or zero-extending to u8, and drops what the last
// byte holds beyond the result's size.
#include "compiler/ir/derive.h"

namespace mintor {

namespace {

std::vector<Type> derive_scalar(const NodeParts& parts) {
  const ScalarOp op = parts.as<ScalarAttr>().op;
  const int count = arity(op);
  const int expected = parts.kind == Kind::unary ? 1 : parts.kind == Kind::binary ? 2 : 3;
  if (count != expected) parts.fail("is no " + std::string(name_of(parts.kind)) + " function");
  parts.need_operands(static_cast<size_t>(count));
  std::vector<DType> dtypes;
  for (const Value& operand : parts.operands) {
    dtypes.push_back(operand.dtype());
    if (operand.shape() != parts.operand(0).shape) {
      parts.fail("operands have different shapes: " + parts.operand_types(),
                 "broadcast them to one shape first");
    }
  }
  if (Refusal refusal = accepts(op, dtypes)) parts.fail(refusal.reason);
  return {Type{result_dtype(op, dtypes), parts.operand(0).shape}};
}

std::vector<Type> derive_pack(const NodeParts& parts) {
  parts.need_operands(1);
  const PackAttr& attr = parts.as<PackAttr>();
  if (attr.bits != 4 && attr.bits != 2)
    parts.fail("packs 4- or 2-bit integers, not " + std::to_string(attr.bits) + "-bit");
  const Type& type = parts.operand(0);
  if (type.shape.empty()) parts.fail("needs at least one dimension, got " + parts.operand_types());
  const Index per_byte = 8 / attr.bits;
  const DType wide = attr.is_signed ? DType::i8 : DType::u8;
  if (parts.kind == Kind::pack) {
    if (type.dtype != wide)
      parts.fail("packs " + std::string(name_of(wide)) + ", got " + parts.operand_types());
    Type result{DType::u8, type.shape};
    result.shape.back() = ceildiv(type.shape.back(), per_byte);
    return {result};
  }
  if (type.dtype != DType::u8) parts.fail("unpacks u8, got " + parts.operand_types());
  Type result{wide, type.shape};
  result.shape.back() =
      parts.types.empty() ? type.shape.back() * per_byte : parts.types[0].shape.back();
  if (!(ceildiv(result.shape.back(), per_byte) == type.shape.back())) {
    parts.fail(to_string(result) + " is not what " + parts.operand_types() + " holds at " +
               std::to_string(attr.bits) + " bits");
  }
  return {result};
}

}  // namespace

std::vector<Type> derive_elementwise(const NodeParts& parts) {
  if (parts.kind == Kind::pack || parts.kind == Kind::unpack) return derive_pack(parts);
  if (parts.kind != Kind::cast && parts.kind != Kind::bitcast) return derive_scalar(parts);
  parts.need_operands(1);
  parts.need_types(1);
  const DType from = parts.operand(0).dtype, to = parts.types[0].dtype;
  if (parts.kind == Kind::bitcast &&
      (size_of(from) != size_of(to) || from == DType::boolean || to == DType::boolean)) {
    parts.fail(
        "cannot read the bits of " + std::string(name_of(from)) + " as " + std::string(name_of(to)),
        "both must have the same size, and bool has no bits to share");
  }
  return {Type{to, parts.operand(0).shape}};
}

}  // namespace mintor
