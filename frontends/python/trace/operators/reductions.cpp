// SPDX-License-Identifier: Apache-2.0
// Reductions. Attributes: axes (None: all), keepdims. Sums of integers narrower than 64 bits, and
// of bool, are i64 (u64), means of integers f32, as in the array API and NumPy.
#include <algorithm>

#include "compiler/ops/order.h"
#include "frontends/python/trace/operators/common.h"

namespace mintor::trace {
namespace {

struct Axes {
  std::vector<int64_t> axes;
  bool keep;
};

// ops::reduce takes no axes as all of them: an empty list of the caller reduces nothing.
Axes axes_of(Value x, AttributeReader& attributes) {
  Axes chosen{{}, false};
  const auto rank = static_cast<int64_t>(x.shape().size());
  if (attributes.none()) {
    for (int64_t axis = 0; axis < rank; ++axis) chosen.axes.push_back(axis);
  } else {
    chosen.axes = attributes.integers();
  }
  chosen.keep = attributes.flag();
  return chosen;
}

Value reduced(Builder& b, ops::Reduction reduction, Value x, const Axes& chosen) {
  if (chosen.axes.empty()) return ops::reduce_nothing(b, reduction, x);
  return ops::reduce(b, reduction, x, chosen.axes, chosen.keep);
}

Value widened(Builder& b, Value x) {
  if (is_float(x.dtype())) return x;
  return ops::cast(b, x, is_unsigned_int(x.dtype()) ? DType::u64 : DType::i64);
}

template <ops::Reduction reduction>
Values sum_like(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const Value wide = widened(g.builder(), x[0]);
  return {reduced(g.builder(), reduction, wide, axes_of(wide, attributes))};
}

template <ops::Reduction reduction>
Values of_floats(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const Value value = as_float(g.builder(), x[0]);
  return {reduced(g.builder(), reduction, value, axes_of(value, attributes))};
}

template <ops::Reduction reduction, ops::Reduction of_bool>
Values extreme(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const Axes chosen = axes_of(x[0], attributes);
  for (const int64_t axis : chosen.axes) {
    const auto rank = static_cast<int64_t>(x[0].shape().size());
    const int64_t at = axis < 0 ? axis + rank : axis;
    if (at >= 0 && at < rank && x[0].shape()[static_cast<size_t>(at)].is_const(0)) {
      throw CompileError(reduction == ops::Reduction::max ? "max" : "min",
                         "of no elements: dimension " + std::to_string(at) + " has size 0");
    }
  }
  const bool is_bool = x[0].dtype() == DType::boolean;
  return {reduced(g.builder(), is_bool ? of_bool : reduction, x[0], chosen)};
}

template <ops::Reduction reduction>
Values of_truth(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const Value truth = ops::cast(g.builder(), x[0], DType::boolean);
  return {reduced(g.builder(), reduction, truth, axes_of(truth, attributes))};
}

// Population variance of two passes; `correction` is subtracted from the count.
Values variance(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  Builder& b = g.builder();
  const Value value = as_float(b, x[0]);
  Axes chosen = axes_of(value, attributes);
  const double correction = attributes.number();
  const Axes kept{chosen.axes, true};
  const Value centred = ops::sub(b, value, reduced(b, ops::Reduction::mean, value, kept));
  const Value sum = reduced(b, ops::Reduction::sum_square, centred, chosen);
  Index count = 1;
  const auto rank = static_cast<int64_t>(value.shape().size());
  for (const int64_t axis : chosen.axes) {
    count = count * value.shape().at(static_cast<size_t>(axis < 0 ? axis + rank : axis));
  }
  if (!count.is_const()) {
    const Value divisor = ops::cast(b, b.size(count), value.dtype());
    return {ops::div(b, sum, ops::sub(b, divisor, ops::scalar(b, value.dtype(), correction)))};
  }
  const double divisor = std::max(0.0, static_cast<double>(count.value()) - correction);
  return {ops::div(b, sum, ops::scalar(b, value.dtype(), divisor))};
}

// Attributes: axis (None: of the flattened array), keepdims.
template <Value (*function)(Builder&, Value, int64_t, bool, bool)>
Values place(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  Builder& b = g.builder();
  if (!attributes.none()) {
    const int64_t axis = attributes.integer();
    return {function(b, x[0], axis, attributes.flag(), false)};
  }
  const bool keep = attributes.flag();
  const Value flat = ops::flatten(b, ops::unsqueeze(b, x[0], std::array<int64_t, 1>{0}), 0);
  Value found = function(b, flat, 1, false, false);
  const std::vector<Index> shape(keep ? x[0].shape().size() : 0, Index(1));
  return {b.reshape(found, shape)};
}

Values cumulative_sum(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const int64_t axis = attributes.integer();
  return {ops::cum_sum(g.builder(), widened(g.builder(), x[0]), axis, false, false)};
}

Values order(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const int64_t axis = attributes.integer();
  return {ops::order_along(g.builder(), x[0], axis, attributes.flag())};
}

template <Value (*function)(Builder&, Value, std::vector<int64_t>)>
Values along(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {function(g.builder(), as_float(g.builder(), x[0]), attributes.integers())};
}

constexpr TracedOperator kOperators[] = {
    {"sum", 1, sum_like<ops::Reduction::sum>},
    {"prod", 1, sum_like<ops::Reduction::prod>},
    {"mean", 1, of_floats<ops::Reduction::mean>},
    {"variance", 1, variance},
    {"logsumexp", 1, of_floats<ops::Reduction::log_sum_exp>},
    {"max", 1, extreme<ops::Reduction::max, ops::Reduction::any>},
    {"min", 1, extreme<ops::Reduction::min, ops::Reduction::all>},
    {"all", 1, of_truth<ops::Reduction::all>},
    {"any", 1, of_truth<ops::Reduction::any>},
    {"argmax", 1, place<ops::arg_max>},
    {"argmin", 1, place<ops::arg_min>},
    {"cumulative_sum", 1, cumulative_sum},
    {"order", 1, order},
    {"softmax", 1, along<ops::softmax>},
    {"log_softmax", 1, along<ops::log_softmax>},
};

}  // namespace

}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_reductions = {trace::kOperators};
}
