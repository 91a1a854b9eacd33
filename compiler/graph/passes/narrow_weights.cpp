// SPDX-License-Identifier: Apache-2.0
// Weights that are stored as scaled bytes stay bytes: their scales move behind the contract.
//| y = contract (x, cast f32 (w: i8[k, n]) * s[n])   ->   y = contract (x, w) * s[n]
// A quarter of the memory is read, and where few rows share the weights, that is what takes the
// time. Products round before the scale instead of behind it, so `--numerics strict` leaves it out.
// Scales may differ along out axes, not along summed ones; the weights come from parameters alone.
// Those of windows stay floats: every place of the image shares them.
#include <algorithm>

#include "compiler/graph/dequantised.h"
#include "compiler/graph/from_parameters.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"

namespace mintor {
namespace {

std::optional<std::vector<Value>> scaled_behind(Builder& b, FromParameters& from_parameters,
                                                const Node& old, std::span<const Value> operands) {
  if (old.kind != Kind::contract || old.results[0].dtype != DType::f32) return std::nullopt;
  const Contract& c = old.as<Contract>();
  if (std::ranges::find(c.axes, AxisRole::window, &ContractAxis::role) != c.axes.end())
    return std::nullopt;
  for (const size_t side : {1, 0}) {
    const Value& weights = operands[side];
    const Value& other = operands[1 - side];
    if (!from_parameters(weights) || from_parameters(other)) continue;
    const auto narrow = dequantised(b, weights);
    if (!narrow) continue;
    std::vector<int32_t> dims;
    if (narrow->dim) {
      const auto& coords = side == 1 ? c.y_coords : c.x_coords;
      const auto dim = dim_of_result(c, coords[*narrow->dim]);
      if (!dim) continue;
      dims.push_back(static_cast<int32_t>(*dim));
    }
    const Value bytes = difference(b, narrow->bytes);
    const Value sum = side == 1 ? b.contract(other, bytes, c) : b.contract(bytes, other, c);
    const Value scale = b.broadcast(narrow->scale, sum.shape(), dims);
    return std::vector<Value>{b.apply(ScalarOp::mul, {sum, scale})};
  }
  return std::nullopt;
}

Graph run(CompileContext& context, const Graph& graph) {
  if (context.options.numerics == "strict") return rewrite(graph, nullptr);
  FromParameters from_parameters(graph);
  return rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value> operands) {
    return scaled_behind(b, from_parameters, old, operands);
  });
}

}  // namespace

extern const GraphPass pass_narrow_weights;
const GraphPass pass_narrow_weights = {"narrow_weights",
                                       "weights of scaled bytes stay bytes in memory", run};

}  // namespace mintor
