// SPDX-License-Identifier: Apache-2.0
// What a model computes from the states of a new context, for comparisons.
// Takes a way to run it once; gives outputs by name. Keeps true: a model without states runs once;
// one with states twice on the same inputs, since only the second run reads what a run wrote, and
// the states after each are outputs too: "y", "state h", "y, second run", "state h, second run".
#pragma once

#include <string>

#include "compiler/cli/model_io.h"

namespace mintor {

NamedTensors runs_from_start(LoadedModel& loaded, const NamedTensors& inputs);
// By the reference evaluator; the states are the parameters that the graph updates.
NamedTensors evaluated_from_start(const Graph& graph, const NamedTensors& inputs);
// By ONNX Runtime: an input that is a state (graph/state_inputs.h) is zero at first, then what its
// output was. Names and shapes are those of `graph`, which has states instead.
NamedTensors onnxruntime_from_start(const Options& options, const std::string& model,
                                    const Graph& graph, const NamedTensors& inputs);
// What the first run alone gives as outputs: what a package's case holds.
NamedTensors outputs_of_first_run(const Graph& graph, const NamedTensors& outputs);

}  // namespace mintor
