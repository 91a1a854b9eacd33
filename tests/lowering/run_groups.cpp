// SPDX-License-Identifier: Apache-2.0
// Takes a graph and inputs; gives results, kernel by kernel in the loop interpreter.
// Keeps true: an output element that no kernel stored is an error.
#include "tests/lowering/run_groups.h"

#include <cstring>

#include "compiler/codegen/target.h"
#include "compiler/contraction/strategy.h"
#include "compiler/graph/fusion.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/loop/interpret.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/lower_expr.h"

namespace mintor {
namespace {

std::vector<int64_t> sizes(const Shape& shape, const std::map<std::string, int64_t>& symbols) {
  std::vector<int64_t> out;
  for (const Index& e : shape)
    out.push_back(e.evaluate([&](std::string_view name) { return symbols.at(std::string(name)); }));
  return out;
}

Kernel scheduled(CompileContext& context, const Graph& graph, const Group& group,
                 const std::optional<TargetInfo>& target, const Measured& measured) {
  Kernel kernel = lower(graph, group);
  verify(kernel);
  if (!target) return kernel;
  schedule(context, graph, group, *target, kernel, measured);
  verify(kernel);
  return kernel;
}

using Values = std::map<std::pair<const Node*, int32_t>, Tensor>;

Memory memory_of(const Tensor& t) { return {t.dtype, {t.data, t.data + t.bytes()}, {}}; }

void run_group(const Graph& graph, const Group& group, const Kernel& kernel,
               const std::map<std::string, int64_t>& symbols, Values& values) {
  std::map<std::string, Memory> buffers;
  for (const Value& v : group.inputs)
    buffers[value_name(graph, v)] = memory_of(values.at({v.node, v.result}));
  for (const Value& v : group.outputs) {
    const Tensor t = Tensor::zeros(v.dtype(), sizes(v.shape(), symbols));
    Memory m = memory_of(t);
    m.defined.assign(t.count(), false);
    buffers[value_name(graph, v)] = std::move(m);
  }
  std::map<std::string, int64_t> used;
  for (const SymbolParam& s : kernel.symbols) used[s.name] = symbols.at(s.name);
  interpret(kernel, buffers, used);
  for (const Value& v : group.outputs) {
    const Memory& m = buffers.at(value_name(graph, v));
    for (size_t i = 0; i < m.defined.size(); ++i)
      if (!m.defined[i])
        throw std::runtime_error(kernel.name + " left element " + std::to_string(i) + " undefined");
    values[{v.node, v.result}] =
        Tensor::copy_of(v.dtype(), sizes(v.shape(), symbols), m.bytes.data());
  }
}

}  // namespace

std::vector<Tensor> run_groups(const Graph& graph, const std::map<std::string, Tensor>& inputs,
                               const std::optional<TargetInfo>& target,
                               const Measured& measured) {
  CompileContext context;
  std::map<std::string, int64_t> symbols;
  Values values;
  for (const auto& owned : graph.nodes()) {
    const Node* node = owned.get();
    if (node->kind == Kind::parameter) values[{node, 0}] = node->as<ParameterAttr>().value;
    if (node->kind == Kind::constant) values[{node, 0}] = node->as<ConstantAttr>().value;
    if (node->kind != Kind::input) continue;
    const Tensor& t = inputs.at(node->as<InputAttr>().name);
    for (size_t d = 0; d < t.shape.size(); ++d)
      if (auto name = node->results[0].shape[d].as_var()) symbols[*name] = t.shape[d];
    values[{node, 0}] = t;
  }
  const FusionPlan plan = fuse(graph);
  const auto follow_views = [&] {
    for (const View& view : plan.views) {
      auto it = values.find({view.of.node, view.of.result});
      if (it == values.end()) continue;
      Tensor t = it->second;
      t.shape = sizes(view.value.shape(), symbols);
      values[{view.value.node, view.value.result}] = t;
    }
  };
  follow_views();
  for (const Group& group : plan.groups) {
    run_group(graph, group, scheduled(context, graph, group, target, measured), symbols, values);
    follow_views();
  }
  std::vector<Tensor> results;
  for (const Result& r : graph.results)
    results.push_back(values.at({r.value.node, r.value.result}));
  return results;
}

std::string kernels_text(const Graph& graph, const std::optional<TargetInfo>& target,
                         const Measured& measured) {
  CompileContext context;
  std::string text;
  for (const Group& group : fuse(graph).groups)
    text += print(scheduled(context, graph, group, target, measured)) + "\n";
  return text;
}

std::map<std::string, Tensor> sample_inputs(const Graph& graph,
                                            const std::map<std::string, int64_t>& symbols,
                                            uint32_t seed) {
  std::map<std::string, Tensor> inputs;
  uint64_t state = seed * 2654435761u + 12345;
  for (const auto& owned : graph.nodes()) {
    if (owned->kind != Kind::input) continue;
    const Type& type = owned->results[0];
    auto [tensor, bytes] = Tensor::make(type.dtype, sizes(type.shape, symbols));
    for (int64_t i = 0; i < tensor.count(); ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const double unit = static_cast<double>(state >> 40) / (1 << 24);
      const Scalar value = is_float(type.dtype)
                               ? Scalar::of(type.dtype, 4 * unit - 2)
                               : Scalar::of_int(type.dtype, static_cast<int64_t>(unit * 7));
      value.write(bytes + i * size_of(type.dtype));
    }
    inputs[owned->as<InputAttr>().name] = tensor;
  }
  return inputs;
}

Tensor noise(std::vector<int64_t> shape, uint32_t seed) {
  Graph g;
  Builder b(g);
  b.input("x", DType::f32, Shape(shape.begin(), shape.end()));
  return sample_inputs(g, {}, seed).at("x");
}

}  // namespace mintor
