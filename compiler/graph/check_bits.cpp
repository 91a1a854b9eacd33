// SPDX-License-Identifier: Apache-2.0
// Takes two graphs; evaluates both for small values of the symbols, or for their hints. Keeps true:
// NaN equals NaN, and inputs hold zeros of both signs, infinities and subnormals; what was not
// compared is said.
#include "compiler/graph/check_bits.h"

#include <algorithm>
#include <string>

#include "compiler/graph/cost.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/seeded.h"
#include "compiler/ir/sizes.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

constexpr int64_t kMostOperations = 10'000'000;

// Why a graph is not run; "": it is.
std::string too_much(const Graph& graph, const SymbolValues& symbols) {
  const GraphCost cost = cost_of(graph, symbols);
  int64_t moved = 0;
  for (const NodeCost& node : cost.nodes) {
    if (node.node->kind == Kind::host || node.node->kind == Kind::code)
      return "the graph holds " + std::string(name_of(node.node->kind));
    moved += node.result_bytes / size_of(node.node->results[0].dtype);
  }
  if (cost.flops + moved <= kMostOperations) return "";
  return "the graph has more than " + std::to_string(kMostOperations) + " scalar operations";
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
  return sizes_that_fit(graph.symbols(), graph.conditions(), std::move(values));
}

SymbolValues hinted_symbols(const Graph& graph) {
  SymbolValues values = small_symbols(graph);
  for (const Symbol& symbol : graph.symbols())
    if (symbol.hint > 0) values[symbol.name] = symbol.hint;
  return sizes_that_fit(graph.symbols(), graph.conditions(), std::move(values));
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

// Evaluates both; the error of the first, where it does not take these sizes.
std::string compare(std::string_view pass, const Graph& before, const Graph& after,
                    const SymbolValues& symbols) {
  const std::map<std::string, Tensor> inputs = inputs_for(before, symbols);
  Evaluation expected, actual;
  try {
    expected = evaluate(before, inputs);
  } catch (const CompileError& error) {
    return error.what();
  }
  try {
    actual = evaluate(after, inputs);
  } catch (const CompileError& error) {
    throw InternalError(std::string(pass),
                        std::string("the graph can no longer be evaluated: ") + error.what());
  }
  if (expected.results.size() != actual.results.size())
    throw InternalError(std::string(pass), "the number of results changed");
  for (size_t i = 0; i < expected.results.size(); ++i)
    if (!same_bits(expected.results[i], actual.results[i]))
      throw InternalError(std::string(pass), "result '" + before.results[i].name +
                                                 "' has other bits than before the pass");
  return "";
}

}  // namespace

std::string check_bits(std::string_view pass, const Graph& before, const Graph& after) {
  std::string reason;
  for (const SymbolValues& symbols : {small_symbols(before), hinted_symbols(before)}) {
    reason = too_much(before, symbols);
    if (reason.empty()) reason = too_much(after, symbols);
    if (reason.empty()) reason = compare(pass, before, after, symbols);
    if (reason.empty()) return "";
  }
  return reason;
}

}  // namespace mintor
