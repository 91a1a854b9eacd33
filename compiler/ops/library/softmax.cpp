// SPDX-License-Identifier: Apache-2.0
// softmax and log_softmax in the exact two-pass form: max, exp(x - max), sum, divide.
// Takes a value and axes that are normalised together; gives the same shape and dtype.
// Keeps true: no overflow for any finite x; f16 and bf16 are computed in f32.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

struct Parts {
  Value shifted, exps, sum;  // x - max, exp of it, its sum spread over x's shape
};

Parts parts_of(std::string_view op, Builder& b, Value x, std::span<const int64_t> axes) {
  if (!is_float(x.dtype())) fail(op, "x must have a float dtype, not " + text(x.type()));
  std::vector<int32_t> dims = axes_of(op, axes, x.shape().size(), false);
  if (dims.empty()) fail(op, "no axis is given");
  // Any pivot gives the same values, so none has a gradient.
  Value pivot = stop_gradient(b, b.reduce(Combiner::max, x, dims));
  Value largest = spread(b, pivot, x.shape(), dims);
  Value shifted = b.apply(ScalarOp::sub, {x, largest});
  Value exps = b.apply(ScalarOp::exp, {shifted});
  return {shifted, exps, spread(b, b.reduce(Combiner::add, exps, dims), x.shape(), dims)};
}

}  // namespace

Value softmax(Builder& b, Value x, std::vector<int64_t> axes) {
  OpScope scope(b, "softmax");
  Parts p = parts_of("softmax", b, widen(b, x), axes);
  return narrow(b, b.apply(ScalarOp::div, {p.exps, p.sum}), x.dtype());
}

Value log_softmax(Builder& b, Value x, std::vector<int64_t> axes) {
  OpScope scope(b, "log_softmax");
  Parts p = parts_of("log_softmax", b, widen(b, x), axes);
  return narrow(b, b.apply(ScalarOp::sub, {p.shifted, b.apply(ScalarOp::log, {p.sum})}), x.dtype());
}

}  // namespace mintor::ops
