// SPDX-License-Identifier: Apache-2.0
// Activation functions as compositions of scalar rows, in the form that the ONNX operators state
// them. Computed in f32 as a whole for f16 and bf16 (one rounding at the end).
#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

// Runs `body` on the widened x under a scope and rounds its result back.
template <class Body>
Value activation(Builder& b, std::string_view name, Value x, Body body) {
  OpScope scope(b, name);
  if (!is_float(x.dtype())) fail(name, "x must have a float dtype, not " + text(x.type()));
  Value wide = widen(b, x);
  return narrow(b, body(wide, [&](double value) { return scalar(b, wide.dtype(), value); }),
                x.dtype());
}

Value positive(Builder& b, Value x, Value zero) { return apply(b, ScalarOp::gt, {x, zero}); }

// exp(x) - 1 without cancellation, of the dtypes that have the row.
Value exp_minus_one(Builder& b, Value x) {
  if (x.dtype() == DType::f32) return apply(b, ScalarOp::expm1, {x});
  return sub(b, apply(b, ScalarOp::exp, {x}), scalar(b, x.dtype(), 1));
}

}  // namespace

Value relu(Builder& b, Value x) {
  OpScope scope(b, "relu");
  return apply(b, ScalarOp::relu, {x});
}

Value leaky_relu(Builder& b, Value x, double alpha) {
  return activation(b, "leaky_relu", x, [&](Value v, auto c) {
    return where(b, apply(b, ScalarOp::lt, {v, c(0)}), mul(b, v, c(alpha)), v);
  });
}

Value prelu(Builder& b, Value x, Value slope) {
  OpScope scope(b, "prelu");
  if (slope.dtype() != x.dtype())
    fail("prelu", "slope " + text(slope.type()) + " of x " + text(x.type()));
  Value v = widen(b, x), s = b.broadcast_to(widen(b, slope), x.shape());
  Value negative = apply(b, ScalarOp::lt, {v, scalar(b, v.dtype(), 0)});
  return narrow(b, where(b, negative, mul(b, v, s), v), x.dtype());
}

Value thresholded_relu(Builder& b, Value x, double alpha) {
  return activation(b, "thresholded_relu", x, [&](Value v, auto c) {
    return where(b, apply(b, ScalarOp::gt, {v, c(alpha)}), v, c(0));
  });
}

Value elu(Builder& b, Value x, double alpha) {
  return activation(b, "elu", x, [&](Value v, auto c) {
    return where(b, positive(b, v, c(0)), v, mul(b, exp_minus_one(b, v), c(alpha)));
  });
}

Value celu(Builder& b, Value x, double alpha) {
  return activation(b, "celu", x, [&](Value v, auto c) {
    Value low = mul(b, exp_minus_one(b, div(b, v, c(alpha))), c(alpha));
    return add(b, apply(b, ScalarOp::max, {v, c(0)}), apply(b, ScalarOp::min, {low, c(0)}));
  });
}

Value selu(Builder& b, Value x, double alpha, double gamma) {
  return activation(b, "selu", x, [&](Value v, auto c) {
    Value low = mul(b, exp_minus_one(b, v), c(alpha));
    return mul(b, where(b, positive(b, v, c(0)), v, low), c(gamma));
  });
}

Value sigmoid(Builder& b, Value x) {
  return activation(b, "sigmoid", x, [&](Value v, auto c) {
    if (v.dtype() == DType::f32) return apply(b, ScalarOp::sigmoid, {v});
    Value e = apply(b, ScalarOp::exp, {apply(b, ScalarOp::neg, {v})});
    return div(b, c(1), add(b, e, c(1)));
  });
}

Value hard_sigmoid(Builder& b, Value x, double alpha, double beta) {
  return activation(b, "hard_sigmoid", x, [&](Value v, auto c) {
    return apply(b, ScalarOp::clamp, {add(b, mul(b, v, c(alpha)), c(beta)), c(0), c(1)});
  });
}

Value hard_swish(Builder& b, Value x) {
  return activation(b, "hard_swish", x, [&](Value v, auto c) {
    Value gate = apply(b, ScalarOp::clamp, {add(b, mul(b, v, c(1.0 / 6)), c(0.5)), c(0), c(1)});
    return mul(b, v, gate);
  });
}

Value silu(Builder& b, Value x) {
  return activation(b, "silu", x, [&](Value v, auto) { return mul(b, v, sigmoid(b, v)); });
}

Value softplus(Builder& b, Value x) {
  // max(x, 0) + log(1 + exp(-|x|)): no overflow for large x.
  return activation(b, "softplus", x, [&](Value v, auto c) {
    Value e = apply(b, ScalarOp::exp, {apply(b, ScalarOp::neg, {apply(b, ScalarOp::abs, {v})})});
    Value tail = v.dtype() == DType::f32 ? apply(b, ScalarOp::log1p, {e})
                                         : apply(b, ScalarOp::log, {add(b, e, c(1))});
    return add(b, apply(b, ScalarOp::max, {v, c(0)}), tail);
  });
}

Value mish(Builder& b, Value x) {
  return activation(b, "mish", x, [&](Value v, auto) {
    return mul(b, v, apply(b, ScalarOp::tanh, {softplus(b, v)}));
  });
}

Value softsign(Builder& b, Value x) {
  return activation(b, "softsign", x, [&](Value v, auto c) {
    return div(b, v, add(b, apply(b, ScalarOp::abs, {v}), c(1)));
  });
}

Value shrink(Builder& b, Value x, double lambda, double bias) {
  return activation(b, "shrink", x, [&](Value v, auto c) {
    Value below = apply(b, ScalarOp::lt, {v, c(-lambda)}),
          above = apply(b, ScalarOp::gt, {v, c(lambda)});
    return where(b, below, add(b, v, c(bias)), where(b, above, sub(b, v, c(bias)), c(0)));
  });
}

Value gelu(Builder& b, Value x, bool tanh_form) {
  return activation(b, "gelu", x, [&](Value v, auto c) {
    Value inner;
    if (tanh_form) {
      Value cubic = mul(b, mul(b, mul(b, v, v), v), c(0.044715));
      inner = apply(b, ScalarOp::tanh, {mul(b, add(b, v, cubic), c(0.7978845608028654))});
    } else {
      inner = apply(b, ScalarOp::erf, {mul(b, v, c(0.7071067811865476))});
    }
    return mul(b, mul(b, v, c(0.5)), add(b, inner, c(1)));
  });
}

}  // namespace mintor::ops
