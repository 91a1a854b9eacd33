// SPDX-License-Identifier: Apache-2.0
// sort, compact, size, bind.
// sort is stable, by operand 0; the others move along. NaN keys come last, ascending or descending;
// -0 equals +0. compact and bind give their symbol its value, which must lie in the range that the
// node or the graph states.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/ir/evaluate_node.h"

namespace mintor {

namespace {

bool is_nan(const Scalar& s) { return is_float(s.dtype) && std::isnan(s.f); }

bool comes_before(const Scalar& a, const Scalar& b, bool descending) {
  if (is_nan(a) || is_nan(b)) return !is_nan(a);  // both NaN is never asked: see below
  const Scalar &low = descending ? b : a, &high = descending ? a : b;
  if (is_float(low.dtype)) return low.f < high.f;
  if (low.dtype == DType::u64) return static_cast<uint64_t>(low.i) < static_cast<uint64_t>(high.i);
  return low.i < high.i;
}

Tensors sort(const Node& node, std::span<const Tensor> operands) {
  const SortAttr& attr = node.as<SortAttr>();
  const std::vector<int64_t>& shape = operands[0].shape;
  const auto dim = static_cast<size_t>(attr.dim);
  const int64_t extent = shape[dim], inner = count_of(std::span(shape).subspan(dim + 1));
  const int64_t outer = count_of(std::span(shape).first(dim));
  Tensors results;
  std::vector<std::byte*> bytes;
  for (const Tensor& x : operands) {
    auto [tensor, memory] = Tensor::make(x.dtype, x.shape);
    results.push_back(tensor);
    bytes.push_back(memory);
  }
  std::vector<Scalar> keys(static_cast<size_t>(extent));
  std::vector<int64_t> order(static_cast<size_t>(extent));
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const int64_t start = o * extent * inner + i;
      for (int64_t e = 0; e < extent; ++e)
        keys[static_cast<size_t>(e)] = operands[0].at(start + e * inner);
      std::iota(order.begin(), order.end(), 0);
      std::ranges::stable_sort(order, [&](int64_t a, int64_t b) {
        const Scalar &ka = keys[static_cast<size_t>(a)], &kb = keys[static_cast<size_t>(b)];
        return !(is_nan(ka) && is_nan(kb)) && comes_before(ka, kb, attr.descending);
      });
      for (size_t x = 0; x < operands.size(); ++x) {
        const int64_t size = size_of(operands[x].dtype);
        for (int64_t e = 0; e < extent; ++e) {
          const int64_t from = start + order[static_cast<size_t>(e)] * inner;
          copy_element(bytes[x] + (start + e * inner) * size, operands[x].data + from * size, size);
        }
      }
    }
  }
  return results;
}

void define(EvaluateContext& context, const std::string& symbol, int64_t value) {
  context.symbols[symbol] = value;
}

Tensors compact(const Node& node, std::span<const Tensor> operands, EvaluateContext& context) {
  const Tensor &x = operands[0], &mask = operands[1];
  const int64_t rows = mask.count();
  const int64_t row = rows == 0 ? 0 : x.bytes() / rows;
  int64_t kept = 0;
  for (int64_t i = 0; i < rows; ++i) kept += mask.as<uint8_t>()[i] != 0;
  define(context, node.as<CompactAttr>().symbol, kept);
  auto [y, bytes] = Tensor::make(x.dtype, context.values(node.results[0].shape));
  for (int64_t i = 0; i < rows; ++i) {
    if (mask.as<uint8_t>()[i] == 0 || row == 0) continue;
    std::memcpy(bytes, x.data + i * row, static_cast<size_t>(row));
    bytes += row;
  }
  return {y};
}

Tensors bind(const Node& node, const Tensor& x, EvaluateContext& context) {
  const BindAttr& attr = node.as<BindAttr>();
  const int64_t value = x.at(0).i;
  if (value < attr.lo || (attr.hi >= 0 && value > attr.hi)) {
    throw CompileError("bind", "'" + attr.symbol + "' is " + std::to_string(value) + ", outside " +
                                   std::to_string(attr.lo) + ".." +
                                   (attr.hi >= 0 ? std::to_string(attr.hi) : ""));
  }
  define(context, attr.symbol, value);
  return {x};
}

}  // namespace

Tensors evaluate_order(const Node& node, std::span<const Tensor> operands,
                       EvaluateContext& context) {
  switch (node.kind) {
    case Kind::sort:
      return sort(node, operands);
    case Kind::compact:
      return compact(node, operands, context);
    case Kind::size:
      return {Tensor::scalar(Scalar::of_int(DType::i64, context.value(node.as<SizeAttr>().expr)))};
    default:
      return bind(node, operands[0], context);
  }
}

}  // namespace mintor
