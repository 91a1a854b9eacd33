// SPDX-License-Identifier: Apache-2.0
// ONNX optimizers (ai.onnx.preview.training): one step for any number of parameters.
// Takes a rate R[], a count T[] and lists of parameters, gradients and states; gives the new ones.
//   Momentum  g' = g + norm x;  v = alpha v + (T > 0 ? beta : 1) g';  x - R v, or Nesterov's
//   Adagrad   h = h + g'^2;  x - R / (1 + T decay) g' / (sqrt(h) + eps)
//   Adam      v, h: moving means of g', g'^2;  x - R' v / (sqrt(h) + eps), R' corrected for T > 0
#include <cmath>

#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/region.h"

namespace mintor {

namespace {

// Arithmetic in one dtype.
struct Step {
  OnnxNode& n;
  Builder& b;
  DType dtype;
  Value rate, count;  // count: in dtype

  Value number(double v) const { return ops::scalar(b, dtype, v); }
  Value add(Value x, Value y) const { return ops::add(b, x, y); }
  Value mul(Value x, Value y) const { return ops::mul(b, x, y); }
  Value scaled(double v, Value x) const { return mul(number(v), x); }
  Value root(Value x) const { return ops::apply(b, ScalarOp::sqrt, {x}); }
  Value is_later() const { return ops::apply(b, ScalarOp::gt, {count, number(0)}); }
  // The gradient with what the attribute adds of the parameter.
  Value regularised(Value x, Value g) const {
    return add(scaled(n.real("norm_coefficient", 0), x), g);
  }
};

// `lists` inputs per parameter: parameters first, then gradients, then states.
using Rule = std::vector<Value> (*)(const Step&, std::span<const Value>);

template <Rule rule, size_t lists>
void optimizer(OnnxNode& n) {
  if (n.inputs() < 2 + lists || (n.inputs() - 2) % lists != 0)
    n.fail("has " + std::to_string(n.inputs()) + " inputs, needs 2 and " + std::to_string(lists) +
           " for each parameter");
  Builder& b = n.builder();
  const size_t count = (n.inputs() - 2) / lists;
  for (size_t i = 0; i < count; ++i) {
    std::vector<Value> own;
    for (size_t k = 0; k < lists; ++k) own.push_back(n.in(2 + k * count + i));
    const DType dtype = own[0].dtype();
    const Step step{n, b, dtype, b.cast(single(n, b, n.in(0), "R"), dtype),
                    b.cast(single(n, b, n.in(1), "T"), dtype)};
    const std::vector<Value> made = rule(step, own);
    for (size_t k = 0; k < made.size(); ++k) n.out(k * count + i, made[k]);
  }
}

std::vector<Value> momentum(const Step& s, std::span<const Value> in) {
  const double alpha = s.n.real("alpha", 0);
  const Value x = in[0], g = s.regularised(x, in[1]);
  const Value beta = ops::where(s.b, s.is_later(), s.number(s.n.real("beta", 0)), s.number(1));
  const Value v = s.add(s.scaled(alpha, in[2]), s.mul(beta, g));
  const std::string mode = s.n.text("mode", "standard");
  if (mode != "standard" && mode != "nesterov")
    s.n.fail("mode '" + printable(mode) + "' is neither standard nor nesterov");
  const Value change = mode == "standard" ? v : s.add(g, s.scaled(alpha, v));
  return {ops::sub(s.b, x, s.mul(s.rate, change)), v};
}

std::vector<Value> adagrad(const Step& s, std::span<const Value> in) {
  const Value x = in[0], g = s.regularised(x, in[1]);
  const Value rate =
      ops::div(s.b, s.rate, s.add(s.number(1), s.scaled(s.n.real("decay_factor", 0), s.count)));
  const Value h = s.add(in[2], s.mul(g, g));
  const Value below = s.add(s.root(h), s.number(s.n.real("epsilon", 1e-6)));
  return {ops::sub(s.b, x, ops::div(s.b, s.mul(rate, g), below)), h};
}

std::vector<Value> adam(const Step& s, std::span<const Value> in) {
  const double alpha = s.n.real("alpha", 0.9), beta = s.n.real("beta", 0.999);
  const Value x = in[0], g = s.regularised(x, in[1]);
  const Value v = s.add(s.scaled(alpha, in[2]), s.scaled(1 - alpha, g));
  const Value h = s.add(s.scaled(beta, in[3]), s.scaled(1 - beta, s.mul(g, g)));
  const auto left = [&](double base) {  // 1 - base^T
    const Value power = ops::apply(s.b, ScalarOp::pow, {s.number(base), s.count});
    return ops::sub(s.b, s.number(1), power);
  };
  const Value corrected = ops::div(s.b, s.mul(s.rate, s.root(left(beta))), left(alpha));
  const Value rate = ops::where(s.b, s.is_later(), corrected, s.rate);
  const Value below = s.add(s.root(h), s.number(s.n.real("epsilon", 1e-6)));
  const Value next = ops::sub(s.b, x, s.mul(rate, ops::div(s.b, v, below)));
  return {s.scaled(1 - s.n.real("norm_coefficient_post", 0), next), v, h};
}

constexpr OnnxOp kOps[] = {
    {"ai.onnx.preview.training.Momentum", 1, 0, optimizer<momentum, 3>, "f32 f64, i64, f32 f64",
     "mul, add, sub"},
    {"ai.onnx.preview.training.Adagrad", 1, 0, optimizer<adagrad, 3>, "f32 f64, i64, f32 f64",
     "mul, add, sqrt, div, sub"},
    {"ai.onnx.preview.training.Adam", 1, 0, optimizer<adam, 4>, "f32 f64, i64, f32 f64",
     "mul, add, pow, sqrt, div, sub"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_training;
const OnnxOpGroup onnx_ops_training{kOps};

}  // namespace mintor
