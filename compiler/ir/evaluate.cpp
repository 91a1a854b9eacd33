// SPDX-License-Identifier: Apache-2.0
// The driver of the reference evaluator: inputs and symbols, nodes in order, regions, constants.
// See evaluate.h. Keeps true: a value is freed after its last reader; symbols of a region are those
// of the graph around it and its own; the floating-point environment of the caller changes nothing.
#include "compiler/ir/evaluate.h"

#include <algorithm>
#include <unordered_map>

#include "compiler/ir/evaluate_node.h"
#include "compiler/ir/open_sizes.h"
#include "compiler/ir/sizes.h"
#include "compiler/support/float_environment.h"

namespace mintor {

int64_t EvaluateContext::value(const Index& index) const {
  if (index.is_const()) return index.value();
  return index.evaluate([&](std::string_view name) {
    auto it = symbols.find(std::string(name));
    if (it == symbols.end())
      throw CompileError("evaluate", "the size '" + std::string(name) + "' has no value");
    return it->second;
  });
}

std::vector<int64_t> EvaluateContext::values(const Shape& shape) const {
  std::vector<int64_t> out;
  for (const Index& extent : shape) out.push_back(value(extent));
  return out;
}

std::vector<int64_t> strides_of(std::span<const int64_t> shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    strides[d] = stride;
    stride *= shape[d];
  }
  return strides;
}

Tensors evaluate_node(const Node& node, std::span<const Tensor> operands,
                      EvaluateContext& context) {
  switch (node.kind) {
    case Kind::input:
      throw InternalError("evaluate", "an input is no operation");
    case Kind::parameter:
      return {node.as<ParameterAttr>().value};
    case Kind::constant:
      return {node.as<ConstantAttr>().value};
    case Kind::iota:
      return evaluate_iota(node, context);
    case Kind::random:
      return evaluate_random(node, operands, context);
    case Kind::unary:
    case Kind::binary:
    case Kind::ternary:
    case Kind::cast:
    case Kind::bitcast:
    case Kind::pack:
    case Kind::unpack:
      return evaluate_elementwise(node, operands, context);
    case Kind::broadcast:
    case Kind::reindex:
    case Kind::concat:
    case Kind::reindex_reduce:
      return evaluate_index(node, operands, context);
    case Kind::reduce:
    case Kind::scan:
      return evaluate_reduce(node, operands, context);
    case Kind::contract:
      return evaluate_contract(node, operands, context);
    case Kind::sort:
    case Kind::compact:
    case Kind::size:
    case Kind::bind:
      return evaluate_order(node, operands, context);
    case Kind::if_:
    case Kind::loop:
    case Kind::call:
    case Kind::code:
    case Kind::host:
      return evaluate_control(node, operands, context);
  }
  throw InternalError("evaluate", "unknown kind");
}

namespace {

std::string describe(const Tensor& tensor) {
  return to_string(Type{tensor.dtype, Shape(tensor.shape.begin(), tensor.shape.end())});
}

void check_symbol(const Symbol& symbol, int64_t value) {
  const bool inside =
      value >= symbol.lo && (symbol.hi < 0 || value <= symbol.hi) && value % symbol.divisor == 0;
  if (inside) return;
  throw CompileError("evaluate",
                     "the size '" + symbol.name + "' is " + std::to_string(value) + ", outside " +
                         std::to_string(symbol.lo) + ".." +
                         (symbol.hi >= 0 ? std::to_string(symbol.hi) : "") +
                         (symbol.divisor > 1 ? " % " + std::to_string(symbol.divisor) : ""));
}

// Of those symbols that are bound.
void check_conditions(const Graph& graph, const EvaluateContext& context) {
  if (auto broken = broken_condition(graph.conditions(), context.symbols))
    throw CompileError("evaluate", *broken);
}

// Binds symbols from dimensions that are exactly a symbol, then checks every dimension of every
// input.
void bind_inputs(const Graph& graph, const std::vector<const Node*>& nodes,
                 std::span<const Tensor> inputs, EvaluateContext& context) {
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Type& type = nodes[i]->results[0];
    if (inputs[i].dtype != type.dtype || inputs[i].shape.size() != type.shape.size()) {
      throw CompileError("evaluate", "input '" + nodes[i]->as<InputAttr>().name + "' is " +
                                         to_string(type) + ", " + describe(inputs[i]) +
                                         " is given");
    }
    for (size_t d = 0; d < type.shape.size(); ++d) {
      if (auto symbol = type.shape[d].as_var())
        context.symbols.emplace(*symbol, inputs[i].shape[d]);
    }
  }
  compute_sizes(graph.symbols(), context.symbols);
  for (const Symbol& symbol : graph.symbols()) {
    auto it = context.symbols.find(symbol.name);
    if (it != context.symbols.end()) check_symbol(symbol, it->second);
  }
  check_conditions(graph, context);
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Type& type = nodes[i]->results[0];
    if (context.values(type.shape) == inputs[i].shape) continue;
    std::string sizes;
    for (const auto& [name, value] : context.symbols)
      sizes += (sizes.empty() ? " with " : ", ") + name + " = " + std::to_string(value);
    throw CompileError("evaluate", "input '" + nodes[i]->as<InputAttr>().name + "' is " +
                                       to_string(type) + sizes + ", " + describe(inputs[i]) +
                                       " is given");
  }
}

class Evaluator {
 public:
  explicit Evaluator(EvaluateContext context) : context_(std::move(context)) {}

  void give(const Node* node, Tensor tensor) { values_[node] = {std::move(tensor)}; }
  const EvaluateContext& context() const { return context_; }
  EvaluateContext& context() { return context_; }
  const Tensor& value(const Value& v) const {
    return values_.at(v.node)[static_cast<size_t>(v.result)];
  }

  // Nodes in topological order; `kept` are read after it.
  void run(const Graph* graph, std::span<const Node* const> nodes, std::span<const Value> kept) {
    std::unordered_map<const Node*, int64_t> readers;
    for (const Node* node : nodes) {
      for (const Value& v : node->operands) ++readers[v.node];
    }
    for (const Value& v : kept) ++readers[v.node];
    Tensors operands;
    for (const Node* node : nodes) {
      if (!values_.contains(node)) {
        operands.clear();
        for (const Value& v : node->operands) operands.push_back(value(v));
        values_[node] = evaluate_node(*node, operands, context_);
        check_sizes(graph, *node);
      }
      operands.clear();
      for (const Value& v : node->operands) {
        if (--readers[v.node] == 0) values_.erase(v.node);
      }
    }
  }

 private:
  // A node's tensors have the shapes that its types promise: the one place where symbolic sizes are
  // checked.
  void check_sizes(const Graph* graph, const Node& node) {
    const Tensors& tensors = values_.at(&node);
    for (const OpenSize& size : open_sizes(node))
      if (const auto symbol = size.outside.as_var())
        context_.symbols[*symbol] = tensors[size.result].shape[size.dim];
    const std::vector<std::string> bound = bound_by(node);
    if (graph != nullptr && !bound.empty()) {
      compute_sizes(graph->symbols(), context_.symbols);
      for (const std::string& name : bound)
        if (const Symbol* symbol = graph->find_symbol(name))
          check_symbol(*symbol, context_.symbols.at(name));
      check_conditions(*graph, context_);
    }
    for (size_t i = 0; i < node.results.size(); ++i) {
      if (context_.values(node.results[i].shape) == tensors[i].shape) continue;
      throw CompileError(std::string(op_name(node.kind, node.attr)),
                         "its result is " + to_string(node.results[i]) + ", but " +
                             describe(tensors[i]) + " came out");
    }
  }

  EvaluateContext context_;
  std::unordered_map<const Node*, Tensors> values_;
};

std::vector<Value> results_of(const Graph& graph) {
  std::vector<Value> values;
  for (const Result& r : graph.results) values.push_back(r.value);
  for (const Update& u : graph.updates) values.push_back(u.value);
  return values;
}

Evaluator run_graph(const Graph& graph, std::span<const Tensor> inputs,
                    const EvaluateContext& outer) {
  const std::vector<const Node*> nodes = inputs_of(graph);
  check(nodes.size() == inputs.size(), "evaluate",
        "a region is called with a wrong number of values");
  EvaluateContext context = outer;
  bind_inputs(graph, nodes, inputs, context);
  Evaluator evaluator(std::move(context));
  for (size_t i = 0; i < nodes.size(); ++i) evaluator.give(nodes[i], inputs[i]);
  evaluator.run(&graph, live_nodes(graph), results_of(graph));
  return evaluator;
}

}  // namespace

Tensors evaluate_region(const Graph& region, std::span<const Tensor> inputs,
                        const EvaluateContext& outer) {
  const Evaluator evaluator = run_graph(region, inputs, outer);
  Tensors results;
  for (const Result& r : region.results) results.push_back(evaluator.value(r.value));
  return results;
}

Evaluation evaluate(const Graph& graph, const std::map<std::string, Tensor>& inputs) {
  const FloatEnvironment environment;
  Tensors given;
  for (const Node* node : inputs_of(graph)) {
    auto it = inputs.find(node->as<InputAttr>().name);
    if (it == inputs.end()) {
      throw CompileError("evaluate", "input '" + node->as<InputAttr>().name + "' of type " +
                                         to_string(node->results[0]) + " is missing");
    }
    given.push_back(it->second);
  }
  const Evaluator evaluator = run_graph(graph, given, {});
  Evaluation evaluation;
  for (const Result& r : graph.results) evaluation.results.push_back(evaluator.value(r.value));
  for (const Update& u : graph.updates) evaluation.updates.push_back(evaluator.value(u.value));
  evaluation.symbols = evaluator.context().symbols;
  return evaluation;
}

Tensor evaluate_constant(const Value& value) {
  const FloatEnvironment environment;
  // Operands before users, by ids: creation order is topological.
  std::vector<const Node*> nodes{value.node};
  std::unordered_map<const Node*, bool> seen{{value.node, true}};
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (const Value& v : nodes[i]->operands) {
      if (seen.emplace(v.node, true).second) nodes.push_back(v.node);
    }
  }
  std::ranges::sort(nodes, {}, &Node::id);
  for (const Node* node : nodes) {
    if (node->kind != Kind::input) continue;
    throw CompileError("evaluate", "the value depends on input '" + node->as<InputAttr>().name +
                                       "', it is no constant");
  }
  Evaluator evaluator({});
  evaluator.run(nullptr, nodes, {&value, 1});
  return evaluator.value(value);
}

}  // namespace mintor
