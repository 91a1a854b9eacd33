// SPDX-License-Identifier: Apache-2.0
// What an import carries from node to node, and the parts of the importer that share it.
// Takes the parsed model; gives values by name. Keeps true: a name is set once; weights point into
// the model, which the tensors keep alive.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "frontends/onnx/known.h"
#include "frontends/onnx/onnx.h"

namespace onnx {
class FunctionProto;
class GraphProto;
class ModelProto;
class TensorProto;
class NodeProto;
}  // namespace onnx

namespace mintor {

// A slice that clips a symbolic size ("the first seq of 512 rows"): were seq at most 512, nothing
// would be clipped.
struct OnnxClip {
  std::string symbol;
  int64_t hi;
  bool operator<(const OnnxClip& o) const {
    return std::tie(symbol, hi) < std::tie(o.symbol, o.hi);
  }
};

struct OnnxState {
  OnnxState(CompileContext& ctx, std::shared_ptr<const onnx::ModelProto> model, std::string folder);

  CompileContext& ctx;
  std::shared_ptr<const onnx::ModelProto> model;  // weights point into it
  std::string folder;                             // of external data; empty: refused
  Graph graph;
  Builder builder;
  int opset = 0;
  std::unordered_map<std::string, OnnxValue> values;
  std::set<OnnxClip> clips;                         // seen while importing
  std::unordered_map<const Node*, bool> constancy;  // is_constant's memory
  int function_depth = 0;

  // Whether a value is made of constants alone, small enough to compute now.
  bool is_constant(const Value& value);
  // A constant node with the bytes of `value` when is_constant, otherwise `value`.
  Value folded(const Value& value);
};

// Converts nodes in order, in the scope of state.values.
void import_nodes(OnnxState& state, const onnx::GraphProto& graph);
void import_initializers(OnnxState& state, const onnx::GraphProto& graph);

// A TensorProto as a Tensor: dtype, shape and size checked; data from raw bytes, typed fields or an
// external file.
Tensor tensor_from_proto(const OnnxState& state, const onnx::TensorProto& proto);
// The ONNX element type number, or a CompileError naming it.
DType dtype_from_onnx(int64_t number, const std::string& op);
std::string onnx_dtype_text(int64_t number);

// The bytes of an external file, contained to `folder`. Throws CompileError.
std::shared_ptr<const std::vector<std::byte>> read_external(const std::string& folder,
                                                            const std::string& location,
                                                            int64_t offset, int64_t length);

// Every operator of the model that no row handles -> names of its nodes.
std::map<std::string, std::vector<std::string>> unsupported_nodes(const onnx::ModelProto& model,
                                                                  int opset);
int opset_of(const onnx::ModelProto& model);

std::shared_ptr<const onnx::ModelProto> read_model(const std::string& path);
std::shared_ptr<const onnx::ModelProto> parse_model(std::span<const std::byte> bytes);

}  // namespace mintor
