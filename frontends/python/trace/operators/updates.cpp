// SPDX-License-Identifier: Apache-2.0
// Optimizers. Takes a loss, or a gradient a parameter, and parameters with their states; gives new
// ones. A rule says it for one parameter; all of a group are one call. Keeps true: the formulas are
// those of torch.optim; numbers (a learning rate, a power of beta) are operands, so that changing
// them compiles nothing; f16 and bf16 are computed in f32 and rounded once.
#include "frontends/python/trace/operators/common.h"

namespace mintor::trace {
namespace {

// A value in a formula.
struct Term {
  Builder* b;
  Value value;
};
Term term(Term beside, double number) {
  return {beside.b, ops::scalar(*beside.b, beside.value.dtype(), number)};
}
Term operator+(Term x, Term y) { return {x.b, ops::add(*x.b, x.value, y.value)}; }
Term operator-(Term x, Term y) { return {x.b, ops::sub(*x.b, x.value, y.value)}; }
Term operator*(Term x, Term y) { return {x.b, ops::mul(*x.b, x.value, y.value)}; }
Term operator/(Term x, Term y) { return {x.b, ops::div(*x.b, x.value, y.value)}; }
Term apply(ScalarOp op, Term x) { return {x.b, ops::apply(*x.b, op, {x.value})}; }
Term square_root(Term x) { return apply(ScalarOp::sqrt, x); }
Term maximum(Term x, Term y) { return {x.b, ops::apply(*x.b, ScalarOp::max, {x.value, y.value})}; }
// From old to made by the part `rate`.
Term moved(Term old, Term made, Term rate) { return old + (made - old) * rate; }

// One parameter's step. `numbers` and `flags`: in the order that the rule names them.
struct Step {
  Term gradient, parameter;
  std::vector<Term> states, numbers;
  const std::vector<int64_t>& flags;
};
using Terms = std::vector<Term>;
using Rule = Terms (*)(const Step&);  // the new parameter, then its new states

// The gradient and the parameter after weight decay: decay * parameter is added to the gradient,
// or, decoupled (AdamW), takes the parameter's place.
struct Decayed {
  Term gradient, parameter;
};
Decayed decayed(const Step& s, Term decay, bool decays, bool decoupled) {
  if (!decays) return {s.gradient, s.parameter};
  if (decoupled) return {s.gradient, s.parameter * decay};
  return {s.gradient + s.parameter * decay, s.parameter};
}

// Decay, momentum, 1 - dampening (1 in the first step), lr; decays, has velocity, nesterov.
Terms sgd(const Step& s) {
  const Terms& n = s.numbers;
  const Term gradient = decayed(s, n[0], s.flags[0], false).gradient;
  if (!s.flags[1]) return {s.parameter - gradient * n[3]};
  const Term velocity = s.states[0] * n[1] + gradient * n[2];
  const Term step = s.flags[2] ? gradient + velocity * n[1] : velocity;
  return {s.parameter - step * n[3], velocity};
}

// Decay, 1 - beta1, beta2, 1 - beta2, lr / (1 - beta1^t), sqrt(1 - beta2^t), eps; decays,
// decoupled, amsgrad.
Terms adam(const Step& s) {
  const Terms& n = s.numbers;
  const auto [gradient, parameter] = decayed(s, n[0], s.flags[0], s.flags[1]);
  const Term mean = moved(s.states[0], gradient, n[1]);
  const Term square = s.states[1] * n[2] + gradient * gradient * n[3];
  Terms made = {parameter, mean, square};
  Term largest = square;
  if (s.flags[2]) made.push_back(largest = maximum(s.states[2], square));
  made[0] = parameter - mean / (square_root(largest) / n[5] + n[6]) * n[4];
  return made;
}

// Decay, 1 - beta1, beta2, 1 - beta2, 1 - beta2^t, eps, factors of gradient and mean; decays,
// decoupled.
Terms nadam(const Step& s) {
  const Terms& n = s.numbers;
  const auto [gradient, parameter] = decayed(s, n[0], s.flags[0], s.flags[1]);
  const Term mean = moved(s.states[0], gradient, n[1]);
  const Term square = s.states[1] * n[2] + gradient * gradient * n[3];
  const Term deviation = square_root(square / n[4]) + n[5];
  return {parameter - gradient / deviation * n[6] - mean / deviation * n[7], mean, square};
}

// Decay, 1 - beta1, beta2, 1 - beta2, lr / (1 - beta1^t), sqrt(1 - beta2^t), eps, rectification (0:
// the variance is not known well enough, the step is that of the mean); decays, decoupled.
Terms radam(const Step& s) {
  const Terms& n = s.numbers;
  const auto [gradient, parameter] = decayed(s, n[0], s.flags[0], s.flags[1]);
  const Term mean = moved(s.states[0], gradient, n[1]);
  const Term square = s.states[1] * n[2] + gradient * gradient * n[3];
  const Term adaptive = n[5] / (square_root(square) + n[6]) * n[7], one = term(n[7], 1);
  const Value rectified = ops::apply(*one.b, ScalarOp::gt, {n[7].value, term(one, 0).value});
  const Term scale = {one.b, ops::where(*one.b, rectified, adaptive.value, one.value)};
  return {parameter - mean * n[4] * scale, mean, square};
}

// Decay, 1 - beta1, beta2, eps, lr / (1 - beta1^t); decays.
Terms adamax(const Step& s) {
  const Terms& n = s.numbers;
  const Term gradient = decayed(s, n[0], s.flags[0], false).gradient;
  const Term mean = moved(s.states[0], gradient, n[1]);
  const Term norm = maximum(s.states[1] * n[2], apply(ScalarOp::abs, gradient) + n[3]);
  return {s.parameter - mean / norm * n[4], mean, norm};
}

// Decay, beta1, 1 - beta1, beta2, 1 - beta2, lr; decays, always decoupled.
Terms lion(const Step& s) {
  const Terms& n = s.numbers;
  const auto [gradient, parameter] = decayed(s, n[0], s.flags[0], true);
  const Term direction = s.states[0] * n[1] + gradient * n[2];
  const Term step = {direction.b, ops::sign(*direction.b, direction.value)};
  return {parameter - step * n[5], s.states[0] * n[3] + gradient * n[4]};
}

// Decay, alpha, 1 - alpha, eps, momentum, lr; decays, centred, has momentum.
Terms rmsprop(const Step& s) {
  const Terms& n = s.numbers;
  const Term gradient = decayed(s, n[0], s.flags[0], false).gradient;
  Terms made = {s.parameter, s.states[0] * n[1] + gradient * gradient * n[2]};
  Term variance = made[1];
  if (s.flags[1]) {
    made.push_back(moved(s.states[1], gradient, n[2]));
    variance = variance - made[2] * made[2];
  }
  Term step = gradient / (square_root(variance) + n[3]);
  if (s.flags[2]) made.push_back(step = s.states.back() * n[4] + step);
  made[0] = s.parameter - step * n[5];
  return made;
}

// Decay, eps, lr / (1 + (t - 1) * lr_decay); decays.
Terms adagrad(const Step& s) {
  const Terms& n = s.numbers;
  const Term gradient = decayed(s, n[0], s.flags[0], false).gradient;
  const Term sum = s.states[0] + gradient * gradient;
  return {s.parameter - gradient / (square_root(sum) + n[1]) * n[2], sum};
}

// Decay, rho, 1 - rho, eps, lr; decays.
Terms adadelta(const Step& s) {
  const Terms& n = s.numbers;
  const Term gradient = decayed(s, n[0], s.flags[0], false).gradient;
  const Term square = s.states[0] * n[1] + gradient * gradient * n[2];
  const Term step = square_root(s.states[1] + n[3]) / square_root(square + n[3]) * gradient;
  return {s.parameter - step * n[4], square, s.states[1] * n[1] + step * step * n[2]};
}

// Gradients of a loss with respect to parameters, or those that are given in its place.
Values gradients_of(SegmentGraph& g, Operands loss_or_gradients, Operands parameters, bool given,
                    bool maximize) {
  Builder& b = g.builder();
  if (!given) {
    const Value loss = loss_or_gradients[0];
    const Value one = b.full(loss.dtype(), loss.shape(), maximize ? -1 : 1);
    return g.gradients(std::array{loss}, std::array{one}, parameters);
  }
  Values gradients;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Value gradient = ops::cast(b, loss_or_gradients[i], parameters[i].dtype());
    gradients.push_back(maximize ? b.apply(ScalarOp::neg, {gradient}) : gradient);
  }
  return gradients;
}

DType computed_in(DType dtype) {
  return dtype == DType::f16 || dtype == DType::bf16 ? DType::f32 : dtype;
}

// Operands: the rule's numbers, the loss or a gradient a parameter, parameters, then the first
// states of all, their second ones, and so on. Attributes: how many parameters, whether gradients
// are given, maximize, the rule's flags. Results: new parameters, then new states in that order.
template <Rule rule, size_t numbers>
Values update(SegmentGraph& g, Operands operands, AttributeReader& attributes) {
  Builder& b = g.builder();
  const auto count = static_cast<size_t>(attributes.integer());
  const bool given = attributes.flag(), maximize = attributes.flag();
  const std::vector<int64_t> flags = attributes.integers();
  const size_t sources = given ? count : 1;
  const Operands parameters = operands.subspan(numbers + sources, count);
  const Operands states = operands.subspan(numbers + sources + count);
  const Values gradients =
      gradients_of(g, operands.subspan(numbers, sources), parameters, given, maximize);
  std::vector<Values> made;  // of each parameter
  for (size_t i = 0; i < count; ++i) {
    const DType dtype = computed_in(parameters[i].dtype());
    const auto wide = [&](Value x) { return Term{&b, ops::cast(b, x, dtype)}; };
    Step step{wide(gradients[i]), wide(parameters[i]), {}, {}, flags};
    for (size_t n = 0; n < numbers; ++n) step.numbers.push_back(wide(operands[n]));
    for (size_t s = i; s < states.size(); s += count) step.states.push_back(wide(states[s]));
    Values own;
    for (const Term& term : rule(step)) {
      own.push_back(ops::cast(b, term.value, parameters[i].dtype()));
    }
    made.push_back(std::move(own));
  }
  Values results;
  for (size_t kind = 0; kind < made[0].size(); ++kind) {
    for (const Values& own : made) results.push_back(own[kind]);
  }
  return results;
}

template <Rule rule, size_t numbers>
constexpr TracedOperator optimizer(std::string_view name) {
  return {.name = name,
          .operands = -1,
          .build = update<rule, numbers>,
          .flow = Flow::differentiates,
          .history = History::dropped};
}

constexpr TracedOperator kOperators[] = {
    optimizer<sgd, 4>("sgd"),           optimizer<adam, 7>("adam"),
    optimizer<nadam, 8>("nadam"),       optimizer<radam, 8>("radam"),
    optimizer<adamax, 5>("adamax"),     optimizer<lion, 6>("lion"),
    optimizer<rmsprop, 6>("rmsprop"),   optimizer<adagrad, 3>("adagrad"),
    optimizer<adadelta, 5>("adadelta"),
};

}  // namespace
}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_updates = {trace::kOperators};
}
