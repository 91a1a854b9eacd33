// SPDX-License-Identifier: Apache-2.0
// Joins index nodes that follow each other, and drops those that change nothing.
//   y = reindex (x) [i1, i0]; z = reindex (y) [i1, i0]   ->   z is x
// Only the inner node must stay inside its operand (so that its fill is never seen); the outer may
// be anything. A transpose stays beneath windows: they would follow its strides once for each tap.
#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/sizes.h"

namespace mintor {

// z = outer(inner(x)): the coordinates of x, over the index of z.
static std::vector<Index> compose(const std::vector<Index>& inner, const std::vector<Index>& outer,
                                  const Ranges& ranges) {
  std::vector<Index> coords;
  const auto values = index_values(outer);
  for (const Index& c : inner) coords.push_back(ranges.simplify(c.substitute(values)));
  return coords;
}

// Whether each element of x is read at least twice along dimensions that a transpose has moved.
static bool are_windows_of_transpose(const Node& windows, const Value& x, const Graph& graph) {
  if (!moves_innermost(*x.node)) return false;
  const Index all = count_of(windows.results[0].shape), once = count_of(x.shape());
  return graph.ranges().proves_nonnegative(all - 2 * once);
}

static Graph run(CompileContext&, const Graph& graph) {
  return rewrite(
      graph,
      [&](Builder& b, const Node& old,
          std::span<const Value> operands) -> std::optional<std::vector<Value>> {
        if (old.kind != Kind::reindex && old.kind != Kind::broadcast) return std::nullopt;
        const Ranges ranges = ranges_over(graph, old.results[0].shape);
        const Shape& shape = old.results[0].shape;
        Value x = operands[0];
        if (old.kind == Kind::reindex && are_windows_of_transpose(old, x, graph))
          return std::nullopt;
        const auto inner =
            x.node->kind == Kind::constant ? std::nullopt : plain_coords(*x.node, b.graph());
        if (const auto outer = plain_coords(old, graph)) {
          std::vector<Index> coords = *outer;
          if (inner) {
            coords = compose(*inner, *outer, ranges);
            x = x.node->operands[0];
          }
          bool same = x.shape() == shape;
          for (size_t d = 0; d < coords.size() && same; ++d) same = coords[d] == dim_index(d);
          if (same) return std::vector<Value>{x};
          return std::vector<Value>{plain_reindex(b, x, shape, coords)};
        }
        if (!inner) return std::nullopt;
        // A reindex with a border, or a gather: its own coordinates may leave the middle value, so
        // its bounds stay as conditions.
        const auto& attr = old.as<ReindexAttr>();
        if (!attr.map.loads.empty()) return std::nullopt;
        IndexMap map;
        map.conditions = attr.map.conditions;
        const Shape& middle = operands[0].shape();
        for (size_t d = 0; d < middle.size(); ++d)
          if (!ranges.proves_nonnegative(attr.map.coords[d]) ||
              !ranges.proves_less(attr.map.coords[d], middle[d]))
            map.conditions.push_back({attr.map.coords[d], middle[d]});
        const auto values = index_values(attr.map.coords);
        for (const Index& c : *inner) map.coords.push_back(ranges.simplify(c.substitute(values)));
        std::vector<Value> rest(operands.begin() + 1, operands.end());
        return std::vector<Value>{b.reindex(x.node->operands[0], shape, map, attr.fill, rest)};
      });
}

extern const GraphPass pass_compose_reindex;
const GraphPass pass_compose_reindex = {"compose_reindex",
                                        "joins index nodes that follow each other", run};

}  // namespace mintor
