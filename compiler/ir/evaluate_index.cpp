// SPDX-License-Identifier: Apache-2.0
// Index nodes: broadcast, reindex, concat, reindex_reduce, by running the index map for every
// element. A load outside its operand is the user's data at fault: a CompileError with the index.
#include <algorithm>

#include "compiler/ir/evaluate_node.h"
#include "compiler/ir/scalar_eval.h"
#include "compiler/ir/scalar_math.h"

namespace mintor {

MapProgram::MapProgram(const IndexMap& map, size_t rank, std::span<const Tensor> operands,
                       const EvaluateContext& context, std::vector<int64_t> target)
    : target_(std::move(target)),
      strides_(strides_of(target_)),
      variables_(rank + map.loads.size() + 1),
      rank_(rank) {
  IndexProgram::Slots slots;
  for (size_t d = 0; d < rank; ++d) slots["i" + std::to_string(d)] = static_cast<int32_t>(d);
  for (const IndexLoad& load : map.loads) {
    const Tensor& tensor = operands[static_cast<size_t>(load.operand)];
    Load l;
    l.values.resize(static_cast<size_t>(tensor.count()));
    cast_array(tensor.dtype, tensor.data, DType::i64, l.values.data(), tensor.count());
    l.shape = tensor.shape;
    l.strides = strides_of(tensor.shape);
    for (const Index& c : load.coords) l.coords.emplace_back(c, slots, context.symbols);
    const size_t number = loads_.size();
    slots["l" + std::to_string(number)] = static_cast<int32_t>(rank + number);
    loads_.push_back(std::move(l));
  }
  for (const Index& c : map.coords) coords_.emplace_back(c, slots, context.symbols);
  for (const IndexCondition& c : map.conditions) {
    conditions_.push_back({IndexProgram(c.value, slots, context.symbols),
                           IndexProgram(c.extent, slots, context.symbols)});
  }
}

int64_t MapProgram::operator()(std::span<const int64_t> i) {
  std::copy(i.begin(), i.end(), variables_.begin());
  for (size_t k = 0; k < loads_.size(); ++k) {
    const Load& load = loads_[k];
    int64_t at = 0;
    for (size_t d = 0; d < load.coords.size(); ++d) {
      const int64_t c = load.coords[d](variables_.data());
      if (c < 0 || c >= load.shape[d]) {
        throw CompileError("index map", "load l" + std::to_string(k) + " reads index " +
                                            std::to_string(c) + " of a dimension of size " +
                                            std::to_string(load.shape[d]));
      }
      at += c * load.strides[d];
    }
    variables_[rank_ + k] = load.values[static_cast<size_t>(at)];
  }
  for (const Condition& c : conditions_) {
    const int64_t value = c.value(variables_.data());
    if (value < 0 || value >= c.extent(variables_.data())) return -1;
  }
  int64_t at = 0;
  for (size_t d = 0; d < coords_.size(); ++d) {
    const int64_t c = coords_[d](variables_.data());
    if (c < 0 || c >= target_[d]) return -1;
    at += c * strides_[d];
  }
  return at;
}

namespace {

Tensor broadcast(const Node& node, const Tensor& x, EvaluateContext& context) {
  auto [y, bytes] = Tensor::make(x.dtype, context.values(node.results[0].shape));
  std::vector<int64_t> steps(y.shape.size(), 0);
  const std::vector<int64_t> strides = strides_of(x.shape);
  const std::vector<int32_t>& dims = node.as<BroadcastAttr>().dims;
  for (size_t d = 0; d < dims.size(); ++d) steps[static_cast<size_t>(dims[d])] = strides[d];
  std::vector<int64_t> index(y.shape.size(), 0);
  const int64_t size = size_of(x.dtype), count = y.count();
  for (int64_t flat = 0; flat < count; ++flat, next_index(index, y.shape)) {
    int64_t at = 0;
    for (size_t d = 0; d < index.size(); ++d) at += index[d] * steps[d];
    copy_element(bytes + flat * size, x.data + at * size, size);
  }
  return y;
}

Tensor reindex(const Node& node, std::span<const Tensor> operands, EvaluateContext& context) {
  const ReindexAttr& attr = node.as<ReindexAttr>();
  const Tensor& x = operands[0];
  auto [y, bytes] = Tensor::make(x.dtype, context.values(node.results[0].shape));
  const int64_t size = size_of(x.dtype), count = y.count();
  std::byte fill[8];
  attr.fill.write(fill);
  MapProgram map(attr.map, y.shape.size(), operands, context, x.shape);
  std::vector<int64_t> index(y.shape.size(), 0);
  for (int64_t flat = 0; flat < count; ++flat, next_index(index, y.shape)) {
    const int64_t at = map(index);
    copy_element(bytes + flat * size, at < 0 ? fill : x.data + at * size, size);
  }
  return y;
}

Tensor concat(const Node& node, std::span<const Tensor> operands, EvaluateContext& context) {
  auto [y, bytes] = Tensor::make(node.results[0].dtype, context.values(node.results[0].shape));
  const auto dim = static_cast<size_t>(node.as<ConcatAttr>().dim);
  const int64_t outer = count_of(std::span(y.shape).first(dim));
  const int64_t inner = count_of(std::span(y.shape).subspan(dim + 1)) * size_of(y.dtype);
  int64_t before = 0;
  for (const Tensor& x : operands) {
    const int64_t part = x.shape[dim] * inner;
    for (int64_t o = 0; o < outer && part > 0; ++o) {
      std::memcpy(bytes + o * y.shape[dim] * inner + before, x.data + o * part,
                  static_cast<size_t>(part));
    }
    before += part;
  }
  return y;
}

template <class T>
T combine(Combiner combiner, T a, T b) {
  switch (combiner) {
    case Combiner::add:
      return mt_add(a, b);
    case Combiner::mul:
      return mt_mul(a, b);
    case Combiner::min:
      return mt_min(a, b);
    case Combiner::max:
      return mt_max(a, b);
    default:
      break;
  }
  if constexpr (std::is_integral_v<T>) {
    if (combiner == Combiner::and_) return static_cast<T>(a & b);
    if (combiner == Combiner::or_) return static_cast<T>(a | b);
    if (combiner == Combiner::xor_) return static_cast<T>(a ^ b);
  }
  throw InternalError("reindex_reduce", "cannot combine by " + std::string(name_of(combiner)));
}

Tensor reindex_reduce(const Node& node, std::span<const Tensor> operands,
                      EvaluateContext& context) {
  const ReindexReduceAttr& attr = node.as<ReindexReduceAttr>();
  const Tensor &init = operands[0], &y = operands[1];
  auto [z, bytes] = Tensor::make(init.dtype, init.shape);
  std::memcpy(bytes, init.data, static_cast<size_t>(init.bytes()));
  MapProgram map(attr.map, y.shape.size(), operands, context, init.shape);
  std::vector<int64_t> index(y.shape.size(), 0);
  const int64_t size = size_of(y.dtype), count = y.count();
  for (int64_t flat = 0; flat < count; ++flat, next_index(index, y.shape)) {
    const int64_t at = map(index);
    if (at < 0) continue;
    if (attr.combiner == Combiner::last) {
      copy_element(bytes + at * size, y.data + flat * size, size);
      continue;
    }
    with_type(y.dtype, [&](auto type) {
      using T = decltype(type);
      T* to = reinterpret_cast<T*>(bytes) + at;
      *to = combine<T>(attr.combiner, *to, y.as<T>()[flat]);
    });
  }
  return z;
}

}  // namespace

Tensors evaluate_index(const Node& node, std::span<const Tensor> operands,
                       EvaluateContext& context) {
  switch (node.kind) {
    case Kind::broadcast:
      return {broadcast(node, operands[0], context)};
    case Kind::reindex:
      return {reindex(node, operands, context)};
    case Kind::concat:
      return {concat(node, operands, context)};
    default:
      return {reindex_reduce(node, operands, context)};
  }
}

}  // namespace mintor
