// SPDX-License-Identifier: Apache-2.0
// Evaluates a segment's Graph with every value as a result, and looks at them in order. Takes and
// gives what the header says.
#include "frontends/python/trace/not_a_number.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "compiler/ir/evaluate.h"
#include "frontends/python/trace/signature.h"

namespace mintor::trace {
namespace {

template <class T>
bool any_bad(const T* values, int64_t count, Check check) {
  for (int64_t i = 0; i < count; ++i) {
    if (std::isnan(values[i])) return true;
    if (check == Check::nan_and_infinite && std::isinf(values[i])) return true;
  }
  return false;
}

// "call12" of the last call that the scope names, and whether it is of a gradient.
struct Origin {
  const Call* call = nullptr;
  bool gradient = false;
};

Origin origin_of(const TapeContents& contents, const std::vector<std::string>& scopes) {
  Origin origin;
  if (scopes.empty()) return origin;
  for (const auto& [prefix, calls] :
       {std::pair("call#", &contents.calls), std::pair("past#", &contents.history)}) {
    const size_t at = scopes.front().rfind(prefix);
    if (at == std::string::npos) continue;
    const auto number = static_cast<size_t>(std::stoll(scopes.front().substr(at + 5)));
    if (number >= calls->size()) continue;
    origin.call = (*calls)[number].get();
    origin.gradient = scopes.front().find("/grad", at) != std::string::npos;
  }
  return origin;
}

}  // namespace

bool has_bad(DType dtype, const std::byte* data, int64_t count, Check check) {
  if (!is_float(dtype)) return false;
  if (dtype == DType::f32) return any_bad(reinterpret_cast<const float*>(data), count, check);
  if (dtype == DType::f64) return any_bad(reinterpret_cast<const double*>(data), count, check);
  for (int64_t i = 0; i < count; ++i) {
    const double value = Scalar::read(dtype, data + i * size_of(dtype)).f;
    if (any_bad(&value, 1, check)) return true;
  }
  return false;
}

std::string first_bad_operator(const TapeContents& contents, Graph graph, Check check,
                               std::string (*describe_place)(const Place&)) {
  const std::string what = check == Check::nan ? "a NaN" : "a NaN or an infinity";
  std::map<std::string, Tensor> inputs;
  for (size_t i = 0; i < contents.leaves.size(); ++i) {
    const Variable& leaf = *contents.leaves[i];
    if (!leaf.storage) continue;
    inputs["x" + std::to_string(i)] =
        Tensor::copy_of(leaf.type->dtype, leaf.type->shape, leaf.storage->data);
  }
  Graph all = std::move(graph);
  all.results.clear();
  std::vector<Value> values;
  for (const auto& node : all.nodes()) {
    for (size_t r = 0; r < node->results.size(); ++r) {
      const Value value{node.get(), static_cast<int32_t>(r)};
      if (!is_float(value.dtype())) continue;
      all.results.push_back({"v" + std::to_string(values.size()), value});
      values.push_back(value);
    }
  }
  const Evaluation evaluation = evaluate(all, inputs);
  std::map<std::pair<const Node*, int32_t>, bool> bad;
  for (size_t i = 0; i < values.size(); ++i) {
    const Tensor& tensor = evaluation.results[i];
    const Node& node = *values[i].node;
    if (!has_bad(tensor.dtype, tensor.data, tensor.count(), check)) continue;
    bad[{&node, values[i].result}] = true;
    if (node.kind == Kind::input) return what + " is in an array that this computation takes";
    const bool inherited = std::ranges::any_of(node.operands, [&](const Value& operand) {
      return bad.contains({operand.node, operand.result});
    });
    if (inherited || node.operands.empty()) continue;
    const Origin origin = origin_of(contents, all.scopes(&node));
    if (!origin.call) continue;
    std::string text = origin.gradient ? "the gradient of " : "";
    text += std::string(origin.call->signature->op->name) + " made " + what;
    if (describe_place && origin.call->place.code) {
      text += "\n  at " + describe_place(origin.call->place);
    }
    return text;
  }
  return "a computation gave " + what;
}

}  // namespace mintor::trace
