// SPDX-License-Identifier: Apache-2.0
// Element-wise nodes and iota: scalar functions and casts through scalar_eval.h, bit casts,
// packing. A bit cast from a float turns every NaN into the one positive quiet NaN, as the contract
// says.
#include <algorithm>

#include "compiler/ir/evaluate_node.h"
#include "compiler/ir/scalar_eval.h"

namespace mintor {

namespace {

template <class Bits>
void canonical_nans(std::byte* bytes, int64_t count, Bits infinity, Bits quiet) {
  for (int64_t i = 0; i < count; ++i) {
    Bits value;
    std::memcpy(&value, bytes + i * static_cast<int64_t>(sizeof value), sizeof value);
    constexpr Bits magnitude = static_cast<Bits>(static_cast<Bits>(~Bits{0}) >> 1);
    if ((value & magnitude) <= infinity) continue;
    std::memcpy(bytes + i * static_cast<int64_t>(sizeof value), &quiet, sizeof value);
  }
}

Tensor bitcast(const Tensor& x, DType to) {
  if (!is_float(x.dtype) || is_float(to)) {
    Tensor y = x;
    y.dtype = to;
    if (!is_float(x.dtype)) return y;
  }
  auto [y, bytes] = Tensor::make(to, x.shape);
  std::memcpy(bytes, x.data, static_cast<size_t>(x.bytes()));
  switch (x.dtype) {
    case DType::f64:
      canonical_nans<uint64_t>(bytes, x.count(), 0x7ff0000000000000u, 0x7ff8000000000000u);
      break;
    case DType::f32:
      canonical_nans<uint32_t>(bytes, x.count(), 0x7f800000u, 0x7fc00000u);
      break;
    case DType::f16:
      canonical_nans<uint16_t>(bytes, x.count(), 0x7c00u, 0x7e00u);
      break;
    default:
      canonical_nans<uint16_t>(bytes, x.count(), 0x7f80u, 0x7fc0u);
      break;
  }
  return y;
}

// Rows of `n` wide elements against rows of `packed` bytes.
Tensor pack(const Tensor& x, const PackAttr& attr) {
  const int per_byte = 8 / attr.bits, mask = (1 << attr.bits) - 1;
  std::vector<int64_t> shape = x.shape;
  const int64_t n = shape.back(), packed = (n + per_byte - 1) / per_byte;
  shape.back() = packed;
  auto [y, bytes] = Tensor::make(DType::u8, shape);
  const auto* from = x.as<uint8_t>();
  auto* to = reinterpret_cast<uint8_t*>(bytes);
  for (int64_t row = 0; row * packed < y.count(); ++row) {
    for (int64_t e = 0; e < n; ++e) {
      to[row * packed + e / per_byte] |=
          static_cast<uint8_t>((from[row * n + e] & mask) << (e % per_byte * attr.bits));
    }
  }
  return y;
}

Tensor unpack(const Tensor& x, const PackAttr& attr, int64_t n) {
  const int per_byte = 8 / attr.bits, mask = (1 << attr.bits) - 1, sign = 1 << (attr.bits - 1);
  std::vector<int64_t> shape = x.shape;
  const int64_t packed = shape.back();
  shape.back() = n;
  auto [y, bytes] = Tensor::make(attr.is_signed ? DType::i8 : DType::u8, shape);
  const auto* from = x.as<uint8_t>();
  auto* to = reinterpret_cast<uint8_t*>(bytes);
  for (int64_t row = 0; row * n < y.count(); ++row) {
    for (int64_t e = 0; e < n; ++e) {
      const int value = (from[row * packed + e / per_byte] >> (e % per_byte * attr.bits)) & mask;
      to[row * n + e] = static_cast<uint8_t>(attr.is_signed ? (value ^ sign) - sign : value);
    }
  }
  return y;
}

}  // namespace

Tensors evaluate_iota(const Node& node, EvaluateContext& context) {
  auto [y, bytes] = Tensor::make(node.results[0].dtype, context.values(node.results[0].shape));
  const auto dim = static_cast<size_t>(node.as<IotaAttr>().dim);
  const int64_t inner = count_of(std::span(y.shape).subspan(dim + 1)), extent = y.shape[dim];
  with_type(y.dtype, [&](auto type) {
    auto* to = reinterpret_cast<decltype(type)*>(bytes);
    for (int64_t i = 0; i < y.count(); ++i) to[i] = static_cast<decltype(type)>(i / inner % extent);
  });
  return {y};
}

Tensors evaluate_elementwise(const Node& node, std::span<const Tensor> operands,
                             EvaluateContext& context) {
  const Tensor& x = operands[0];
  const DType to = node.results[0].dtype;
  if (node.kind == Kind::bitcast) return {bitcast(x, to)};
  if (node.kind == Kind::pack) return {pack(x, node.as<PackAttr>())};
  if (node.kind == Kind::unpack) {
    return {unpack(x, node.as<PackAttr>(), context.value(node.results[0].shape.back()))};
  }
  auto [y, bytes] = Tensor::make(to, x.shape);
  if (node.kind == Kind::cast) {
    cast_array(x.dtype, x.data, to, bytes, x.count());
    return {y};
  }
  const void* data[3] = {};
  for (size_t i = 0; i < operands.size(); ++i) data[i] = operands[i].data;
  const DType dtype = operands[operands.size() - 1].dtype;  // of `where` the first is bool
  evaluate_array(node.as<ScalarAttr>().op, dtype,
                 std::span<const void* const>(data, operands.size()), bytes, x.count());
  return {y};
}

}  // namespace mintor
