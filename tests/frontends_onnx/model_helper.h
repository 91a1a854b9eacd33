// SPDX-License-Identifier: Apache-2.0
// Small ONNX models in memory, imported and evaluated.
// Takes nodes and initializers one line each; gives the Graph, or the text of the error.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "frontends/onnx/onnx.h"
#include "onnx-ml.pb.h"
#include "tests/ir/graph_helper.h"

namespace mintor::test {

class Model {
 public:
  onnx::ModelProto proto;

  explicit Model(int64_t opset = 17) {
    proto.set_ir_version(8);
    proto.add_opset_import()->set_version(opset);
    graph().set_name("test");
  }
  onnx::GraphProto& graph() { return *proto.mutable_graph(); }

  // Dimensions: "3", a name, or "?" for one without either.
  static void describe(onnx::ValueInfoProto& info, const std::string& name, int type,
                       const std::vector<std::string>& dims) {
    info.set_name(name);
    auto* tensor = info.mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    tensor->mutable_shape();
    for (const std::string& d : dims) {
      auto* dim = tensor->mutable_shape()->add_dim();
      if (d[0] >= '0' && d[0] <= '9')
        dim->set_dim_value(std::stoll(d));
      else if (d != "?")
        dim->set_dim_param(d);
    }
  }
  Model& input(const std::string& name, const std::vector<std::string>& dims,
               int type = onnx::TensorProto::FLOAT) {
    describe(*graph().add_input(), name, type, dims);
    return *this;
  }
  Model& output(const std::string& name) {
    graph().add_output()->set_name(name);
    return *this;
  }
  onnx::NodeProto& node(const std::string& op, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs) {
    onnx::NodeProto& n = *graph().add_node();
    n.set_op_type(op);
    n.set_name("/part/" + op + "_" + std::to_string(graph().node_size()));
    for (const std::string& i : inputs) n.add_input(i);
    for (const std::string& o : outputs) n.add_output(o);
    return n;
  }
  onnx::TensorProto& ints(const std::string& name, const std::vector<int64_t>& values,
                          std::vector<int64_t> shape = {-1}) {
    onnx::TensorProto& t = *graph().add_initializer();
    t.set_name(name);
    t.set_data_type(onnx::TensorProto::INT64);
    if (shape == std::vector<int64_t>{-1}) shape = {static_cast<int64_t>(values.size())};
    for (int64_t s : shape) t.add_dims(s);
    for (int64_t v : values) t.add_int64_data(v);
    return t;
  }
  onnx::TensorProto& floats(const std::string& name, const std::vector<float>& values,
                            const std::vector<int64_t>& shape) {
    onnx::TensorProto& t = *graph().add_initializer();
    t.set_name(name);
    t.set_data_type(onnx::TensorProto::FLOAT);
    for (int64_t s : shape) t.add_dims(s);
    t.set_raw_data(values.data(), values.size() * sizeof(float));
    return t;
  }

  CompileContext ctx;
  Graph import(const OnnxImportOptions& options = {}) {
    std::string bytes = proto.SerializeAsString();
    Graph g = import_onnx_bytes(ctx, std::as_bytes(std::span(bytes)), options);
    verify(g);
    return g;
  }
  // The whole text of the CompileError, or "imported".
  std::string error(const OnnxImportOptions& options = {}) {
    try {
      import(options);
    } catch (const CompileError& e) {
      return e.what();
    }
    return "imported";
  }
};

inline onnx::AttributeProto& attribute(onnx::NodeProto& n, const std::string& name, int64_t value) {
  onnx::AttributeProto& a = *n.add_attribute();
  a.set_name(name);
  a.set_type(onnx::AttributeProto::INT);
  a.set_i(value);
  return a;
}

inline onnx::AttributeProto& attribute(onnx::NodeProto& n, const std::string& name,
                                       const std::vector<int64_t>& values) {
  onnx::AttributeProto& a = *n.add_attribute();
  a.set_name(name);
  a.set_type(onnx::AttributeProto::INTS);
  for (int64_t v : values) a.add_ints(v);
  return a;
}

inline OnnxImportOptions shapes(const std::vector<std::string>& texts) {
  OnnxImportOptions options;
  for (const std::string& t : texts) options.shapes.insert(parse_onnx_shape(t));
  return options;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace mintor::test
