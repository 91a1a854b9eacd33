// SPDX-License-Identifier: Apache-2.0
// Which nodes of a model compute in integers, and which values become bytes for it (quantise.h).
// Takes the parsed model; gives the plan. Keeps true: a value becomes bytes where a layer reads
// it, or where what only moves or orders values carries it to one, and then with the same scale.
//| pool = MaxPool (x); y = Conv (pool, w)   ->   x and pool are bytes of one scale
#include <algorithm>

#include "compiler/support/error.h"
#include "frontends/onnx/constants.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/quantise.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

bool is_layer(const onnx::NodeProto& node) {
  const std::string op = qualified_op(node);
  return op == "Conv" || op == "Gemm" || op == "MatMul";
}

// How many inputs of the node are values that it only moves or orders, from the first one on.
int moved_inputs(const onnx::NodeProto& node) {
  constexpr std::string_view kMoves[] = {"DepthToSpace", "Flatten",   "Identity",     "MaxPool",
                                         "Reshape",      "Slice",     "SpaceToDepth", "Split",
                                         "Squeeze",      "Transpose", "Unsqueeze"};
  const std::string op = qualified_op(node);
  if (op == "Concat") return node.input_size();
  return std::ranges::find(kMoves, op) != std::end(kMoves) ? 1 : 0;
}

std::string name_of(const onnx::NodeProto& node, int number) {
  return node.name().empty() ? node.op_type() + "_" + std::to_string(number)
                             : printable(node.name());
}

// Why a layer stays in floats; "" where it does not.
std::string reason_of(const onnx::NodeProto& node, const OnnxConstants& constants) {
  if (node.input_size() < 2 || node.output_size() < 1) return "it has no two operands";
  const auto weight = constants.find(node.input(1));
  if (weight == constants.end()) return "its second operand is no weight";
  if (constants.contains(node.input(0))) return "its first operand is a constant";
  const onnx::TensorProto& tensor = *weight->second;
  if (tensor.data_type() != onnx::TensorProto::FLOAT)
    return "its weight is " + onnx_dtype_text(tensor.data_type());
  if (tensor.dims_size() < 2) return "its weight has no output channels";
  return "";
}

class Scales {
 public:
  explicit Scales(const onnx::GraphProto& graph, const OnnxConstants& constants)
      : constants_(constants) {
    for (const onnx::NodeProto& node : graph.node())
      for (const std::string& output : node.output()) maker_[output] = &node;
  }

  // `value` becomes bytes, and what it is moved from.
  void add(const std::string& value) {
    std::vector<std::string> todo;
    if (note(value)) todo.push_back(value);
    while (!todo.empty()) {
      const std::string at = todo.back();
      todo.pop_back();
      const auto maker = maker_.find(at);
      if (maker == maker_.end()) continue;
      for (int i = 0; i < moved_inputs(*maker->second); ++i) {
        const std::string& from = maker->second->input(i);
        if (note(from)) todo.push_back(from);
        if (scale_of_.contains(from)) scale_of_[root(at)] = root(from);
      }
    }
  }

  std::map<std::string, std::string> all() const {
    std::map<std::string, std::string> out;
    for (const auto& [value, scale] : scale_of_) out[value] = root(scale);
    return out;
  }

 private:
  const OnnxConstants& constants_;
  std::map<std::string, const onnx::NodeProto*> maker_;
  std::map<std::string, std::string> scale_of_;  // towards the value that names the scale

  // Whether it was none of them.
  bool note(const std::string& value) {
    return !constants_.contains(value) && scale_of_.emplace(value, value).second;
  }

  std::string root(std::string value) const {
    while (scale_of_.at(value) != value) value = scale_of_.at(value);
    return value;
  }
};

}  // namespace

OnnxConstants constants_of(const onnx::GraphProto& graph) {
  OnnxConstants constants;
  for (const onnx::TensorProto& tensor : graph.initializer()) constants[tensor.name()] = &tensor;
  for (const onnx::NodeProto& node : graph.node()) {
    if (qualified_op(node) != "Constant" || node.output_size() != 1) continue;
    for (const onnx::AttributeProto& attribute : node.attribute())
      if (attribute.name() == "value" && attribute.has_t())
        constants[node.output(0)] = &attribute.t();
  }
  return constants;
}

OnnxQuantizePlan plan_onnx_quantisation(const std::string& path) {
  const auto model = read_model(path);
  const onnx::GraphProto& graph = model->graph();
  const OnnxConstants constants = constants_of(graph);
  Scales scales(graph, constants);
  OnnxQuantizePlan plan;
  bool any = false;
  int number = 0;
  for (const onnx::NodeProto& node : graph.node()) {
    ++number;
    if (!is_layer(node)) continue;
    const std::string reason = reason_of(node, constants);
    plan.layers.push_back({name_of(node, number - 1), printable(node.op_type()),
                           node.output_size() > 0 ? node.output(0) : "", reason});
    if (!reason.empty()) continue;
    any = true;
    scales.add(node.input(0));
  }
  plan.scale_of = scales.all();
  if (any) return plan;
  std::string reasons;
  for (size_t i = 0; i < plan.layers.size() && i < onnx_limits::kNamesInMessage; ++i)
    reasons += "; " + plan.layers[i].name + ": " + plan.layers[i].reason;
  throw CompileError("quantize", "nothing can be quantised" + reasons, path,
                     "Conv, Gemm and MatMul are, with f32 weights that the file holds");
}

}  // namespace mintor
