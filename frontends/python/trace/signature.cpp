// SPDX-License-Identifier: Apache-2.0
// Types and signatures, one object for all equal ones. A signature that is new is built into a
// scratch Graph of its own, where the library operators check it and say what it gives.
#include "frontends/python/trace/signature.h"

#include <algorithm>

namespace mintor::trace {
namespace {

uint64_t hash_text(std::string_view text) {
  Hash hash{};
  for (const char c : text) mix(hash, static_cast<unsigned char>(c));
  return hash[0] ^ hash[1];
}

// A call by itself: its gradients are as their values are.
class ScratchGraph final : public SegmentGraph {
 public:
  Builder& builder() override { return builder_; }
  std::vector<Value> gradients(std::span<const Value>, std::span<const Value>,
                               std::span<const Value> xs, std::span<const Value>) override {
    std::vector<Value> gradients;
    for (const Value& x : xs) gradients.push_back(builder_.full(x.dtype(), x.shape(), 0));
    return gradients;
  }

 private:
  Graph graph_;
  Builder builder_{graph_};
};

Shape symbolic(const std::vector<int64_t>& shape) { return {shape.begin(), shape.end()}; }

// What a call gives, written into a graph of its own; `as`: with operands of that dtype instead.
std::vector<Type> results_of(const TracedOperator& op, const std::string& attributes,
                             std::span<const ValueType* const> operands,
                             std::optional<DType> as = std::nullopt) {
  ScratchGraph scratch;
  std::vector<Value> values;
  for (size_t i = 0; i < operands.size(); ++i) {
    values.push_back(scratch.builder().input(
        "x" + std::to_string(i), as.value_or(operands[i]->dtype), symbolic(operands[i]->shape)));
  }
  AttributeReader reader(op.name, attributes);
  std::vector<Type> results;
  for (const Value& value : op.build(scratch, values, reader)) results.push_back(value.type());
  if (!reader.at_end()) throw CompileError(std::string(op.name), "was given too many arguments");
  return results;
}

// Whether the operator takes operands of these shapes in another dtype.
bool is_for_its_dtypes(const TracedOperator& op, const std::string& attributes,
                       std::span<const ValueType* const> operands) {
  for (const DType dtype : {DType::f32, DType::i64, DType::boolean}) {
    try {
      results_of(op, attributes, operands, dtype);
      return true;
    } catch (const CompileError&) {  // it is not that, or not that alone
    }
  }
  return false;
}

}  // namespace

const ValueType* SignatureTable::type(DType dtype, std::span<const int64_t> shape) {
  Hash hash{static_cast<uint64_t>(dtype) + 1, shape.size()};
  for (const int64_t dim : shape) mix(hash, static_cast<uint64_t>(dim));
  mix(hash, hash[1]);
  const uint64_t key = hash[0];
  const auto [begin, end] = types_.equal_range(key);
  for (auto at = begin; at != end; ++at) {
    if (at->second->dtype == dtype && std::ranges::equal(at->second->shape, shape)) {
      return at->second.get();
    }
  }
  auto made = std::make_unique<ValueType>();
  made->dtype = dtype;
  made->shape.assign(shape.begin(), shape.end());
  for (const int64_t dim : shape) {
    if (__builtin_mul_overflow(made->count, dim, &made->count)) {
      throw CompileError("shape", "an array has more elements than 64 bits count");
    }
  }
  if (__builtin_mul_overflow(made->count, size_of(dtype), &made->bytes)) {
    throw CompileError("shape", "an array has more bytes than 64 bits count");
  }
  made->hash = key;
  return types_.emplace(key, std::move(made))->second.get();
}

const Signature* SignatureTable::find(const TracedOperator& op, const std::string& attributes,
                                      bool detached, std::span<const ValueType* const> operands) {
  Hash hash{reinterpret_cast<uintptr_t>(&op), detached ? 1u : 0u};
  for (const ValueType* type : operands) mix(hash, type->hash);
  mix(hash, std::hash<std::string>()(attributes));
  const auto [begin, end] = signatures_.equal_range(hash[0]);
  for (auto at = begin; at != end; ++at) {
    const Signature& known = *at->second;
    if (known.op == &op && known.detached == detached && known.attributes == attributes &&
        std::ranges::equal(known.operands, operands)) {
      return &known;
    }
  }

  auto made = std::make_unique<Signature>();
  made->op = &op;
  made->attributes = attributes;
  made->detached = detached;
  made->operands.assign(operands.begin(), operands.end());
  try {
    for (const Type& result : results_of(op, attributes, operands)) {
      std::vector<int64_t> shape;
      for (const Index& dim : result.shape) shape.push_back(dim.value());
      made->results.push_back(type(result.dtype, shape));
    }
  } catch (const CompileError& error) {
    if (is_for_its_dtypes(op, attributes, operands)) throw DTypeError(error);
    throw;
  }
  made->hash = {hash_text(op.name), hash_text(attributes)};
  mix(made->hash, detached ? 1 : 0);
  for (const ValueType* operand : operands) mix(made->hash, operand->hash);
  SplitAttributes split = split_attributes(attributes);
  made->integers = std::move(split.integers);
  made->bodies = std::move(split.bodies);
  made->structure = {hash_text(op.name), hash_text(split.rest)};
  mix(made->structure, detached ? 1 : 0);
  for (const ValueType* operand : operands) {
    mix(made->structure, static_cast<uint64_t>(operand->dtype) << 8 | operand->shape.size());
    // 0 and 1 are no sizes like others: broadcasting and reductions treat them apart.
    for (const int64_t dim : operand->shape) mix(made->structure, dim < 2 ? dim : 2);
  }
  return signatures_.emplace(hash[0], std::move(made))->second.get();
}

}  // namespace mintor::trace
