// SPDX-License-Identifier: Apache-2.0
// A contract reads through the plain index nodes before it: transposed and reshaped operands cost
// no copy.
//   t = transpose (k) [0, 2, 1]; s = contract (q, t[b, k, n])   ->   s = contract (q, k[b, n, k])
// Only when the coordinates are provably inside, so that no term is skipped that was not skipped
// before; a transpose is outside where its operand is, and is read through where that brings an
// axis to the innermost place of a window (weight gradients of convolutions).
#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/winograd.h"

namespace mintor {

static bool fold(const Graph& graph, const Contract& c, Value& operand,
                 std::vector<Index>& coords) {
  const auto inner = plain_coords(*operand.node, graph);
  if (!inner || operand.node->operands[0].node->kind == Kind::constant) return false;
  Ranges ranges = graph.ranges();
  for (const ContractAxis& a : c.axes) ranges.set(a.name, Index(0), a.extent - 1);
  const auto values = index_values(coords);
  std::vector<Index> folded;
  for (const Index& e : *inner) folded.push_back(ranges.simplify(e.substitute(values)));
  const bool transposed =
      as_transpose(*operand.node) && folded.back().as_var() && !coords.back().as_var();
  for (size_t d = 0; d < coords.size() && !transposed; ++d)
    if (!ranges.proves_nonnegative(coords[d]) || !ranges.proves_less(coords[d], operand.shape()[d]))
      return false;
  coords = folded;
  operand = operand.node->operands[0];
  return true;
}

static Graph run(CompileContext&, const Graph& graph) {
  return rewrite(
      graph,
      [](Builder& b, const Node& old,
         std::span<const Value> operands) -> std::optional<std::vector<Value>> {
        if (old.kind != Kind::contract) return std::nullopt;
        Contract c = old.as<Contract>();
        Value x = operands[0], y = operands[1];
        const bool changed_x = fold(b.graph(), c, x, c.x_coords),
                   changed_y = fold(b.graph(), c, y, c.y_coords);
        if (!changed_x && !changed_y) return std::nullopt;
        if (c.order.form == Order::Form::winograd && !winograd::axes_of(c, winograd::points_of(c)))
          return std::nullopt;
        return std::vector<Value>{b.contract(x, y, c)};
      });
}

extern const GraphPass pass_fold_into_contract;
const GraphPass pass_fold_into_contract = {"fold_into_contract",
                                           "contracts read through index nodes", run};

}  // namespace mintor
