// SPDX-License-Identifier: Apache-2.0
// Calls of functions to nodes, in the message itself (functions.h): whatever reads it afterwards
// knows nodes alone. Keeps true: where a function and the model name other versions of an operator
// set, the standard wants an operator to be the same in both, and one row has to serve both.
#include "frontends/onnx/functions.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include "compiler/support/error.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

std::string domain_of(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

template <class Proto>
std::map<std::string, int64_t> versions_of(const Proto& proto) {
  std::map<std::string, int64_t> out;
  for (const onnx::OperatorSetIdProto& opset : proto.opset_import())
    out.emplace(domain_of(opset.domain()), opset.version());
  return out;
}

// What the values and attributes of a function's body are where it is called.
struct Call {
  std::string scope;  // what the names of its own values begin with
  std::map<std::string, std::string> values;
  std::map<std::string, const onnx::AttributeProto*> attributes;
};

class Expansion {
 public:
  explicit Expansion(onnx::ModelProto& model) : model_(model), versions_(versions_of(model)) {
    for (const onnx::FunctionProto& f : model.functions()) {
      if (!functions_.emplace(std::tuple(domain_of(f.domain()), f.name(), f.overload()), &f).second)
        throw CompileError("onnx", "function '" + printable(f.name()) + "' is defined twice");
      take_versions(f);
    }
    for (const onnx::FunctionProto& f : model.functions()) check_versions(f.node(), versions_of(f));
    note_names(model.graph());
  }

  void expand(onnx::GraphProto& graph) {
    Nodes nodes;
    nodes.Swap(graph.mutable_node());
    for (onnx::NodeProto& node : nodes) append(std::move(node), *graph.mutable_node());
  }

 private:
  onnx::ModelProto& model_;
  std::map<std::tuple<std::string, std::string, std::string>, const onnx::FunctionProto*>
      functions_;
  std::map<std::string, int64_t> versions_;
  std::map<std::string, int64_t> names_;  // of values, and how many were wished again
  int depth_ = 0;
  int64_t made_ = 0, bytes_ = 0;  // in calls

  const onnx::FunctionProto* called(const onnx::NodeProto& node) const {
    const auto it =
        functions_.find(std::tuple(domain_of(node.domain()), node.op_type(), node.overload()));
    return it == functions_.end() ? nullptr : it->second;
  }

  // Operator sets that functions alone name are the model's from here on.
  void take_versions(const onnx::FunctionProto& f) {
    for (const onnx::OperatorSetIdProto& opset : f.opset_import())
      if (versions_.emplace(domain_of(opset.domain()), opset.version()).second)
        *model_.add_opset_import() = opset;
  }

  void check_versions(const Nodes& nodes, const std::map<std::string, int64_t>& versions) {
    for (const onnx::NodeProto& node : nodes) {
      const auto own = versions.find(domain_of(node.domain()));
      if (own != versions.end() && !called(node))
        check_version(node, own->second, versions_.at(own->first));
      for (const onnx::AttributeProto& a : node.attribute())
        if (a.has_g()) check_versions(a.g().node(), versions);
    }
  }

  void check_version(const onnx::NodeProto& node, int64_t own, int64_t model) {
    const auto row = [&](int64_t version) {
      const int number = static_cast<int>(std::clamp<int64_t>(version, 0, INT32_MAX));
      return find_onnx_op(node, number, {{node.domain(), number}});
    };
    if (own != model && row(own) != row(model))
      throw CompileError(printable(node.op_type()),
                         "a function has it of opset " + std::to_string(own) +
                             ", where it is another operator than in opset " +
                             std::to_string(model) + ", the model's");
  }

  void note_names(const onnx::GraphProto& graph) {
    for (const auto& input : graph.input()) names_[input.name()];
    for (const auto& t : graph.initializer()) names_[t.name()];
    for (const auto& t : graph.sparse_initializer()) names_[t.values().name()];
    for (const onnx::NodeProto& node : graph.node()) {
      for (const std::string& name : node.output()) names_[name];
      for (const onnx::AttributeProto& a : node.attribute())
        if (a.has_g()) note_names(a.g());
    }
  }

  // A node of a graph, or of a function's body where it is called: itself, or what it calls.
  void append(onnx::NodeProto node, Nodes& out) {
    for (onnx::AttributeProto& a : *node.mutable_attribute())
      if (a.has_g()) expand(*a.mutable_g());
    if (const onnx::FunctionProto* f = called(node))
      append_body(*f, node, out);
    else
      out.Add(std::move(node));
  }

  void append_body(const onnx::FunctionProto& f, const onnx::NodeProto& node, Nodes& out) {
    const auto fail = [&](const std::string& problem) {
      throw CompileError(printable(f.name()), problem, "a call of the model's function");
    };
    if (depth_ == onnx_limits::kFunctionDepth)
      fail("functions call one another more than " + std::to_string(onnx_limits::kFunctionDepth) +
           " deep, or themselves");
    if (node.input_size() > f.input_size() || node.output_size() > f.output_size())
      fail("has " + std::to_string(node.input_size()) + " inputs and " +
           std::to_string(node.output_size()) + " outputs, its function takes " +
           std::to_string(f.input_size()) + " and gives " + std::to_string(f.output_size()));
    ++depth_;
    Call call = begin(f, node);
    std::map<std::string, std::string> copies;  // outputs that no node of its own makes
    for (int i = 0; i < node.output_size(); ++i)
      if (!node.output(i).empty() && !call.values.emplace(f.output(i), node.output(i)).second)
        copies.emplace(node.output(i), f.output(i));
    for (const onnx::NodeProto& inner : f.node()) {
      bytes_ += static_cast<int64_t>(inner.ByteSizeLong());
      append(in_call(inner, call), out);
    }
    for (const auto& [to, from] : copies) {
      onnx::NodeProto& copy = *out.Add();
      copy.set_op_type("Identity");
      copy.add_input(call.values.at(from));
      copy.add_output(to);
    }
    --depth_;
  }

  Call begin(const onnx::FunctionProto& f, const onnx::NodeProto& node) {
    take(int64_t{f.input_size()} + f.output_size() + f.attribute_proto_size());
    Call call;
    call.scope = (node.name().empty() ? f.name() : node.name()) + "/";
    for (int i = 0; i < f.input_size(); ++i)
      call.values[f.input(i)] = i < node.input_size() ? node.input(i) : "";
    for (const onnx::AttributeProto& a : f.attribute_proto()) call.attributes[a.name()] = &a;
    for (const onnx::AttributeProto& a : node.attribute()) call.attributes[a.name()] = &a;
    return call;
  }

  // A part is what takes memory however short it is in the file: a name, an attribute, a node.
  void take(int64_t parts) {
    made_ += parts;
    if (made_ > onnx_limits::kInlined || bytes_ > onnx_limits::kInlinedBytes)
      throw CompileError("onnx", "the model's functions expand to more than " +
                                     std::to_string(onnx_limits::kInlined) +
                                     " nodes, names and attributes, or " +
                                     std::to_string(onnx_limits::kInlinedBytes) + " bytes");
  }

  const std::string& name_in(Call& call, const std::string& name) {
    if (name.empty()) return name;
    const auto [it, added] = call.values.try_emplace(name);
    if (added) it->second = unique(call.scope + name);
    return it->second;
  }

  std::string unique(const std::string& wish) {
    const auto [it, added] = names_.try_emplace(wish);
    std::string name = wish;
    while (!added && !names_.try_emplace(name).second)
      name = wish + "_" + std::to_string(++it->second);
    bytes_ += static_cast<int64_t>(name.size());
    take(0);
    return name;
  }

  onnx::NodeProto in_call(const onnx::NodeProto& inner, Call& call) {
    take(1 + inner.input_size() + inner.output_size() + inner.attribute_size());
    onnx::NodeProto node = inner;
    node.set_name(call.scope + (inner.name().empty() ? inner.op_type() : inner.name()));
    bytes_ += static_cast<int64_t>(node.name().size());
    for (std::string& name : *node.mutable_input()) name = name_in(call, name);
    for (std::string& name : *node.mutable_output()) name = name_in(call, name);
    node.clear_attribute();
    for (const onnx::AttributeProto& a : inner.attribute()) {
      const onnx::AttributeProto* given = &a;
      if (!a.ref_attr_name().empty()) {
        const auto it = call.attributes.find(a.ref_attr_name());
        if (it == call.attributes.end()) continue;  // the operator's own default
        given = it->second;
      }
      take(given->strings_size() + given->t().string_data_size());
      onnx::AttributeProto& own = *node.add_attribute();
      own = *given;
      own.set_name(a.name());
      if (given == &a && own.has_g()) rename(*own.mutable_g(), call);
    }
    return node;
  }

  // A sub-graph of the body: its nodes see the function's values and attributes.
  void rename(onnx::GraphProto& graph, Call& call) {
    take(int64_t{graph.input_size()} + graph.output_size() + graph.initializer_size() +
         graph.value_info_size());
    for (auto& input : *graph.mutable_input()) input.set_name(name_in(call, input.name()));
    for (auto& t : *graph.mutable_initializer()) t.set_name(name_in(call, t.name()));
    for (auto& t : *graph.mutable_sparse_initializer())
      t.mutable_values()->set_name(name_in(call, t.values().name()));
    for (onnx::NodeProto& node : *graph.mutable_node()) node = in_call(node, call);
    for (auto& output : *graph.mutable_output()) output.set_name(name_in(call, output.name()));
  }
};

}  // namespace

void expand_functions(onnx::ModelProto& model) {
  if (model.functions_size() == 0) return;
  Expansion(model).expand(*model.mutable_graph());
  model.clear_functions();
}

}  // namespace mintor
