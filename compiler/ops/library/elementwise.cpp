// SPDX-License-Identifier: Apache-2.0
// Element-wise operators: broadcasting, widening of storage floats around arithmetic, and what the
// scalar table has no row for.
#include <cmath>
#include <limits>

#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value scalar(Builder& b, DType dtype, double value) {
  return b.constant(Tensor::scalar(Scalar::of(dtype, value)));
}

Value apply(Builder& b, ScalarOp op, std::initializer_list<Value> operands) {
  DType narrow_to = DType::f32;
  bool narrows = false;
  std::vector<Value> wide;
  std::vector<DType> dtypes;
  for (Value v : operands) {
    if (is_storage_float(v.dtype())) {
      narrows = true;
      narrow_to = v.dtype();
    }
    wide.push_back(widen(b, v));
    dtypes.push_back(v.dtype());
  }
  for (size_t i = op == ScalarOp::where ? 2 : 1; i < dtypes.size(); ++i) {
    if (dtypes[i] != dtypes[i - 1])
      fail(name_of(op), "operands of different dtypes: " + text(wide[i - 1].type()) + " and " +
                            text(wide[i].type()));
  }
  for (DType& d : dtypes) d = is_storage_float(d) ? DType::f32 : d;
  if (Refusal refusal = accepts(op, dtypes)) fail(name_of(op), refusal.reason);
  if (wide.size() > 1) {
    Shape shape = b.broadcast_shapes(wide);
    for (Value& v : wide) v = b.broadcast_to(v, shape);
  }
  Value y = b.apply(op, wide);
  return narrows && is_float(y.dtype()) ? narrow(b, y, narrow_to) : y;
}

Value add(Builder& b, Value x, Value y) { return apply(b, ScalarOp::add, {x, y}); }
Value sub(Builder& b, Value x, Value y) { return apply(b, ScalarOp::sub, {x, y}); }
Value mul(Builder& b, Value x, Value y) { return apply(b, ScalarOp::mul, {x, y}); }
Value div(Builder& b, Value x, Value y) { return apply(b, ScalarOp::div, {x, y}); }

Value where(Builder& b, Value condition, Value x, Value y) {
  if (condition.dtype() != DType::boolean)
    fail("where", "the condition must be bool, not " + text(condition.type()));
  return apply(b, ScalarOp::where, {condition, x, y});
}

Value cast(Builder& b, Value x, DType dtype) { return b.cast(x, dtype); }

Value clip(Builder& b, Value x, Value lo, Value hi) {
  OpScope scope(b, "clip");
  for (Value bound : {lo, hi}) {
    if (bound && bound.dtype() != x.dtype())
      fail("clip", "bound " + text(bound.type()) + " of a value " + text(x.type()));
  }
  if (lo && hi) return apply(b, ScalarOp::clamp, {x, lo, hi});
  if (lo) return apply(b, ScalarOp::max, {x, lo});
  return hi ? apply(b, ScalarOp::min, {x, hi}) : x;
}

Value remainder(Builder& b, Value x, Value y, bool sign_of_dividend) {
  return apply(b, sign_of_dividend ? ScalarOp::fmod : ScalarOp::mod, {x, y});
}

Value logical_not(Builder& b, Value x) { return apply(b, ScalarOp::not_, {x}); }

Value is_inf(Builder& b, Value x, bool positive, bool negative) {
  OpScope scope(b, "is_inf");
  if (positive && negative) return apply(b, ScalarOp::is_inf, {x});
  double infinity = std::numeric_limits<double>::infinity();
  if (!positive && !negative) return b.broadcast_to(b.constant_int(DType::boolean, 0), x.shape());
  return apply(b, ScalarOp::eq, {x, scalar(b, x.dtype(), positive ? infinity : -infinity)});
}

Value is_nan(Builder& b, Value x) { return apply(b, ScalarOp::is_nan, {x}); }

Value sign(Builder& b, Value x) { return apply(b, ScalarOp::sign, {x}); }

}  // namespace mintor::ops
