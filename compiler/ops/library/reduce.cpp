// SPDX-License-Identifier: Apache-2.0
// Reductions with NumPy's axes and keep_dims.
// Takes a value and axes (none: all of them); gives reduce nodes, whose order the pass `order`
// sets. Keeps true: mean divides once by the count; log_sum_exp does not overflow.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

bool needs_float(Reduction r) {
  return r == Reduction::l2 || r == Reduction::log_sum || r == Reduction::log_sum_exp;
}

std::string_view scope_of(Reduction r) {
  switch (r) {
    case Reduction::sum:
      return "reduce_sum";
    case Reduction::mean:
      return "reduce_mean";
    case Reduction::max:
      return "reduce_max";
    case Reduction::min:
      return "reduce_min";
    case Reduction::prod:
      return "reduce_prod";
    case Reduction::sum_square:
      return "reduce_sum_square";
    case Reduction::l1:
      return "reduce_l1";
    case Reduction::l2:
      return "reduce_l2";
    case Reduction::log_sum:
      return "reduce_log_sum";
    case Reduction::log_sum_exp:
      return "reduce_log_sum_exp";
    case Reduction::all:
      return "reduce_all";
    case Reduction::any:
      return "reduce_any";
  }
  return "reduce";
}

// A 0-d value is its own reduction.
Value folded(Builder& b, Combiner combiner, Value x, const std::vector<int32_t>& dims) {
  return dims.empty() ? x : b.reduce(combiner, x, dims);
}

// log(sum(exp(x))) around the largest x, where that is finite.
Value log_sum_exp(Builder& b, Value x, const std::vector<int32_t>& dims) {
  Value largest = stop_gradient(b, folded(b, Combiner::max, x, dims));
  Value pivot =
      where(b, apply(b, ScalarOp::is_finite, {largest}), largest, scalar(b, x.dtype(), 0));
  Value exps = apply(b, ScalarOp::exp, {sub(b, x, spread(b, pivot, x.shape(), dims))});
  return add(b, apply(b, ScalarOp::log, {folded(b, Combiner::add, exps, dims)}), pivot);
}

Value reduced(Builder& b, Reduction r, Value x, const std::vector<int32_t>& dims) {
  bool boolean = x.dtype() == DType::boolean;
  switch (r) {
    case Reduction::sum:
      return folded(b, Combiner::add, x, dims);
    case Reduction::mean:
      return div(b, folded(b, Combiner::add, x, dims),
                 count_of(b, x.dtype(), product(x.shape(), dims)));
    case Reduction::max:
      return folded(b, boolean ? Combiner::or_ : Combiner::max, x, dims);
    case Reduction::min:
      return folded(b, boolean ? Combiner::and_ : Combiner::min, x, dims);
    case Reduction::prod:
      return folded(b, Combiner::mul, x, dims);
    case Reduction::sum_square:
      return folded(b, Combiner::add, mul(b, x, x), dims);
    case Reduction::l1:
      return folded(b, Combiner::add, is_unsigned_int(x.dtype()) ? x : apply(b, ScalarOp::abs, {x}),
                    dims);
    case Reduction::l2:
      return apply(b, ScalarOp::sqrt, {folded(b, Combiner::add, mul(b, x, x), dims)});
    case Reduction::log_sum:
      return apply(b, ScalarOp::log, {folded(b, Combiner::add, x, dims)});
    case Reduction::log_sum_exp:
      return log_sum_exp(b, x, dims);
    case Reduction::all:
      return folded(b, Combiner::and_, x, dims);
    case Reduction::any:
      return folded(b, Combiner::or_, x, dims);
  }
  return {};
}

}  // namespace

namespace {

Value reduce_dims(Builder& b, Reduction reduction, Value x, const std::vector<int32_t>& dims,
                  bool keep) {
  bool logical = reduction == Reduction::all || reduction == Reduction::any;
  bool order = reduction == Reduction::max || reduction == Reduction::min;
  if (logical != (x.dtype() == DType::boolean) && !order)
    fail(scope_of(reduction), "is not defined for " + text(x.type()));
  Value wide = needs_float(reduction) && !is_float(x.dtype()) ? b.cast(x, DType::f64) : widen(b, x);
  Value y = b.cast(reduced(b, reduction, wide, dims), x.dtype());
  return keep ? keep_dims(b, y, x.shape(), dims) : y;
}

}  // namespace

Value reduce(Builder& b, Reduction reduction, Value x, std::span<const int64_t> axes, bool keep) {
  std::string_view name = scope_of(reduction);
  OpScope scope(b, name);
  return reduce_dims(b, reduction, x, axes_of(name, axes, x.shape().size(), true), keep);
}

Value reduce_nothing(Builder& b, Reduction reduction, Value x) {
  OpScope scope(b, scope_of(reduction));
  bool keeps = reduction == Reduction::sum || reduction == Reduction::mean ||
               reduction == Reduction::max || reduction == Reduction::min ||
               reduction == Reduction::prod;
  return keeps ? x : reduce_dims(b, reduction, x, {}, false);
}

}  // namespace mintor::ops
