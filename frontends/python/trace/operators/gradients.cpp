// SPDX-License-Identifier: Apache-2.0
// Gradients and updates. Takes a loss and arrays; gives gradients, or new values. Gradients are
// calls: nothing is differentiated while Python runs, only when a segment is compiled.
#include "frontends/python/trace/operators/common.h"

namespace mintor::trace {
namespace {

// Operands: y, its cotangent, then xs. One gradient each.
Values gradient(SegmentGraph& g, Operands operands, AttributeReader&) {
  const Value cotangent = g.builder().broadcast_to(
      ops::cast(g.builder(), operands[1], operands[0].dtype()), operands[0].shape());
  return g.gradients(operands.first(1), std::array{cotangent}, operands.subspan(2));
}

// Stochastic gradient descent, PyTorch's torch.optim.SGD. Operands: loss, lr, momentum, dampening,
// weight decay, then parameters, then their velocities where there are any. Attributes: how many
// parameters, whether weights decay, whether there are velocities, whether this is their first
// step, nesterov, maximize. Results: new parameters, then new velocities.
Values sgd(SegmentGraph& g, Operands operands, AttributeReader& attributes) {
  Builder& b = g.builder();
  const auto count = static_cast<size_t>(attributes.integer());
  const bool decays = attributes.flag(), with_velocity = attributes.flag(),
             first = attributes.flag(), nesterov = attributes.flag(), maximize = attributes.flag();
  const Value loss = operands[0];
  const Operands parameters = operands.subspan(5, count);
  const Value one = b.full(loss.dtype(), loss.shape(), maximize ? -1 : 1);
  const Values gradients = g.gradients(std::array{loss}, std::array{one}, parameters);
  Values updated, velocities;
  for (size_t i = 0; i < count; ++i) {
    const Value parameter = parameters[i];
    const auto scaled = [&](Value x, Value by) {
      return ops::mul(b, x, ops::cast(b, by, x.dtype()));
    };
    Value step = gradients[i];
    if (decays) step = ops::add(b, step, scaled(parameter, operands[4]));
    if (with_velocity) {
      const Value before = operands[5 + count + i];
      const Value one_less = ops::sub(b, ops::scalar(b, DType::f32, 1), operands[3]);
      const Value velocity =
          first ? step : ops::add(b, scaled(before, operands[2]), scaled(step, one_less));
      velocities.push_back(velocity);
      step = nesterov ? ops::add(b, step, scaled(velocity, operands[2])) : velocity;
    }
    updated.push_back(ops::sub(b, parameter, scaled(step, operands[1])));
  }
  updated.insert(updated.end(), velocities.begin(), velocities.end());
  return updated;
}

constexpr TracedOperator kOperators[] = {
    {.name = "gradient", .operands = -1, .build = gradient, .flow = Flow::differentiates},
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
