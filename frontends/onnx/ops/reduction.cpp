// SPDX-License-Identifier: Apache-2.0
// ONNX reductions. Axes were an attribute, and became an input at opset 18 (ReduceSum: 13).
// Takes one node; gives reduce and scan nodes, or a known number for a known vector of sizes.
#include "compiler/ops/by_data.h"
#include "compiler/ops/cumulative.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/region.h"

namespace mintor {

namespace {

// A known vector reduced to one known number, as exporters do with shapes.
template <ops::Reduction reduction>
bool fold(OnnxNode& n, const std::vector<int64_t>& axes, bool keep) {
  const Known* x = n.known(0);
  if (!x || x->shape.size() != 1 || x->items.empty() || is_float(x->dtype)) return false;
  if (!axes.empty() && axes != std::vector<int64_t>{0} && axes != std::vector<int64_t>{-1})
    return false;
  using R = ops::Reduction;
  constexpr bool known =
      reduction == R::sum || reduction == R::prod || reduction == R::max || reduction == R::min;
  constexpr KnownOp op = reduction == R::sum    ? KnownOp::add
                         : reduction == R::prod ? KnownOp::mul
                         : reduction == R::max  ? KnownOp::max
                                                : KnownOp::min;
  if (!known) return false;
  std::optional<Known> total = Known{x->dtype, {}, {x->items[0]}};
  for (size_t i = 1; total && i < x->items.size(); ++i)
    total = known_binary(n.state().graph.ranges(), op, *total, Known{x->dtype, {}, {x->items[i]}});
  if (!total) return false;
  if (keep) total->shape = {1};
  n.out(0, std::move(*total));
  return true;
}

template <ops::Reduction reduction, int axes_input_since>
void reduce(OnnxNode& n) {
  n.need_inputs(1, n.opset() < axes_input_since ? 1 : 2);
  if (n.given(1) && !n.known(1) && n.is_list(1) && n.shape(1) != Shape{0})
    return n.out(0, ops::reduce_by(n.builder(), reduction, n.in(0), n.in(1),
                                   n.integer("keepdims", 1) != 0, bind_of(n)));
  std::vector<int64_t> axes;
  if (!n.given(1) || n.shape(1) != Shape{0}) axes = n.constants_since(axes_input_since, 1, "axes");
  bool keep = n.integer("keepdims", 1) != 0;
  if (axes.empty() && n.integer("noop_with_empty_axes", 0) != 0)
    return n.out(0, ops::reduce_nothing(n.builder(), reduction, n.in(0)));
  if (!fold<reduction>(n, axes, keep))
    n.out(0, ops::reduce(n.builder(), reduction, n.in(0), axes, keep));
}

template <Value (*function)(Builder&, Value, int64_t, bool, bool)>
void arg_reduce(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, function(n.builder(), n.in(0), n.integer("axis", 0), n.integer("keepdims", 1) != 0,
                    n.integer("select_last_index", 0) != 0));
}

// Along an axis that the run may choose: then every one is scanned.
template <Value (*function)(Builder&, Value, int64_t, bool, bool)>
void cumulative(OnnxNode& n) {
  n.need_inputs(2, 2);
  Builder& b = n.builder();
  const bool exclusive = n.integer("exclusive", 0) != 0, reverse = n.integer("reverse", 0) != 0;
  const auto along = [&](int64_t axis) { return function(b, n.in(0), axis, exclusive, reverse); };
  if (n.known(1)) return n.out(0, along(static_cast<int64_t>(n.number(1, "axis"))));
  n.out(0, ops::along_axis_by(b, n.shape(0).size(), single(n, b, n.in(1), "axis"), along));
}

using R = ops::Reduction;

constexpr OnnxOp kOps[] = {
    {"ReduceSum", 1, 0, reduce<R::sum, 13>, "floats ints, ints", "reduce add"},
    {"ReduceMean", 1, 0, reduce<R::mean, 18>, "floats ints, ints", "reduce add, div"},
    {"ReduceMax", 1, 0, reduce<R::max, 18>, "floats ints bool, ints", "reduce max"},
    {"ReduceMin", 1, 0, reduce<R::min, 18>, "floats ints bool, ints", "reduce min"},
    {"ReduceProd", 1, 0, reduce<R::prod, 18>, "floats ints, ints", "reduce mul"},
    {"ReduceSumSquare", 1, 0, reduce<R::sum_square, 18>, "floats ints, ints", "mul, reduce add"},
    {"ReduceL1", 1, 0, reduce<R::l1, 18>, "floats ints, ints", "abs, reduce add"},
    {"ReduceL2", 1, 0, reduce<R::l2, 18>, "floats ints, ints", "mul, reduce add, sqrt"},
    {"ReduceLogSum", 1, 0, reduce<R::log_sum, 18>, "floats ints, ints", "reduce add, log"},
    {"ReduceLogSumExp", 1, 0, reduce<R::log_sum_exp, 18>, "floats ints, ints",
     "reduce max, sub, exp, reduce add, log, add"},
    {"ArgMax", 1, 0, arg_reduce<ops::arg_max>, "floats ints bool", "reduce argmax"},
    {"ArgMin", 1, 0, arg_reduce<ops::arg_min>, "floats ints bool", "reduce argmin"},
    {"CumSum", 11, 0, cumulative<ops::cum_sum>, "floats ints, ints", "scan add"},
    {"CumProd", 26, 0, cumulative<ops::cum_prod>, "floats ints, ints", "scan mul"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_reduction;
const OnnxOpGroup onnx_ops_reduction{kOps};

}  // namespace mintor
