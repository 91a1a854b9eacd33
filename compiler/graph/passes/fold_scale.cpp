// SPDX-License-Identifier: Apache-2.0
// A factor per channel behind a contract of parameters moves into the parameters: batch norm after
// a convolution costs nothing.
//   c = contract (x, w[n, k]); a = add (c, bias[n]); s = mul (a, scale[n])
//     ->  s = add (contract (x, w * scale), bias * scale)
// Products round elsewhere than before, so `--numerics strict` leaves it out. The factor and the
// bias have to come from parameters alone, along one axis that the parameters have too.
#include <algorithm>

#include "compiler/graph/from_parameters.h"
#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"

namespace mintor {
namespace {

// A value of the parameters that varies along one dimension of the result, as a vector.
struct PerChannel {
  size_t dim = 0;
  Value vector;
};

class FoldScale {
 public:
  explicit FoldScale(const Graph& graph) : users_(users_of(graph)), from_parameters_(graph) {}

  std::optional<std::vector<Value>> operator()(Builder& b, const Node& old,
                                               std::span<const Value> operands) {
    if (old.kind != Kind::binary || old.as<ScalarAttr>().op != ScalarOp::mul) return std::nullopt;
    for (const size_t side : {0, 1}) {
      if (!is_own(*old.operands[side].node)) continue;
      const auto scale = per_channel(b, operands[1 - side]);
      if (!scale) continue;
      if (auto value = scaled(b, *old.operands[side].node, operands[side], *scale))
        return std::vector<Value>{*value};
    }
    return std::nullopt;
  }

 private:
  bool is_own(const Node& node) const { return users_[node.id].size() == 1; }

  std::optional<Value> scaled(Builder& b, const Node& old, const Value& value,
                              const PerChannel& scale) {
    const Node& node = *value.node;
    if (node.kind == Kind::contract) return scaled_contract(b, node, scale);
    if (node.kind != Kind::binary || node.as<ScalarAttr>().op != ScalarOp::add) return std::nullopt;
    for (const size_t side : {0, 1}) {
      const Value& inner = node.operands[side];
      if (inner.node->kind != Kind::contract || !is_own(*old.operands[side].node)) continue;
      const auto bias = per_channel(b, node.operands[1 - side]);
      if (!bias || bias->dim != scale.dim) continue;
      const auto sum = scaled_contract(b, *inner.node, scale);
      if (!sum) continue;
      const Value vector = b.apply(ScalarOp::mul, {bias->vector, scale.vector});
      return b.apply(ScalarOp::add, {*sum, b.broadcast(vector, value.shape(),
                                                       {static_cast<int32_t>(scale.dim)})});
    }
    return std::nullopt;
  }

  std::optional<PerChannel> per_channel(Builder& b, const Value& value) {
    auto [source, coords] = trace(value, b.graph());
    std::optional<size_t> dim;
    for (const Index& c : coords) {
      if (c.is_const()) continue;
      if (dim) return std::nullopt;
      dim = std::stoul(c.as_var()->substr(1));
    }
    if (!dim || !from_parameters_(source)) return std::nullopt;
    const Index extent = value.shape()[*dim];
    if (!extent.is_const()) return std::nullopt;
    for (Index& c : coords)
      if (!c.is_const()) c = Index::var("i0");
    return PerChannel{*dim, plain_reindex(b, source, {extent}, coords)};
  }

  // The operand of parameters that has the axis of result dimension `dim`, scaled along it.
  std::optional<Value> scaled_contract(Builder& b, const Node& node, const PerChannel& scale) {
    const Contract& contract = node.as<Contract>();
    const Index axis = Index::var(contract.axes[scale.dim].name);
    for (const size_t side : {1, 0}) {
      const Value& weights = node.operands[side];
      const auto& coords = side == 1 ? contract.y_coords : contract.x_coords;
      const auto at = std::find(coords.begin(), coords.end(), axis);
      if (at == coords.end() || !from_parameters_(weights)) continue;
      if (weights.dtype() != node.results[0].dtype) continue;  // storage floats are not multiplied
      const auto dim = static_cast<int32_t>(at - coords.begin());
      const Value factor = b.broadcast(scale.vector, weights.shape(), {dim});
      const Value scaled = b.apply(ScalarOp::mul, {weights, factor});
      return side == 1 ? b.contract(node.operands[0], scaled, contract)
                       : b.contract(scaled, node.operands[1], contract);
    }
    return std::nullopt;
  }

  std::vector<std::vector<const Node*>> users_;  // of the old graph
  FromParameters from_parameters_;               // of the new graph
};

Graph run(CompileContext& context, const Graph& graph) {
  if (context.options.numerics == "strict") return rewrite(graph, nullptr);
  FoldScale fold(graph);
  return rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value> operands) {
    return fold(b, old, operands);
  });
}

}  // namespace

extern const GraphPass pass_fold_scale;
const GraphPass pass_fold_scale = {"fold_scale", "factors per channel move into parameters", run};

}  // namespace mintor
