// SPDX-License-Identifier: Apache-2.0
// The ONNX frontend: a model file becomes a Graph.
//
// The file is treated as hostile: sizes, counts and nesting are limited, arithmetic on what it says
// is checked, external data stays inside the model's folder, nothing in it is executed. Whatever is
// wrong with it is a CompileError. Shapes may be symbolic: a named dimension (dim_param) becomes
// the symbol of that name, an unnamed one a symbol named after its input; arithmetic on shapes is
// done here and leaves no nodes. Weights (float initializers of more than one element) become
// parameters, other initializers constants.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/support/context.h"

namespace mintor {

// A dimension of an input as the user wants it: fixed (lo == hi, no symbol), a range, or a name.
struct OnnxDim {
  int64_t lo = 0, hi = -1;  // inclusive; hi -1: no bound
  std::string symbol;       // empty: the model's own name
  bool is_fixed() const { return symbol.empty() && lo == hi; }
};

struct OnnxImportOptions {
  std::map<std::string, std::vector<OnnxDim>>
      shapes;  // by input name; also overrides fixed dimensions
};

// "x=1x3x224x224", "x=1..32x3x224x224", "ids=batch,1..128" (commas allow any name), "t=scalar" ->
// name and dimensions.
std::pair<std::string, std::vector<OnnxDim>> parse_onnx_shape(std::string_view text);

Graph import_onnx(CompileContext& ctx, const std::string& path,
                  const OnnxImportOptions& options = {});
// A serialized ModelProto in memory; external data is refused.
Graph import_onnx_bytes(CompileContext& ctx, std::span<const std::byte> bytes,
                        const OnnxImportOptions& options = {});

struct OnnxSupportedOp {
  std::string_view op_type;
  int since, until;             // opset versions, inclusive
  std::string_view expands_to;  // one line: what it becomes
};
std::vector<OnnxSupportedOp> supported_onnx_ops();  // ordered by op_type, since

// What a file holds, before anything is imported.
struct OnnxPort {
  std::string name, dtype;
  std::vector<std::string> shape;
};
struct OnnxSummary {
  int64_t ir_version = 0, opset = 0;
  std::string producer;
  std::vector<OnnxPort> inputs, outputs;
  std::map<std::string, int64_t> op_counts;
  std::map<std::string, std::vector<std::string>> unsupported;  // op -> names of nodes
  int64_t weight_count = 0, weight_bytes = 0;  // elements and bytes of initializers
};
OnnxSummary summarize_onnx(const std::string& path);

}  // namespace mintor
