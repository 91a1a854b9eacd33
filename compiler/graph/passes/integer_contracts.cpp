// SPDX-License-Identifier: Apache-2.0
// A contract of two dequantised operands sums in integers, exactly, and is scaled once.
//| y = contract (cast f32 (x - zx) * sx, cast f32 (w - zw) * sw[n])
//|   ->  y = cast f32 (contract (x - zx, w - zw)) * (sx * sw[n])
// Scales may differ along out axes, not along summed ones. Sums round once instead of term by term,
// so `--numerics strict` leaves it out.
#include "compiler/graph/dequantised.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"

namespace mintor {
namespace {

// The scale over the result's shape.
Value spread(Builder& b, const Dequantised& d, const std::optional<size_t>& dim,
             const Shape& shape) {
  std::vector<int32_t> dims;
  if (dim) dims.push_back(static_cast<int32_t>(*dim));
  return b.broadcast(d.scale, shape, dims);
}

std::optional<std::vector<Value>> in_integers(Builder& b, const Node& old,
                                              std::span<const Value> operands) {
  if (old.kind != Kind::contract || old.results[0].dtype != DType::f32) return std::nullopt;
  const Contract& c = old.as<Contract>();
  if (c.order.form != Order::Form::unset) return std::nullopt;
  const auto x = dequantised(b, operands[0]);
  const auto y = x ? dequantised(b, operands[1]) : std::nullopt;
  if (!y) return std::nullopt;
  std::optional<size_t> dims[2];
  for (const size_t side : {0, 1}) {
    const auto& dim = side == 0 ? x->dim : y->dim;
    if (!dim) continue;
    dims[side] = dim_of_result(c, side == 0 ? c.x_coords[*dim] : c.y_coords[*dim]);
    if (!dims[side]) return std::nullopt;
  }
  const Value sum = b.contract(difference(b, x->bytes), difference(b, y->bytes), c);
  // What is made of parameters is multiplied once where one of the scales is a number.
  const Shape& shape = old.results[0].shape;
  Value scale;
  if (!x->dim || !y->dim) {
    const Dequantised& wide = x->dim ? *x : *y;
    const Value number = x->dim ? y->scale : x->scale;
    const Value product =
        b.apply(ScalarOp::mul, {b.broadcast(number, wide.scale.shape(), {}), wide.scale});
    scale = spread(b, {{}, product, {}}, x->dim ? dims[0] : dims[1], shape);
  } else {
    scale = b.apply(ScalarOp::mul, {spread(b, *x, dims[0], shape), spread(b, *y, dims[1], shape)});
  }
  return std::vector<Value>{b.apply(ScalarOp::mul, {b.cast(sum, DType::f32), scale})};
}

Graph run(CompileContext& context, const Graph& graph) {
  if (context.options.numerics == "strict") return rewrite(graph, nullptr);
  return rewrite(graph, [](Builder& b, const Node& old, std::span<const Value> operands) {
    return in_integers(b, old, operands);
  });
}

}  // namespace

extern const GraphPass pass_integer_contracts;
const GraphPass pass_integer_contracts = {"integer_contracts",
                                          "sums products of dequantised operands in integers", run};

}  // namespace mintor
