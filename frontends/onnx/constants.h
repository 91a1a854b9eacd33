// SPDX-License-Identifier: Apache-2.0
// The constants of a graph, wherever a file keeps them. Takes its messages; gives pointers into
// them. Keeps true: a name is that of one constant.
#pragma once

#include <map>
#include <string>

namespace onnx {
class GraphProto;
class TensorProto;
}  // namespace onnx

namespace mintor {

// Initializers and what Constant nodes hold, by name; they lie in the graph.
using OnnxConstants = std::map<std::string, const onnx::TensorProto*>;
OnnxConstants constants_of(const onnx::GraphProto& graph);

}  // namespace mintor
