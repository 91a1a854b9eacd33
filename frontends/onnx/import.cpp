// SPDX-License-Identifier: Apache-2.0
// The import itself: checks the model as a whole, makes inputs and initializers, converts node
// after node, collects outputs. Where sizes that have to be equal cannot be told equal, the import
// starts again with that as a condition of the graph, or with a size bound (assume.h).
#include <algorithm>
#include <filesystem>

#include "compiler/ir/broadcast.h"
#include "compiler/ir/sizes_differ.h"
#include "compiler/support/error.h"
#include "compiler/support/identifier.h"
#include "compiler/support/nearest.h"
#include "frontends/onnx/element_types.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/inputs.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/quantise.h"
#include "frontends/onnx/small_types.h"
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
    bool plain = is_word(c) || c == '.' || c == '/' || c == '-';
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
  if (value.is_nothing())
    throw InternalError("onnx import",
                        node.op_type() + " made no output '" + printable(name) + "'");
  if (!state.values.emplace(name, std::move(value)).second)
    throw CompileError(printable(node.op_type()),
                       "output '" + printable(name) + "' is already made by another node");
}

// "node '/Add' (Add)", "node number 3 (Add)".
std::string place_of(const onnx::NodeProto& proto, int number) {
  std::string name = proto.name().empty() ? "number " + std::to_string(number)
                                          : "'" + printable(proto.name()) + "'";
  return "node " + name + " (" + printable(proto.op_type()) + ")";
}

void convert(OnnxState& state, const onnx::NodeProto& proto) {
  const OnnxOp* op = find_onnx_op(proto, state.opset, state.opsets);
  if (!op) throw CompileError(printable(proto.op_type()), "is not supported");
  const size_t first = state.graph.nodes().size();
  OnnxNode node(state, proto, *op, state.opset);
  check_element_types(node, op->takes);
  op->convert(node);
  for (size_t i = 0; i < node.outputs(); ++i) {
    if (!node.wants(i)) continue;
    const OnnxValue& result = node.results()[i];
    if (result.is_nothing())
      node.fail("output " + std::to_string(i) + " ('" +
                printable(proto.output(static_cast<int>(i))) + "') is not supported");
    if (result.value && result.value.shape().size() > onnx_limits::kRank)
      node.fail("the result has " + std::to_string(result.value.shape().size()) +
                " dimensions, at most " + std::to_string(onnx_limits::kRank) + " are taken");
    set_output(state, proto.output(static_cast<int>(i)), result, proto);
  }
  need_sizes(state, first);
}

// The error with the node's name, in the words of the model's operator.
[[noreturn]] void fail_at(const onnx::NodeProto& proto, const std::string& place,
                          const CompileError& error) {
  std::string problem = error.problem();
  if (!error.op().empty() && !same_operator(error.op(), proto.op_type()))
    problem = error.op() + ": " + problem;
  const std::string inner = place_of(error);
  throw CompileError(printable(proto.op_type()), problem,
                     inner.empty() ? place : inner + " in " + place, help_of(error));
}

// Notes what the sizes of a refused node need (assume.h); the refusal, with what else would help.
CompileError noted(OnnxState& state, const SizesDiffer& error, const std::string& place) {
  need_equal(state, error.x(), error.y(), place);
  std::string help = help_of(error), names;
  std::set<std::string> vars = error.x().vars();
  vars.merge(error.y().vars());
  for (const std::string& name : vars) names += (names.empty() ? "'" : ", '") + name + "'";
  if (help.empty() && !vars.empty())
    help = error.x().str() + " and " + error.y().str() + " must be equal: fix " + names +
           " with --shape";
  return CompileError(error.op(), error.problem(), "", std::move(help));
}

// Whatever is thrown on the way names the node; in a sub-graph, the nodes that hold it too.
void import_node(OnnxState& state, const onnx::NodeProto& proto, int number) {
  const std::string place = place_of(proto, number);
  Builder::Scope scope(state.builder, scope_of(proto, number));
  try {
    try {
      convert(state, proto);
      state.places.resize(state.graph.conditions().size(), place);
    } catch (const SizesDiffer& error) {
      throw noted(state, error, place);
    }
  } catch (const CompileError& error) {
    fail_at(proto, place, error);
  }
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
    const auto give = [&](const std::string& name, const OnnxValue& v) {
      if (v.items)
        throw CompileError("onnx", "output '" + printable(name) + "' is a nested sequence");
      state.graph.results.push_back(
          {name, v.value ? v.value : materialise(state.builder, *v.known)});
    };
    if (it->second.absent) continue;
    if (!it->second.items) {
      give(output.name(), it->second);
      continue;
    }
    // The items of a sequence, of which there are as many as the model says: "name/0", "name/1", ..
    for (size_t i = 0; i < it->second.items->size(); ++i)
      give(output.name() + "/" + std::to_string(i), (*it->second.items)[i]);
  }
}

// Inputs under the sizes that conditions make of theirs: [n] is [2*m] where n == 2*m.
void simplify_inputs(OnnxState& state) {
  for (auto& [name, value] : state.values) {
    if (!value.value || value.value.node->kind != Kind::input) continue;
    Shape shape = value.value.shape();
    for (Index& size : shape) size = state.graph.ranges().simplify(size);
    value.value = stretched(state.builder, value.value, std::move(shape));
  }
}

// What attempts have found out of the model's own sizes and of those in regions.
struct Findings {
  OnnxSizes sizes;
  std::map<std::string, OnnxSizes> regions;
  size_t count = 0;
};

struct Attempt {
  std::optional<Graph> graph;
  Findings found;
  std::vector<std::string> ends;
  std::exception_ptr error;
};

// A model at the sizes that the user gives for its inputs.
struct Import {
  const std::shared_ptr<const onnx::ModelProto>& model;
  OnnxFiles& files;
  const OnnxImportOptions& options;
  bool branches_may_end = false;
};

Attempt attempt(CompileContext& ctx, const Import& import, const Findings& found) {
  const onnx::ModelProto& model = *import.model;
  OnnxState state(ctx, import.model, import.files);
  import.files.used.clear();
  import.files.expanded = 0;
  state.sizes = found.sizes;
  state.regions = found.regions;
  state.branches_may_end = import.branches_may_end;
  Attempt result;
  try {
    state.opset = opset_of(model);
    state.opsets = domain_opsets(model);
    check_counts(model.graph());
    check_supported(model, state.opset);
    import_initializers(state, model.graph());
    import_inputs(state, model.graph(), import.options);
    begin_sizes(state);
    simplify_inputs(state);
    import_nodes(state, model.graph());
    collect_outputs(state, model.graph());
    finish_sizes(state);
    result.graph.emplace(std::move(state.graph));
  } catch (const CompileError&) {
    result.error = std::current_exception();
  }
  note_sizes(state);
  const size_t count = state.findings();
  result.found = {std::move(state.sizes), std::move(state.regions), count};
  result.ends = std::move(state.ends);
  return result;
}

// Attempts until one succeeds, or finds out nothing that another one needs.
Graph attempts(CompileContext& ctx, const Import& import) {
  Findings found;
  for (int64_t round = 0;; ++round) {
    Attempt result = attempt(ctx, import, found);
    if (result.graph) {
      for (const OnnxBinding& b : found.sizes.bound) ctx.warn("onnx: " + b.text());
      for (const std::string& end : result.ends) ctx.warn("onnx: " + end);
      return std::move(*result.graph);
    }
    if (result.found.count == found.count || round == onnx_limits::kAttempts)
      std::rethrow_exception(result.error);
    found = std::move(result.found);
  }
}

// A model that fits together at the sizes of its file may have a branch that cannot be at those
// that the user gives: one that was exported for both, and chooses. Runs that take it end.
Graph import_model(CompileContext& ctx, const std::shared_ptr<const onnx::ModelProto>& model,
                   const std::string& folder, const OnnxImportOptions& options) {
  OnnxFiles files(folder);
  std::exception_ptr refusal;
  try {
    return attempts(ctx, {model, files, options});
  } catch (const CompileError&) {
    if (options.shapes.empty()) throw;
    refusal = std::current_exception();
  }
  try {
    CompileContext trial;
    attempts(trial, {model, files, {}});
    return attempts(ctx, {model, files, options, true});
  } catch (const CompileError&) {
    std::rethrow_exception(refusal);
  }
}

}  // namespace

std::string place_of(const CompileError& error) {
  std::string_view text = error.what();
  size_t at = text.find("\n  at ");
  if (at == std::string_view::npos) return "";
  text.remove_prefix(at + 6);
  return std::string(text.substr(0, text.find('\n')));
}

size_t OnnxState::findings() {
  const OnnxState& model = model_state();
  size_t sum = model.sizes.count();
  for (const auto& [path, found] : model.regions) sum += found.count();
  return sum;
}

OnnxState::OnnxState(CompileContext& ctx, std::shared_ptr<const onnx::ModelProto> model,
                     OnnxFiles& files)
    : ctx(ctx),
      model(std::move(model)),
      files(files),
      graph("model"),
      builder(graph),
      work_left(onnx_limits::kFoldedWork) {
  const std::string_view name = this->model->graph().name();
  graph.set_name(joined_words(name.substr(0, 100), "model"));
}

void check_counts(const onnx::GraphProto& graph) {
  const int64_t initializers = int64_t{graph.initializer_size()} + graph.sparse_initializer_size();
  if (graph.node_size() > onnx_limits::kNodes || initializers > onnx_limits::kInitializers)
    throw CompileError("onnx", "the graph has " + std::to_string(graph.node_size()) +
                                   " nodes and " + std::to_string(initializers) +
                                   " initializers, at most " + std::to_string(onnx_limits::kNodes) +
                                   " of each are taken");
}

void import_nodes(OnnxState& state, const onnx::GraphProto& graph) {
  int number = 0;
  for (const onnx::NodeProto& node : graph.node()) import_node(state, node, number++);
}

void import_initializers(OnnxState& state, const onnx::GraphProto& graph) {
  const auto add = [&](const onnx::TensorProto& t, Tensor tensor) {
    if (t.name().empty()) throw CompileError("initializer", "an initializer has no name");
    // In a sub-graph a weight is a constant: names of parameters are the model's own.
    bool weight = is_float(tensor.dtype) && tensor.count() > 1 && state.depth == 0;
    Value value = weight ? state.builder.parameter(t.name(), std::move(tensor))
                         : state.builder.constant(std::move(tensor));
    const OnnxValue made{value, nullptr, stored_element(t.data_type())};
    if (!state.values.emplace(t.name(), made).second)
      throw CompileError("initializer", "two initializers are named '" + printable(t.name()) + "'");
  };
  for (const onnx::TensorProto& t : graph.initializer()) add(t, tensor_from_proto(state, t));
  for (const onnx::SparseTensorProto& t : graph.sparse_initializer())
    add(t.values(), tensor_from_sparse(state, t));
}

Graph import_onnx(CompileContext& ctx, const std::string& path, const OnnxImportOptions& options) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  return import_model(ctx, read_model(path), folder.empty() ? "." : folder, options);
}

Graph import_onnx_with_results(CompileContext& ctx, const std::string& path,
                               const OnnxImportOptions& options,
                               const std::set<std::string>& values) {
  auto model = std::make_shared<onnx::ModelProto>(*read_model(path));
  std::set<std::string> further = values;
  for (const onnx::ValueInfoProto& output : model->graph().output()) further.erase(output.name());
  for (const std::string& name : further) model->mutable_graph()->add_output()->set_name(name);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return import_model(ctx, model, folder.empty() ? "." : folder, options);
}

Graph import_onnx_bytes(CompileContext& ctx, std::span<const std::byte> bytes,
                        const OnnxImportOptions& options) {
  return import_model(ctx, parse_model(bytes), "", options);
}

}  // namespace mintor
