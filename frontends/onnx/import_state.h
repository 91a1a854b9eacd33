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

#include "compiler/support/error.h"
#include "frontends/onnx/assume.h"
#include "frontends/onnx/known.h"
#include "frontends/onnx/onnx.h"

namespace onnx {
class GraphProto;
class ModelProto;
class SparseTensorProto;
class TensorProto;
class NodeProto;
}  // namespace onnx

namespace mintor {

struct OnnxMapping;  // a mapped file

// External files of one model, each mapped once however many tensors lie in it.
struct OnnxFiles {
  explicit OnnxFiles(std::string folder) : folder(std::move(folder)) {}

  std::string folder;  // empty: refused
  std::map<std::string, std::shared_ptr<const OnnxMapping>> mapped;
  std::map<std::string, int64_t> used;  // bytes of tensors in each file, of this attempt
  int64_t expanded = 0;                 // bytes of constants that files store smaller, likewise
};

// A value of the graph around a region, and the input of the region that it becomes; in the order
// of the nodes there.
struct OnnxCapture {
  Value outer, input;
};
using OnnxKey = std::pair<int32_t, int32_t>;  // of a value: its node's number, its own
using OnnxCaptures = std::map<OnnxKey, OnnxCapture>;

inline OnnxKey key_of(const Value& v) { return {v.node->id, v.result}; }

struct OnnxState {
  OnnxState(CompileContext& ctx, std::shared_ptr<const onnx::ModelProto> model, OnnxFiles& files);
  // Of a sub-graph that becomes a region (region.h): its sizes are those of the graph around it,
  // and what they need is checked when the region runs. `path` tells regions apart, in every
  // attempt alike.
  OnnxState(OnnxState& around, std::string path);
  OnnxState(const OnnxState&) = delete;

  CompileContext& ctx;
  std::shared_ptr<const onnx::ModelProto> model;  // weights point into it
  OnnxFiles& files;                               // external data
  Graph graph;
  Builder builder;
  int opset = 0;                      // of ONNX's own operators
  std::map<std::string, int> opsets;  // of other domains
  std::unordered_map<std::string, OnnxValue> values;
  OnnxSizes sizes;                                // what earlier attempts found out
  std::map<std::string, Index> symbols;           // what each symbol's name stands for
  std::vector<std::string> places;                // of the graph's conditions: who needs each
  std::set<std::string> given_ranges;             // symbols whose range the user gave
  std::unordered_map<const Node*, int64_t> work;  // work_of's memory
  int64_t work_left;                              // scalar operations for constants
  // bool[] values of the graph that say whether two sizes are equal, where that is not known.
  std::map<OnnxKey, std::pair<Index, Index>> equations;
  OnnxState* around = nullptr;  // of a region: where values that it does not make come from
  std::string path;             // of a region
  int depth = 0;                // of sub-graphs, regions or not
  OnnxCaptures captures;        // of a region
  std::map<std::string, OnnxSizes> regions;  // of the model: what its regions found out, by path
  std::set<std::string> bound;               // of the model: symbols that runs bind
  int64_t region_sizes = 0;                  // of the model: copied into regions
  int64_t bodies_again = 0;                  // of the model: loop bodies imported a second time
  int64_t unrolled = 0;                      // of the model: nodes of loops that leave none
  bool branches_may_end = false;             // of the model: those that cannot be end a run
  std::vector<std::string> ends;             // of the model: these branches, for the user

  OnnxState& model_state() { return around ? around->model_state() : *this; }
  size_t findings();  // of the whole model: another attempt helps where there are more
  // The value of that name, or null. One that the graph around a region made is captured: what is
  // known of it stays known, small constants are copied.
  OnnxValue* find(const std::string& name);
  // What stands in this region for a value of the graph around it.
  OnnxValue captured(const OnnxValue& outer);
  // A name like `wish` for a symbol that a run binds; no other symbol of the model has it.
  std::string fresh_symbol(std::string wish);

  // Scalar operations that compute a value made of constants alone; -1 where it is none, or too
  // large.
  int64_t work_of(const Node* node);
  // The bytes of a value that is made of constants and short weights (scales, limits); nullopt
  // where it is made of anything else.
  std::optional<Tensor> tensor_of(const Value& value);
  // A constant node with the bytes of `value` where it can be computed now, otherwise `value`.
  Value folded(const Value& value);
};

// "node '/Add' (Add)", of an error; "" where it has none.
std::string place_of(const CompileError& error);

// Counts that are too large, and what is not supported of a graph as a whole.
void check_counts(const onnx::GraphProto& graph);
// Converts nodes in order, in the scope of state.values.
void import_nodes(OnnxState& state, const onnx::GraphProto& graph);
void import_initializers(OnnxState& state, const onnx::GraphProto& graph);

// A TensorProto as a Tensor: dtype, shape and size checked; data from raw bytes, typed fields or an
// external file. Strings have a further dimension (ops/strings.h).
Tensor tensor_from_proto(const OnnxState& state, const onnx::TensorProto& proto);
// The same of a SparseTensorProto, dense.
Tensor tensor_from_sparse(const OnnxState& state, const onnx::SparseTensorProto& proto);
// Strings of the model as they lie, u8[count, width] (ops/strings.h); throws CompileError.
Tensor string_constant(const OnnxState& state, std::span<const std::string> strings);
// Counts memory for constants that the file stores in less; CompileError beyond kExpandedBytes.
void take_expanded(const OnnxState& state, int64_t bytes);
// The ONNX element type number, or a CompileError naming it.
DType dtype_from_onnx(int64_t number, const std::string& op);
std::string onnx_dtype_text(int64_t number);

// The bytes of an external file, contained to the model's folder. Throws CompileError.
std::shared_ptr<const std::byte> read_external(OnnxFiles& files, const std::string& location,
                                               int64_t offset, int64_t length);

// Every operator of the model that no row handles -> names of its nodes.
std::map<std::string, std::vector<std::string>> unsupported_nodes(const onnx::ModelProto& model,
                                                                  int opset);
int opset_of(const onnx::ModelProto& model);
std::map<std::string, int> domain_opsets(
    const onnx::ModelProto& model);  // other domains than ONNX's
// "Conv", "ai.onnx.ml.Scaler"
std::string qualified_op(const onnx::NodeProto& node);
// The row of a node in a model with these versions, or null.
const struct OnnxOp* find_onnx_op(const onnx::NodeProto& node, int opset,
                                  const std::map<std::string, int>& opsets);

std::shared_ptr<const onnx::ModelProto> read_model(const std::string& path);
std::shared_ptr<const onnx::ModelProto> parse_model(std::span<const std::byte> bytes);

}  // namespace mintor
