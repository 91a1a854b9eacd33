// SPDX-License-Identifier: Apache-2.0
// The reference evaluator: one plain typed loop per kind, in the order that the attributes say. The
// oracle of all below. A reduce, scan or contract whose order is unset is evaluated with the order
// that the pass `order` would set.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace mintor {

struct Evaluation {
  std::vector<Tensor> results;             // in order of graph.results
  std::vector<Tensor> updates;             // the new values, in order of graph.updates
  std::map<std::string, int64_t> symbols;  // as bound
};

// inputs: by input name. Throws CompileError when an input is missing or does not fit its type.
Evaluation evaluate(const Graph& graph, const std::map<std::string, Tensor>& inputs);
// One value for each node of a subset, for constant folding: no inputs needed.
Tensor evaluate_constant(const Value& value);
// The default orders of the numerics contract (docs/numerics.md), used by the pass `order`.
Order default_order(const Node& node);

}  // namespace mintor
