// SPDX-License-Identifier: Apache-2.0
// Constants computed while importing (OnnxState in import_state.h).
// Takes a value; gives a constant with its bytes where it is made of constants alone. Keeps true:
// the work of one import is bounded, whatever is computed how often; a large constant made
// of a small one (a mask of ones) stays as the nodes that make it.
#include "compiler/ir/evaluate.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"

namespace mintor {

namespace {

constexpr int64_t kNotConstant = -1;

// Scalar operations of one node with constant shapes; kNotConstant where it cannot be computed now.
int64_t own_work(const Node& node) {
  bool sums = false;
  switch (node.kind) {
    case Kind::reduce:
    case Kind::scan:
    case Kind::contract:
    case Kind::reindex_reduce:
      sums = true;
      break;
    case Kind::iota:
    case Kind::unary:
    case Kind::binary:
    case Kind::ternary:
    case Kind::cast:
    case Kind::broadcast:
    case Kind::reindex:
    case Kind::concat:
      break;
    default:
      return kNotConstant;
  }
  // A map may mention symbols where no size does: one row of a table, at a place that is a size.
  if (!symbols_of(node).empty()) return kNotConstant;
  int64_t work = 1;
  auto take = [&](const Type& type, int64_t limit) {
    int64_t count = 1;
    for (const Index& size : type.shape) {
      if (!size.is_const() || size.value() < 0 ||
          __builtin_mul_overflow(count, size.value(), &count) || count > limit)
        return false;
    }
    return !__builtin_add_overflow(work, count, &work);
  };
  for (const Type& type : node.results) {
    if (!take(type, onnx_limits::kFolded)) return kNotConstant;
  }
  for (size_t i = 0; sums && i < node.operands.size(); ++i) {
    if (!take(node.operands[i].type(), onnx_limits::kFoldedWork)) return kNotConstant;
  }
  if (node.kind != Kind::contract) return work;
  for (const ContractAxis& axis : node.as<Contract>().axes) {
    if (!axis.extent.is_const() || __builtin_mul_overflow(work, axis.extent.value(), &work))
      return kNotConstant;
  }
  return work;
}

}  // namespace

// Operands first, without recursion: a chain may be a million nodes long.
int64_t OnnxState::work_of(const Node* asked) {
  std::vector<const Node*> pending{asked};
  const auto known = [&](const Node* node) {
    return node->kind == Kind::constant || work.contains(node);
  };
  while (!pending.empty()) {
    const Node* node = pending.back();
    const size_t before = pending.size();
    int64_t sum = known(node) ? 0 : own_work(*node);
    for (const Value& operand : node->operands) {
      if (sum < 0 || known(node)) break;
      if (!known(operand.node)) pending.push_back(operand.node);
    }
    if (pending.size() > before) continue;
    pending.pop_back();
    if (known(node)) continue;
    for (const Value& operand : node->operands) {
      if (sum < 0 || operand.node->kind == Kind::constant) continue;
      const int64_t part = work.at(operand.node);
      if (part < 0 || __builtin_add_overflow(sum, part, &sum)) sum = kNotConstant;
    }
    work.emplace(node, sum > onnx_limits::kFoldedWork ? kNotConstant : sum);
  }
  return asked->kind == Kind::constant ? 0 : work.at(asked);
}

namespace {

bool is_short_weight(const Node& node) {
  return node.kind == Kind::parameter &&
         node.as<ParameterAttr>().value.count() <= onnx_limits::kShortWeight;
}

bool made_of_short_weights(OnnxState& state, const Node* node, int depth) {
  if (is_short_weight(*node) || state.work_of(node) >= 0) return true;
  if (depth == 0 || own_work(*node) < 0 || own_work(*node) > onnx_limits::kKnown) return false;
  for (const Value& operand : node->operands) {
    if (!made_of_short_weights(state, operand.node, depth - 1)) return false;
  }
  return true;
}

}  // namespace

std::optional<Tensor> OnnxState::tensor_of(const Value& value) {
  constexpr int kDepth = 12;  // operators between an initializer and what takes it as a number
  if (value.node->kind == Kind::constant) return value.node->as<ConstantAttr>().value;
  if (!made_of_short_weights(*this, value.node, kDepth)) return std::nullopt;
  return evaluate_constant(value);
}

Value OnnxState::folded(const Value& value) {
  if (!value || value.node->kind == Kind::constant) return value;
  const int64_t needed = work_of(value.node);
  int64_t& left = model_state().work_left;
  if (needed < 0 || needed > left) return value;
  int64_t count = 1;
  for (const Index& size : value.shape()) count *= size.value();
  if (count > onnx_limits::kKnown) return value;
  left -= needed;
  return builder.constant(evaluate_constant(value));
}

}  // namespace mintor
