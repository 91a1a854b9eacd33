// SPDX-License-Identifier: Apache-2.0
// Runs the bodies of custom combiners, one Scalar at a time. See scalar_program.h.
// Takes the values of a0.. b0..; gives the results. Keeps true: live nodes only, in their order.
#include "compiler/ir/scalar_program.h"

#include <algorithm>
#include <unordered_map>

#include "compiler/ir/scalar_eval.h"
#include "compiler/support/error.h"

namespace mintor {

ScalarProgram::ScalarProgram(const Graph& body, std::span<const std::string> inputs)
    : input_slots_(inputs.size(), -1) {
  std::unordered_map<const Node*, int32_t> slots;
  for (const Node* node : live_nodes(body)) {
    const auto slot = static_cast<int32_t>(values_.size());
    slots[node] = slot;
    values_.emplace_back();
    switch (node->kind) {
      case Kind::input: {
        auto it = std::ranges::find(inputs, node->as<InputAttr>().name);
        check(it != inputs.end(), "ScalarProgram", "the body has an input of an unknown name");
        input_slots_[static_cast<size_t>(it - inputs.begin())] = slot;
        break;
      }
      case Kind::constant:
        if (!node->results[0].shape.empty())
          throw CompileError("combiner", "a constant of its body is no scalar");
        values_.back() = node->as<ConstantAttr>().value.at(0);
        break;
      case Kind::unary:
      case Kind::binary:
      case Kind::ternary:
      case Kind::cast: {
        Step step{node, slot, {}};
        for (const Value& v : node->operands) step.operands.push_back(slots.at(v.node));
        steps_.push_back(std::move(step));
        break;
      }
      default:
        throw CompileError("combiner",
                           "its body has a node of kind " + std::string(name_of(node->kind)), "",
                           "a combiner is made of scalar functions, casts and constants");
    }
  }
  for (const Result& r : body.results) result_slots_.push_back(slots.at(r.value.node));
}

std::vector<Scalar> ScalarProgram::operator()(std::span<const Scalar> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (input_slots_[i] >= 0) values_[static_cast<size_t>(input_slots_[i])] = inputs[i];
  }
  Scalar operands[3];
  for (const Step& step : steps_) {
    for (size_t i = 0; i < step.operands.size(); ++i)
      operands[i] = values_[static_cast<size_t>(step.operands[i])];
    values_[static_cast<size_t>(step.result)] =
        step.node->kind == Kind::cast
            ? cast(operands[0], step.node->results[0].dtype)
            : evaluate(step.node->as<ScalarAttr>().op, {operands, step.operands.size()});
  }
  std::vector<Scalar> results;
  for (int32_t r : result_slots_) results.push_back(values_[static_cast<size_t>(r)]);
  return results;
}

}  // namespace mintor
