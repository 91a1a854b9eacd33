// SPDX-License-Identifier: Apache-2.0
// Moves index nodes behind element-wise nodes that need nothing else of a place than its element,
// so that these become tails of the contract before.
//| y = contract (x, w); h = reindex y to [heads, m, n / heads]; s = mul (h, 0.125)
//|   ->  t = mul (y, 0.125)
//|       s = reindex t to [heads, m, n / heads]
// Takes reindexes of as many elements as there are, whose value nothing else reads; all other
// operands are one number. A reindex that is left over is then read through by contracts, where
// its product was a copy of its own.
#include <algorithm>
#include <unordered_set>

#include "compiler/graph/fusion/draft.h"
#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/sizes.h"

namespace mintor {
namespace {

bool is_number(const Value& v) {
  return v.node->kind == Kind::broadcast && v.node->operands[0].shape().empty();
}

// Position of the one operand that is no number; nothing where there are more.
std::optional<size_t> only_array(std::span<const Value> operands) {
  std::optional<size_t> found;
  for (size_t n = 0; n < operands.size(); ++n) {
    if (is_number(operands[n])) continue;
    if (found) return std::nullopt;
    found = n;
  }
  return found;
}

class Tails {
 public:
  explicit Tails(const Graph& graph) : users_(users_of(graph)) {
    for (const Result& result : graph.results) wanted_.insert(result.value.node);
    for (const Update& update : graph.updates) wanted_.insert(update.value.node);
  }

  // Whether a contract makes the value for this reader alone, by nodes that have no other either.
  // A chain that is longer is no tail of one kernel.
  bool leads_from_contract(const Value& value) const {
    const Node* node = value.node;
    for (size_t steps = 0; steps < fusion::kMostNodes; ++steps) {
      if (users_[static_cast<size_t>(node->id)].size() != 1 || wanted_.contains(node)) return false;
      if (node->kind == Kind::contract) return true;
      if (node->kind != Kind::reindex && !fusion::is_elementwise(*node)) return false;
      const auto full = std::ranges::find_if(
          node->operands, [](const Value& v) { return v.node->kind != Kind::broadcast; });
      if (full == node->operands.end()) return false;
      node = full->node;
    }
    return false;
  }

 private:
  const std::vector<std::vector<const Node*>> users_;
  std::unordered_set<const Node*> wanted_;
};

std::optional<std::vector<Value>> moved(Builder& b, const Tails& tails, const Node& old,
                                        std::span<const Value> operands) {
  if (!fusion::is_elementwise(old)) return std::nullopt;
  const auto array = only_array(operands);
  if (!array) return std::nullopt;
  const Node& reindex = *operands[*array].node;
  if (reindex.kind != Kind::reindex || !tails.leads_from_contract(old.operands[*array]))
    return std::nullopt;
  const Value x = reindex.operands[0];
  const Shape& shape = old.results[0].shape;
  const auto coords = plain_coords(reindex, b.graph());
  if (!coords || !(count_of(x.shape()) == count_of(shape))) return std::nullopt;
  std::vector<Value> inner;
  for (size_t n = 0; n < operands.size(); ++n)
    inner.push_back(n == *array ? x : b.broadcast(operands[n].node->operands[0], x.shape(), {}));
  const Type type{old.results[0].dtype, x.shape()};
  return std::vector<Value>{
      plain_reindex(b, b.node(old.kind, old.attr, inner, {&type, 1})[0], shape, *coords)};
}

Graph run(CompileContext&, const Graph& graph) {
  const Tails tails(graph);
  return rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value> operands) {
    return moved(b, tails, old, operands);
  });
}

}  // namespace

extern const GraphPass pass_sink_reindex;
const GraphPass pass_sink_reindex = {"sink_reindex", "moves index nodes behind tails of contracts",
                                     run};

}  // namespace mintor
