// SPDX-License-Identifier: Apache-2.0
// Gradients, and functions with a gradient of their own. Takes values and arrays; gives gradients.
// Gradients are calls: nothing is differentiated while Python runs, only when a segment is
// compiled.
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

constexpr TracedOperator kOperators[] = {
    {.name = "gradient", .operands = -1, .build = gradient, .flow = Flow::differentiates},
    {.name = "function", .operands = -1, .build = function, .flow = Flow::owned},
};

}  // namespace

}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_gradients = {trace::kOperators};
}
