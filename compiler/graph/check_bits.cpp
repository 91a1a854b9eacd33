// SPDX-License-Identifier: Apache-2.0
// Takes two graphs; evaluates both for small values of the symbols. Keeps true: NaN equals NaN, and
// inputs hold zeros of both signs, infinities and subnormals.
#include "compiler/graph/check_bits.h"

#include <algorithm>
#include <string>

#include "compiler/graph/cost.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/seeded.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

constexpr int64_t kMostOperations = 10'000'000;

bool runs_here(const Graph& graph, const SymbolValues& symbols) {
  const GraphCost cost = cost_of(graph, symbols);
  int64_t moved = 0;
  for (const NodeCost& node : cost.nodes) {
    if (node.node->kind == Kind::host || node.node->kind == Kind::code) return false;
    moved += node.result_bytes / size_of(node.node->results[0].dtype);
  }
  return cost.flops + moved <= kMostOperations;
}

// An odd size above the least one, so that vectors have tails.
SymbolValues small_symbols(const Graph& graph) {
  SymbolValues values;
  for (const Symbol& symbol : graph.symbols()) {
    const int64_t divisor = std::max<int64_t>(symbol.divisor, 1);
    const int64_t wish = (std::max<int64_t>(symbol.lo, 3) + divisor - 1) / divisor * divisor;
    values[symbol.name] =
        symbol.hi >= 0 && wish > symbol.hi ? symbol.hi / divisor * divisor : wish;
  }
  return values;
}

std::map<std::string, Tensor> inputs_for(const Graph& graph, const SymbolValues& symbols) {
  std::map<std::string, Tensor> inputs;
  uint64_t seed = 1;
  for (const Node* node : inputs_of(graph)) {
    std::vector<int64_t> shape;
    for (const Index& extent : node->results[0].shape)
      shape.push_back(
          extent.evaluate([&](std::string_view n) { return symbols.at(std::string(n)); }));
    inputs[node->as<InputAttr>().name] =
        seeded_tensor(node->results[0].dtype, shape, seed++, SeededFloats::hard);
  }
  return inputs;
}

}  // namespace

void check_bits(std::string_view pass, const Graph& before, const Graph& after) {
  const SymbolValues symbols = small_symbols(before);
  if (!runs_here(before, symbols) || !runs_here(after, symbols)) return;
  const std::map<std::string, Tensor> inputs = inputs_for(before, symbols);
  Evaluation expected;
  try {
    expected = evaluate(before, inputs);
  } catch (const CompileError&) {
    return;  // sizes that the model does not take: a window larger than its image
  }
  const Evaluation actual = evaluate(after, inputs);
  if (expected.results.size() != actual.results.size())
    throw InternalError(std::string(pass), "the number of results changed");
  for (size_t i = 0; i < expected.results.size(); ++i)
    if (!same_bits(expected.results[i], actual.results[i]))
      throw InternalError(std::string(pass), "result '" + before.results[i].name +
                                                 "' has other bits than before the pass");
}

}  // namespace mintor
