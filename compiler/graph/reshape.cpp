// SPDX-License-Identifier: Apache-2.0
// Takes a node; compares it with what the Builder makes of the same two shapes.
// Keeps true: a reindex that reads any other order, or leaves its operand, is no reshape.
#include "compiler/graph/reshape.h"

#include "compiler/graph/index_map.h"
#include "compiler/ir/builder.h"
#include "compiler/support/error.h"

namespace mintor {

bool is_reshape(const Node& node, const Graph& graph) {
  if (node.kind != Kind::reindex) return false;
  const IndexMap& map = node.as<ReindexAttr>().map;
  if (!map.loads.empty() || !map.conditions.empty()) return false;
  const Type& from = node.operands[0].type();
  const Type& to = node.results[0];
  Index have = 1, want = 1;
  for (const Index& e : from.shape) have = have * e;
  for (const Index& e : to.shape) want = want * e;
  if (!(have == want)) return false;

  Graph scratch;
  scratch.copy_sizes(graph);
  Builder builder(scratch);
  const Value reshaped = builder.reshape(builder.input("x", from.dtype, from.shape), to.shape);
  if (reshaped.node->kind != Kind::reindex) return false;
  Ranges ranges = graph.ranges();
  for (size_t d = 0; d < to.shape.size(); ++d) ranges.set(dim_name(d), Index(0), to.shape[d] - 1);
  const std::vector<Index>& canonical = reshaped.node->as<ReindexAttr>().map.coords;
  for (size_t d = 0; d < canonical.size(); ++d)
    if (!(ranges.simplify(map.coords[d]) == ranges.simplify(canonical[d]))) return false;
  return true;
}

}  // namespace mintor
