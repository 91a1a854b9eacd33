// SPDX-License-Identifier: Apache-2.0
// What a model holds and what of it is supported, without importing it; the operator table.
// Takes a file or a parsed model; gives counts, ports, and every unsupported node by operator.
// Keeps true: nodes of sub-graphs are counted and checked too.
#include <algorithm>

#include "compiler/support/error.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/small_types.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

OnnxPort port_of(const onnx::ValueInfoProto& info) {
  OnnxPort port{info.name(), onnx_dtype_text(info.type().tensor_type().elem_type()), {}};
  for (const auto& dim : info.type().tensor_type().shape().dim())
    port.shape.push_back(dim.has_dim_value()
                             ? std::to_string(dim.dim_value())
                             : (dim.dim_param().empty() ? "?" : printable(dim.dim_param())));
  return port;
}

bool is_standard(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

void note_unsupported(const onnx::GraphProto& graph, int opset,
                      const std::map<std::string, int>& opsets,
                      std::map<std::string, std::vector<std::string>>& missing) {
  int number = 0;
  for (const onnx::NodeProto& node : graph.node()) {
    std::string name = node.name().empty() ? "number " + std::to_string(number)
                                           : "'" + printable(node.name()) + "'";
    ++number;
    if (!find_onnx_op(node, opset, opsets)) missing[printable(qualified_op(node))].push_back(name);
    for (const onnx::AttributeProto& a : node.attribute()) {
      if (a.has_g()) note_unsupported(a.g(), opset, opsets, missing);
    }
  }
}

void count_ops(const onnx::GraphProto& graph, std::map<std::string, int64_t>& counts) {
  for (const onnx::NodeProto& node : graph.node()) {
    ++counts[printable(node.op_type())];
    for (const onnx::AttributeProto& a : node.attribute()) {
      if (a.has_g()) count_ops(a.g(), counts);
    }
  }
}

}  // namespace

const OnnxOp* find_onnx_op(std::string_view op_type, int opset) {
  for (const OnnxOpGroup* group : all_onnx_op_groups()) {
    for (const OnnxOp& op : group->ops) {
      if (op.op_type == op_type && op.since <= opset && (op.until == 0 || opset <= op.until))
        return &op;
    }
  }
  return nullptr;
}

std::string qualified_op(const onnx::NodeProto& node) {
  return is_standard(node.domain()) ? node.op_type() : node.domain() + "." + node.op_type();
}

std::map<std::string, int> domain_opsets(const onnx::ModelProto& model) {
  std::map<std::string, int> out;
  for (const onnx::OperatorSetIdProto& opset : model.opset_import()) {
    if (!is_standard(opset.domain()))
      out[opset.domain()] = static_cast<int>(std::clamp<int64_t>(opset.version(), 0, INT32_MAX));
  }
  return out;
}

const OnnxOp* find_onnx_op(const onnx::NodeProto& node, int opset,
                           const std::map<std::string, int>& opsets) {
  if (is_standard(node.domain())) return find_onnx_op(node.op_type(), opset);
  const auto found = opsets.find(node.domain());
  return found == opsets.end() ? nullptr : find_onnx_op(qualified_op(node), found->second);
}

std::vector<OnnxSupportedOp> supported_onnx_ops() {
  std::vector<OnnxSupportedOp> ops;
  for (const OnnxOpGroup* group : all_onnx_op_groups()) {
    for (const OnnxOp& op : group->ops)
      ops.push_back({op.op_type, op.since, op.until == 0 ? onnx_limits::kNewestOpset : op.until,
                     op.expands_to});
  }
  std::sort(ops.begin(), ops.end(), [](const OnnxSupportedOp& a, const OnnxSupportedOp& b) {
    return a.op_type != b.op_type ? a.op_type < b.op_type : a.since < b.since;
  });
  return ops;
}

int opset_of(const onnx::ModelProto& model) {
  int64_t version = -1;
  for (const onnx::OperatorSetIdProto& opset : model.opset_import()) {
    if (is_standard(opset.domain()))
      version = std::max(version, static_cast<int64_t>(opset.version()));
  }
  if (version < 0 && model.opset_import_size() > 0) version = onnx_limits::kNewestOpset;
  if (version < 0)
    throw CompileError("onnx", "the model imports no opset of the standard operators");
  if (version < onnx_limits::kOldestOpset || version > onnx_limits::kNewestOpset)
    throw CompileError("onnx",
                       "opset " + std::to_string(version) + " is not supported, " +
                           std::to_string(onnx_limits::kOldestOpset) + " to " +
                           std::to_string(onnx_limits::kNewestOpset) + " are",
                       "", "convert the model with onnx.version_converter");
  return static_cast<int>(version);
}

std::map<std::string, std::vector<std::string>> unsupported_nodes(const onnx::ModelProto& model,
                                                                  int opset) {
  std::map<std::string, std::vector<std::string>> missing;
  note_unsupported(model.graph(), opset, domain_opsets(model), missing);
  return missing;
}

OnnxSummary summarize_onnx(const std::string& path) {
  std::shared_ptr<const onnx::ModelProto> model = read_model(path);
  OnnxSummary s;
  s.ir_version = model->ir_version();
  s.opset = opset_of(*model);
  s.producer =
      printable(model->producer_name() +
                (model->producer_version().empty() ? "" : " " + model->producer_version()));
  std::vector<std::string> weights;
  for (const onnx::TensorProto& t : model->graph().initializer()) {
    int64_t count = count_of_shape({t.dims().begin(), t.dims().end()});
    if (count < 0 || count > onnx_limits::kElements)
      throw CompileError("initializer", "tensor '" + printable(t.name()) + "' has a bad shape");
    s.weight_count += count;
    if (t.data_type() == kStringElement)
      for (const std::string& text : t.string_data())
        s.weight_bytes += static_cast<int64_t>(text.size());
    else
      s.weight_bytes += count * size_of(storage_dtype(t.data_type(), "initializer"));
    weights.push_back(t.name());
  }
  for (const onnx::SparseTensorProto& t : model->graph().sparse_initializer()) {
    const int64_t stored = t.values().dims_size() == 1 ? t.values().dims(0) : 0;
    s.weight_count += std::clamp<int64_t>(stored, 0, onnx_limits::kElements);
    weights.push_back(t.values().name());
  }
  std::sort(weights.begin(), weights.end());
  for (const onnx::ValueInfoProto& input : model->graph().input()) {
    if (!std::binary_search(weights.begin(), weights.end(), input.name()))
      s.inputs.push_back(port_of(input));
  }
  for (const onnx::ValueInfoProto& output : model->graph().output())
    s.outputs.push_back(port_of(output));
  count_ops(model->graph(), s.op_counts);
  s.unsupported = unsupported_nodes(*model, static_cast<int>(s.opset));
  return s;
}

}  // namespace mintor
