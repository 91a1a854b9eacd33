// SPDX-License-Identifier: Apache-2.0
// What is worth computing again, and what is worth keeping. Takes nodes and their draft; gives yes
// or no. Keeps true: asks for sizes and readers, and of what a node computes only how long it
// takes.
#include <algorithm>

#include "compiler/graph/fusion/draft.h"
#include "compiler/ir/sizes.h"

namespace mintor::fusion {
namespace {

// Rows of a row-block group are kept only up to this size. Softmax of 64 rows, one thread: 16384
// elements kept 0.72 ms, exp written twice 0.82, stored by a kernel of its own 0.83; with erf in
// its place 1.5 against 3.3 (Xeon, 2 cores shared, 2026-11-28).
constexpr int64_t kMostRowElements = 16384;

// Functions of many instructions: what they give is kept of longer rows as well. Softmax of 8 rows
// of 50,257, one thread: exp kept 370 us, written twice 546; but the difference that LogSoftmax
// takes exp of 411 against 369 (AMD EPYC, Zen 3, 2026-12-01).
bool takes_long(const Node& node) {
  using enum ScalarOp;
  static constexpr ScalarOp kLong[] = {exp,   exp2,  expm1, log,  log2, log10, log1p, sigmoid, cbrt,
                                       sin,   cos,   tan,   asin, acos, atan,  sinh,  cosh,    tanh,
                                       asinh, acosh, atanh, erf,  erfc, pow,   atan2, hypot};
  const auto* scalar = std::get_if<ScalarAttr>(&node.attr);
  return scalar != nullptr && std::ranges::find(kLong, scalar->op) != std::end(kLong);
}

}  // namespace

const size_t kMostNodes = 64;

bool repeats(const Graph& graph, const Node& reindex) {
  const Index reads = count_of(reindex.results[0].shape);
  return !graph.ranges().proves_nonnegative(count_of(reindex.operands[0].shape()) - reads);
}

std::unordered_set<const Node*> find_contract_tails(const Drafts& all) {
  std::unordered_set<const Node*> tails;
  const auto continues = [&](const Node& node, const Value& v) {
    if (v.node->results.size() != 1 || !(v.shape() == node.results[0].shape)) return false;
    if (all.users[v.node->id].size() != 1 || all.is_wanted(*v.node)) return false;
    return v.node->kind == Kind::contract || tails.contains(v.node);
  };
  for (const Node* node : all.live)
    if (is_elementwise(*node) &&
        std::ranges::any_of(node->operands, [&](const Value& v) { return continues(*node, v); }))
      tails.insert(node);
  return tails;
}

// All rows that a kernel keeps: they share a core's L2 cache with what is read and written, and
// each thread has them once.
const int64_t kMostKeptBytes = 256 * 1024;

std::optional<int64_t> row_bytes(const Drafts& all, const Draft& draft, const Value& value) {
  const Node& reduce = *draft.first_reduce;
  const Shape& full = reduce.operands[0].shape();
  Index bytes = size_of(value.dtype());
  if (value.shape() == full)
    for (const int32_t d : reduce.as<ReduceAttr>().dims) bytes = bytes * full[d];
  return all.graph.ranges().upper(bytes);
}

bool worth_keeping(const Drafts& all, const Draft& draft, const Node& node) {
  if (!is_elementwise(node)) return false;
  const Node& reduce = *draft.first_reduce;
  const Shape& full = reduce.operands[0].shape();
  const std::vector<int32_t>& dims = reduce.as<ReduceAttr>().dims;
  if (!draft.nodes.at(&node) || !trailing(dims, full.size())) return false;
  const std::vector<const Node*>& users = all.users[node.id];
  if (node.results[0].shape == without(full, dims))
    return std::ranges::any_of(users, [&](const Node* user) {
      return user->kind == Kind::broadcast && draft.holds(user);
    });
  if (!(node.results[0].shape == full)) return false;
  Index row = 1;
  for (int32_t d : dims) row = row * full[d];
  const auto most = all.graph.ranges().upper(row);
  if (!most || (*most > kMostRowElements && !takes_long(node))) return false;
  return std::ranges::count_if(users, [&](const Node* user) { return draft.holds(user); }) > 1;
}

}  // namespace mintor::fusion
