// SPDX-License-Identifier: Apache-2.0
// Static quantisation of a model file: convolutions and products with weights (its layers) read
// bytes, and sum in integers.
//
// Where a layer reads a value, QuantizeLinear and DequantizeLinear follow what makes it: u8 with a
// zero point, by the range that the value was seen to have. Weights are i8 by output channel,
// without a zero point; biases i32, by the product of both scales. Everything else stays as it
// was: a layer's result is a float until another layer reads it, and two values are multiplied, as
// in attention, as floats.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "frontends/onnx/onnx.h"

namespace mintor {

// A node of the model, outside of sub-graphs and functions.
struct OnnxLayer {
  std::string name, op_type;
  std::string result;  // the value that it makes
  std::string reason;  // why it stays in floats; empty: it does not
};

struct OnnxQuantizePlan {
  std::vector<OnnxLayer> layers;  // in the order of the model
  // What layers read -> the value whose scale it has: what only moves or orders values keeps it.
  std::map<std::string, std::string> scale_of;
};

// The model with these values of it as results beside its own, by their names.
Graph import_onnx_with_results(CompileContext& ctx, const std::string& path,
                               const OnnxImportOptions& options,
                               const std::set<std::string>& values);

struct OnnxRange {
  double low = 0, high = 0;
};

// CompileError where no layer can be quantised: it says why of each.
OnnxQuantizePlan plan_onnx_quantisation(const std::string& path);
// Writes the model at `path` with that plan into the file `output`. `ranges`: of every value in
// plan.scale_of. Weights that lie beside the model come into the file.
void write_quantised_onnx(CompileContext& ctx, const std::string& path,
                          const OnnxQuantizePlan& plan,
                          const std::map<std::string, OnnxRange>& ranges,
                          const std::string& output);

}  // namespace mintor
