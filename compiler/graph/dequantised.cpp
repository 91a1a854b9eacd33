// SPDX-License-Identifier: Apache-2.0
// Takes casts, subtractions and factors; gives bytes, zero points and scales. Keeps true: a zero
// point that is not known to be small is not taken off.
#include "compiler/graph/dequantised.h"

#include "compiler/graph/index_map.h"

namespace mintor {
namespace {

bool is_byte(DType dtype) { return dtype == DType::u8 || dtype == DType::i8; }
bool is_wide(DType dtype) {
  return dtype == DType::i16 || dtype == DType::i32 || dtype == DType::i64;
}

// The bytes that a value was widened from; the value itself where there are none. Signed integers
// of 16 bits and more hold every byte.
Value without_cast(const Value& v) {
  Value inner = v;
  while (inner.node->kind == Kind::cast && is_wide(inner.dtype())) inner = inner.node->operands[0];
  return is_byte(inner.dtype()) ? inner : v;
}

// As far from 0 as a byte at most.
bool is_small(const Value& v) {
  if (is_byte(without_cast(v).dtype())) return true;
  if (v.node->kind != Kind::constant || !is_int(v.dtype())) return false;
  const Tensor& t = v.node->as<ConstantAttr>().value;
  for (int64_t i = 0; i < t.count(); ++i)
    if (t.at(i).i < -255 || t.at(i).i > 255) return false;
  return true;
}

}  // namespace

std::optional<Value> per_dimension(Builder& b, const Value& v, std::optional<size_t>& dim) {
  const auto [source, coords] = trace(v, b.graph());
  for (const Index& c : coords) {
    if (c.is_const()) continue;
    if (dim) return std::nullopt;
    dim = std::stoul(c.as_var()->substr(1));
  }
  std::vector<Index> at = coords;
  for (Index& c : at)
    if (!c.is_const()) c = Index::var("i0");
  return plain_reindex(b, source, dim ? Shape{v.shape()[*dim]} : Shape{}, at);
}

std::optional<Bytes> bytes_of(Builder& b, const Value& v) {
  if (const Value plain = without_cast(v); is_byte(plain.dtype())) return Bytes{plain, {}};
  if (v.node->kind != Kind::binary || v.node->as<ScalarAttr>().op != ScalarOp::sub)
    return std::nullopt;
  if (!is_wide(v.dtype())) return std::nullopt;
  Bytes bytes{without_cast(v.node->operands[0]), {}};
  if (!is_byte(bytes.value.dtype())) return std::nullopt;
  if (!is_small(trace(v.node->operands[1], b.graph()).value)) return std::nullopt;
  const auto zero = per_dimension(b, v.node->operands[1], bytes.dim);
  if (!zero) return std::nullopt;
  bytes.zero = b.cast(*zero, DType::i32);
  return bytes;
}

std::optional<Dequantised> dequantised(Builder& b, const Value& v) {
  const Node& node = *v.node;
  if (const auto perm = as_transpose(node)) {
    auto inner = dequantised(b, node.operands[0]);
    if (!inner) return std::nullopt;
    inner->bytes.value = b.transpose(inner->bytes.value, *perm);
    const std::vector<int32_t> place = inverse(*perm);
    for (auto* dim : {&inner->bytes.dim, &inner->dim})
      if (*dim) *dim = static_cast<size_t>(place[**dim]);
    return inner;
  }
  if (v.dtype() != DType::f32 || node.kind != Kind::binary ||
      node.as<ScalarAttr>().op != ScalarOp::mul)
    return std::nullopt;
  for (const size_t side : {0, 1}) {
    const Value& factor = node.operands[side];
    if (factor.node->kind != Kind::cast) continue;
    auto bytes = bytes_of(b, factor.node->operands[0]);
    if (!bytes) continue;
    Dequantised out{*bytes, {}, {}};
    const auto scale = per_dimension(b, node.operands[1 - side], out.dim);
    if (!scale) continue;
    out.scale = *scale;
    return out;
  }
  return std::nullopt;
}

std::optional<size_t> dim_of_result(const Contract& c, const Index& coordinate) {
  const auto var = coordinate.as_var();
  size_t dim = 0;
  for (const ContractAxis& a : c.axes) {
    if (a.role == AxisRole::k || a.role == AxisRole::window) continue;
    if (var && *var == a.name) return dim;
    ++dim;
  }
  return std::nullopt;
}

Value difference(Builder& b, const Bytes& bytes) {
  if (!bytes.zero) return bytes.value;
  std::vector<int32_t> dims;
  if (bytes.dim) dims.push_back(static_cast<int32_t>(*bytes.dim));
  const Value zero = b.cast(bytes.zero, DType::i16);
  return b.apply(ScalarOp::sub,
                 {b.cast(bytes.value, DType::i16), b.broadcast(zero, bytes.value.shape(), dims)});
}

}  // namespace mintor
