// SPDX-License-Identifier: Apache-2.0
// Takes and gives what runs_from_start.h says. Keeps true: a state of an open size has its upper
// bound in `graph`, and a run reads and writes its first rows; ONNX Runtime gets and gives these
// alone.
#include "compiler/cli/runs_from_start.h"

#include <cstring>
#include <functional>

#include "compiler/cli/against.h"
#include "compiler/graph/rewrite.h"
#include "compiler/graph/state_inputs.h"
#include "compiler/ir/evaluate.h"

namespace mintor {
namespace {

std::string state_name(const std::string& parameter) { return "state " + parameter; }

NamedTensors runs(bool has_states, const std::function<NamedTensors()>& run) {
  NamedTensors outputs = run();
  if (!has_states) return outputs;
  for (auto& [name, tensor] : run()) outputs[name + ", second run"] = tensor;
  return outputs;
}

Graph with_parameters(const Graph& graph, const NamedTensors& values) {
  return rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value>) {
    std::optional<std::vector<Value>> made;
    if (old.kind != Kind::parameter) return made;
    const std::string& name = old.as<ParameterAttr>().name;
    if (const auto at = values.find(name); at != values.end())
      made = {b.parameter(name, at->second)};
    return made;
  });
}

// `part` in the first rows of zeros.
Tensor in_corner(const Tensor& part, const std::vector<int64_t>& shape) {
  auto [whole, bytes] = Tensor::make(part.dtype, shape);
  const int64_t size = size_of(part.dtype);
  std::memset(bytes, 0, static_cast<size_t>(whole.bytes()));
  for (int64_t i = 0; i < part.count(); ++i) {
    int64_t rest = i, at = 0, step = 1;
    for (size_t d = shape.size(); d-- > 0;) {
      at += rest % part.shape[d] * step;
      rest /= part.shape[d];
      step *= shape[d];
    }
    std::memcpy(bytes + at * size, part.data + i * size, static_cast<size_t>(size));
  }
  return whole;
}

// The sizes that inputs have, beside the typical ones of what they do not say.
SymbolValues sizes_of(const Graph& graph, const NamedTensors& inputs) {
  SymbolValues symbols = typical_symbols(graph);
  for (const Node* node : inputs_of(graph)) {
    const auto given = inputs.find(node->as<InputAttr>().name);
    const Shape& shape = node->results[0].shape;
    for (size_t d = 0; given != inputs.end() && d < shape.size(); ++d)
      if (const auto symbol = shape[d].as_var()) symbols[*symbol] = given->second.shape[d];
  }
  return symbols;
}

// Zeros for each input that is a state, in the shape that it has beside these inputs.
NamedTensors zero_states(const Graph& without_states, const NamedTensors& inputs) {
  const SymbolValues symbols = sizes_of(without_states, inputs);
  NamedTensors zeros;
  for (const Node* node : inputs_of(without_states)) {
    const std::string& name = node->as<InputAttr>().name;
    if (inputs.contains(name)) continue;
    std::vector<int64_t> shape;
    for (const Index& size : node->results[0].shape) shape.push_back(value_of(size, symbols));
    zeros[name] = Tensor::zeros(node->results[0].dtype, shape);
  }
  return zeros;
}

}  // namespace

NamedTensors runs_from_start(LoadedModel& loaded, const NamedTensors& inputs) {
  const mt_model_info& info = loaded.info();
  loaded.context().reset();
  return runs(info.state_count > 0, [&] {
    NamedTensors outputs = loaded.run(inputs);
    const std::vector<Tensor> states = loaded.context().states();
    for (size_t s = 0; s < states.size(); ++s) outputs[state_name(info.states[s].name)] = states[s];
    return outputs;
  });
}

NamedTensors evaluated_from_start(const Graph& graph, const NamedTensors& inputs) {
  NamedTensors states;
  return runs(!graph.updates.empty(), [&] {
    const Evaluation made = evaluate(with_parameters(graph, states), inputs);
    NamedTensors outputs;
    for (size_t r = 0; r < made.results.size(); ++r)
      outputs[graph.results[r].name] = made.results[r];
    for (size_t u = 0; u < made.updates.size(); ++u) {
      states[graph.updates[u].parameter] = made.updates[u];
      outputs[state_name(graph.updates[u].parameter)] = made.updates[u];
    }
    return outputs;
  });
}

NamedTensors onnxruntime_from_start(const Options& options, const std::string& model,
                                    const Graph& graph, const NamedTensors& inputs) {
  if (options.states.empty()) return run_onnxruntime(model, inputs);
  CompileContext context;
  context.options = options;
  context.options.states.clear();
  NamedTensors given = zero_states(load_model(context, model), inputs);
  given.insert(inputs.begin(), inputs.end());
  return runs(true, [&] {
    NamedTensors outputs = run_onnxruntime(model, given);
    for (const std::string& text : options.states) {
      const auto [input, output] = parse_state_input(text);
      const Node* state = graph.find_leaf(Kind::parameter, input);
      given[input] = outputs.at(output);
      outputs[state_name(input)] = in_corner(given[input], state->as<ParameterAttr>().value.shape);
    }
    for (const std::string& text : options.states) outputs.erase(parse_state_input(text).output);
    return outputs;
  });
}

NamedTensors outputs_of_first_run(const Graph& graph, const NamedTensors& outputs) {
  NamedTensors first;
  for (const Result& result : graph.results) first[result.name] = outputs.at(result.name);
  return first;
}

}  // namespace mintor
