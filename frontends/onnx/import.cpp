// SPDX-License-Identifier: Apache-2.0
// The import itself: checks the model as a whole, makes inputs and initializers, converts node
// after node, collects outputs. A slice that clips a symbolic size may leave sizes that cannot be
// told equal; then the import is tried once more with those symbols bounded so that nothing is
// clipped, and says so.
#include <algorithm>
#include <filesystem>

#include "compiler/ir/evaluate.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/inputs.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

// "/layer1/conv1/Conv" -> "layer1/conv1/Conv"; characters that the text form does not take in
// scopes become '_'.
std::string scope_of(const onnx::NodeProto& node, int number) {
  std::string name = node.name();
  if (name.empty()) name = node.op_type() + "_" + std::to_string(number);
  std::string out;
  for (char c : std::string_view(name).substr(0, 200)) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '_' || c == '.' || c == '/' || c == '-';
    if (c == '/' && (out.empty() || out.back() == '/')) continue;
    out += plain ? c : '_';
  }
  while (!out.empty() && out.back() == '/') out.pop_back();
  return out.empty() ? "node_" + std::to_string(number) : out;
}

std::string help_of(const CompileError& error) {
  std::string_view text = error.what();
  size_t at = text.find("\n  help: ");
  return at == std::string_view::npos ? "" : std::string(text.substr(at + 9));
}

// "max_pool" and "MaxPool" name the same operator.
bool same_operator(std::string_view x, std::string_view y) {
  auto folded = [](std::string_view name) {
    std::string out;
    for (char c : name) {
      if (c != '_') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
  };
  return folded(x) == folded(y);
}

void set_output(OnnxState& state, const std::string& name, OnnxValue value,
                const onnx::NodeProto& node) {
  if (!value.value && !value.known)
    throw InternalError("onnx import",
                        node.op_type() + " made no output '" + printable(name) + "'");
  if (!state.values.emplace(name, std::move(value)).second)
    throw CompileError(printable(node.op_type()),
                       "output '" + printable(name) + "' is already made by another node");
}

void import_node(OnnxState& state, const onnx::NodeProto& proto, int number) {
  Builder::Scope scope(state.builder, scope_of(proto, number));
  try {
    const OnnxOp* op = find_onnx_op(proto.op_type(), state.opset);
    if (!op) throw CompileError(printable(proto.op_type()), "is not supported");
    OnnxNode node(state, proto, state.opset);
    op->convert(node);
    for (size_t i = 0; i < node.outputs(); ++i) {
      if (!node.wants(i)) continue;
      if (!node.results()[i].value && !node.results()[i].known)
        node.fail("output " + std::to_string(i) + " ('" +
                  printable(proto.output(static_cast<int>(i))) + "') is not supported");
      set_output(state, proto.output(static_cast<int>(i)), node.results()[i], proto);
    }
  } catch (const CompileError& error) {
    std::string name = proto.name().empty() ? "number " + std::to_string(number)
                                            : "'" + printable(proto.name()) + "'";
    std::string problem = error.problem();
    if (!error.op().empty() && !same_operator(error.op(), proto.op_type()))
      problem = error.op() + ": " + problem;
    throw CompileError(printable(proto.op_type()), problem,
                       "node " + name + " (" + printable(proto.op_type()) + ")", help_of(error));
  }
}

void check_counts(const onnx::GraphProto& graph) {
  if (graph.node_size() > onnx_limits::kNodes ||
      graph.initializer_size() > onnx_limits::kInitializers)
    throw CompileError("onnx", "the graph has " + std::to_string(graph.node_size()) +
                                   " nodes and " + std::to_string(graph.initializer_size()) +
                                   " initializers, at most " + std::to_string(onnx_limits::kNodes) +
                                   " of each are taken");
  if (graph.sparse_initializer_size() > 0)
    throw CompileError("onnx", "sparse initializers are not supported", "",
                       "store the weights densely");
}

// One edit away from a supported operator, a name is a misspelling; further away it is another
// operator (Loop is no Log).
std::string misspelling_of(const std::string& op) {
  std::vector<std::string_view> known;
  const std::vector<OnnxSupportedOp> ops = supported_onnx_ops();
  for (const OnnxSupportedOp& o : ops) known.push_back(o.op_type);
  return std::string(nearest(op, known, 1));
}

void check_supported(const onnx::ModelProto& model, int opset) {
  std::map<std::string, std::vector<std::string>> missing = unsupported_nodes(model, opset);
  if (missing.empty()) return;
  std::string text;
  for (const auto& [op, names] : missing) {
    text += (text.empty() ? "" : "; ") + op + " (" + std::to_string(names.size()) +
            (names.size() == 1 ? " node: " : " nodes: ");
    for (size_t i = 0; i < names.size() && i < onnx_limits::kNamesInMessage; ++i)
      text += (i ? ", " : "") + names[i];
    if (names.size() > onnx_limits::kNamesInMessage) text += ", ...";
    const std::string meant = misspelling_of(op);
    text += meant.empty() || meant == op ? ")" : "; did you mean " + meant + "?)";
  }
  throw CompileError("onnx",
                     std::to_string(missing.size()) +
                         (missing.size() == 1 ? " operator is" : " operators are") +
                         " not supported at opset " + std::to_string(opset) + ": " + text,
                     "", "`mintor supported-ops` lists what is");
}

void collect_outputs(OnnxState& state, const onnx::GraphProto& graph) {
  if (graph.output_size() == 0) throw CompileError("onnx", "the model has no outputs");
  std::set<std::string> names;
  for (const onnx::ValueInfoProto& output : graph.output()) {
    auto it = state.values.find(output.name());
    if (it == state.values.end())
      throw CompileError("onnx", "output '" + printable(output.name()) + "' is made by no node");
    if (!names.insert(output.name()).second)
      throw CompileError("onnx", "output '" + printable(output.name()) + "' is listed twice");
    if (!it->second.value) it->second.value = materialise(state.builder, *it->second.known);
    state.graph.results.push_back({output.name(), it->second.value});
  }
}

struct Attempt {
  std::optional<Graph> graph;
  std::set<OnnxClip> clips;
  std::exception_ptr error;
};

Attempt attempt(CompileContext& ctx, const std::shared_ptr<const onnx::ModelProto>& model,
                const std::string& folder, const OnnxImportOptions& options,
                const std::set<OnnxClip>& bounds) {
  OnnxState state(ctx, model, folder);
  Attempt result;
  try {
    state.opset = opset_of(*model);
    check_counts(model->graph());
    check_supported(*model, state.opset);
    import_initializers(state, model->graph());
    import_inputs(state, model->graph(), options, bounds);
    import_nodes(state, model->graph());
    collect_outputs(state, model->graph());
    result.graph.emplace(std::move(state.graph));
  } catch (const CompileError&) {
    result.error = std::current_exception();
  }
  result.clips = state.clips;
  return result;
}

Graph import_model(CompileContext& ctx, std::shared_ptr<const onnx::ModelProto> model,
                   const std::string& folder, const OnnxImportOptions& options) {
  Attempt first = attempt(ctx, model, folder, options, {});
  if (first.graph) return std::move(*first.graph);
  if (!first.clips.empty()) {
    Attempt second = attempt(ctx, model, folder, options, first.clips);
    if (second.graph) {
      for (const OnnxClip& clip : first.clips)
        ctx.warn("onnx: '" + clip.symbol + "' is taken as at most " + std::to_string(clip.hi) +
                 ": the model slices a table of that many rows by it");
      return std::move(*second.graph);
    }
  }
  std::rethrow_exception(first.error);
}

}  // namespace

OnnxState::OnnxState(CompileContext& ctx, std::shared_ptr<const onnx::ModelProto> model,
                     std::string folder)
    : ctx(ctx), model(std::move(model)), folder(std::move(folder)), graph("model"), builder(graph) {
  const std::string& name = this->model->graph().name();
  std::string clean;
  for (char c : std::string_view(name).substr(0, 100)) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    bool digit = c >= '0' && c <= '9';
    if (letter || (digit && !clean.empty()))
      clean += c;
    else if (!clean.empty() && clean.back() != '_')
      clean += '_';
  }
  if (!clean.empty()) graph.set_name(clean);
}

bool OnnxState::is_constant(const Value& value) {
  const Node* node = value.node;
  if (node->kind == Kind::constant) return true;
  if (auto it = constancy.find(node); it != constancy.end()) return it->second;
  bool pure = false;
  switch (node->kind) {
    case Kind::iota:
    case Kind::unary:
    case Kind::binary:
    case Kind::ternary:
    case Kind::cast:
    case Kind::broadcast:
    case Kind::reindex:
    case Kind::concat:
    case Kind::reduce:
    case Kind::scan:
    case Kind::contract:
    case Kind::reindex_reduce:
      pure = true;
      break;
    default:
      break;
  }
  for (const Type& type : node->results) {
    int64_t count = 1;
    for (const Index& size : type.shape) {
      bool small = size.is_const() && size.value() >= 0 &&
                   !__builtin_mul_overflow(count, size.value(), &count);
      pure = pure && small && count <= onnx_limits::kFolded;
    }
  }
  for (const Value& operand : node->operands) pure = pure && is_constant(operand);
  constancy.emplace(node, pure);
  return pure;
}

Value OnnxState::folded(const Value& value) {
  if (!value || value.node->kind == Kind::constant || !is_constant(value)) return value;
  // A large constant made of a small one (a mask of ones) stays as the nodes that make it.
  int64_t count = 1;
  for (const Index& size : value.shape()) count *= size.value();
  return count <= onnx_limits::kKnown ? builder.constant(evaluate_constant(value)) : value;
}

void import_nodes(OnnxState& state, const onnx::GraphProto& graph) {
  int number = 0;
  for (const onnx::NodeProto& node : graph.node()) import_node(state, node, number++);
}

void import_initializers(OnnxState& state, const onnx::GraphProto& graph) {
  for (const onnx::TensorProto& t : graph.initializer()) {
    if (t.name().empty()) throw CompileError("initializer", "an initializer has no name");
    Tensor tensor = tensor_from_proto(state, t);
    bool weight = is_float(tensor.dtype) && tensor.count() > 1;
    Value value = weight ? state.builder.parameter(t.name(), std::move(tensor))
                         : state.builder.constant(std::move(tensor));
    if (!state.values.emplace(t.name(), OnnxValue{value, nullptr}).second)
      throw CompileError("initializer", "two initializers are named '" + printable(t.name()) + "'");
  }
}

Graph import_onnx(CompileContext& ctx, const std::string& path, const OnnxImportOptions& options) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  return import_model(ctx, read_model(path), folder.empty() ? "." : folder, options);
}

Graph import_onnx_bytes(CompileContext& ctx, std::span<const std::byte> bytes,
                        const OnnxImportOptions& options) {
  return import_model(ctx, parse_model(bytes), "", options);
}

}  // namespace mintor
