// SPDX-License-Identifier: Apache-2.0
// Gradients and updates. Takes a loss and arrays; gives gradients, or new values. Gradients are
// calls: nothing is differentiated while Python runs, only when a segment is compiled.
#include "frontends/python/trace/operators/common.h"

namespace mintor::trace {
namespace {

// Operands: ys, a cotangent each, xs, stops. Attributes: how many ys, how many stops. A gradient
// for each x.
Values gradient(SegmentGraph& g, Operands operands, AttributeReader& attributes) {
  const auto count = static_cast<size_t>(attributes.integer());
  const auto stops = static_cast<size_t>(attributes.integer());
  const Operands ys = operands.first(count);
  Values cotangents;
  for (size_t i = 0; i < count; ++i) {
    const Value given = ops::cast(g.builder(), operands[count + i], ys[i].dtype());
    cotangents.push_back(g.builder().broadcast_to(given, ys[i].shape()));
  }
  const Operands rest = operands.subspan(2 * count);
  return g.gradients(ys, cotangents, rest.first(rest.size() - stops), rest.last(stops));
}

// Operands: what a function with a gradient of its own gave, then what it took. Attributes: how
// many it gave. Results: what it gave; how gradients pass is the owner's affair.
Values function(SegmentGraph&, Operands operands, AttributeReader& attributes) {
  const auto count = static_cast<size_t>(attributes.integer());
  return {operands.begin(), operands.begin() + static_cast<std::ptrdiff_t>(count)};
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

// Stochastic gradient descent, PyTorch's torch.optim.SGD. Operands: lr, momentum, dampening, weight
// decay, then the loss, or a gradient a parameter, then parameters, then their velocities where
// there are any. Attributes: how many parameters, whether gradients are given, whether weights
// decay, whether there are velocities, whether this is their first step, nesterov, maximize.
// Results: new parameters, then new velocities.
Values sgd(SegmentGraph& g, Operands operands, AttributeReader& attributes) {
  Builder& b = g.builder();
  const auto count = static_cast<size_t>(attributes.integer());
  const bool given = attributes.flag(), decays = attributes.flag(),
             with_velocity = attributes.flag(), first = attributes.flag(),
             nesterov = attributes.flag(), maximize = attributes.flag();
  const Value lr = operands[0], momentum = operands[1], dampening = operands[2],
              weight_decay = operands[3];
  const size_t sources = given ? count : 1;
  const Operands parameters = operands.subspan(4 + sources, count);
  const Operands velocities = operands.subspan(4 + sources + count);
  const Values gradients =
      gradients_of(g, operands.subspan(4, sources), parameters, given, maximize);
  const auto scaled = [&](Value x, Value by) {
    return ops::mul(b, x, ops::cast(b, by, x.dtype()));
  };
  Values updated, new_velocities;
  for (size_t i = 0; i < count; ++i) {
    Value step = gradients[i];
    if (decays) step = ops::add(b, step, scaled(parameters[i], weight_decay));
    if (with_velocity) {
      Value velocity = step;
      if (!first) {
        const Value rest = ops::sub(b, ops::scalar(b, DType::f32, 1), dampening);
        velocity = ops::add(b, scaled(velocities[i], momentum), scaled(step, rest));
      }
      new_velocities.push_back(velocity);
      step = nesterov ? ops::add(b, step, scaled(velocity, momentum)) : velocity;
    }
    updated.push_back(ops::sub(b, parameters[i], scaled(step, lr)));
  }
  updated.insert(updated.end(), new_velocities.begin(), new_velocities.end());
  return updated;
}

constexpr TracedOperator kOperators[] = {
    {.name = "gradient", .operands = -1, .build = gradient, .flow = Flow::differentiates},
    {.name = "function", .operands = -1, .build = function, .flow = Flow::owned},
    {.name = "sgd",
     .operands = -1,
     .build = sgd,
     .flow = Flow::differentiates,
     .history = History::dropped},
};

}  // namespace

}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_gradients = {trace::kOperators};
}
