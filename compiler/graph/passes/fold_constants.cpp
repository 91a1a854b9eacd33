// SPDX-License-Identifier: Apache-2.0
// Evaluates nodes whose operands are small constants, with the functions that kernels use.
//   a = constant f32[] 2; b = sqrt (a)   ->   b = constant f32[] 1.4142135
// What depends on parameters stays: `prepare` computes it once, in parallel, when the package is
// opened.
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/evaluate.h"

namespace mintor {

// Larger results are cheaper to compute where they are needed than to store.
static constexpr int64_t kMostElements = 4096;

static Graph run(CompileContext&, const Graph& graph) {
  return rewrite(graph,
                 [](Builder& b, const Node& old,
                    std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (operands.empty() || old.results.size() != 1 || old.kind == Kind::broadcast)
                     return std::nullopt;
                   if (old.kind >= Kind::sort) return std::nullopt;
                   for (const Value& v : operands)
                     if (v.node->kind != Kind::constant) return std::nullopt;
                   int64_t count = 1;
                   for (const Index& e : old.results[0].shape) {
                     if (!e.is_const()) return std::nullopt;
                     count *= e.value();
                     if (count > kMostElements) return std::nullopt;
                   }
                   if (!symbols_of(old).empty()) return std::nullopt;  // a place that is a size
                   const std::vector<Value> node =
                       b.node(old.kind, old.attr, operands, old.results);
                   return std::vector<Value>{b.constant(evaluate_constant(node[0]))};
                 });
}

extern const GraphPass pass_fold_constants;
const GraphPass pass_fold_constants = {"fold_constants",
                                       "evaluates what depends on small constants only", run};

}  // namespace mintor
