// SPDX-License-Identifier: Apache-2.0
// Branches and loops. Takes operands and what the functions capture, and the functions as bodies;
// gives an `if` or `loop` of the graph, whose regions are the bodies.
#include "frontends/python/trace/body.h"
#include "frontends/python/trace/operators/common.h"

namespace mintor::trace {
namespace {

void append(Values& to, Operands more) { to.insert(to.end(), more.begin(), more.end()); }

std::vector<Type> types_of(Operands values) {
  std::vector<Type> types;
  for (const Value& value : values) types.push_back(value.type());
  return types;
}

std::vector<Type> with_step(std::vector<Type> types) {
  types.insert(types.begin(), Type{DType::i64, {}});
  return types;
}

// Operands: the condition, operands of both functions, captures. Attributes: the functions.
Values cond(SegmentGraph& g, Operands operands, AttributeReader& attributes) {
  const Operands rest = operands.subspan(1);
  const auto branch = [&](const char* name) {
    const BodyAttribute body = attributes.body();
    const auto count = static_cast<size_t>(body.body->inputs);
    return region_of(g, name, types_of(rest), [&](SegmentGraph& in, Operands given) {
      return write_body(in, *body.body, given.first(count), given.subspan(count), body.integers);
    });
  };
  const auto then = branch("then"), otherwise = branch("else");
  return g.builder().if_(operands[0], rest, then, otherwise);
}

// Operands: carried values, captures. Attributes: whether there is a next iteration, and the
// iteration, both of the carried values.
Values while_loop(SegmentGraph& g, Operands operands, AttributeReader& attributes) {
  const BodyAttribute goes_on = attributes.body(), body = attributes.body();
  const auto count = static_cast<size_t>(body.body->inputs);
  const Operands carried = operands.first(count), captures = operands.subspan(count);
  Values first = write_body(g, *goes_on.body, carried, captures, goes_on.integers);
  append(first, carried);
  Values given = first;
  append(given, captures);
  const auto region =
      region_of(g, "body", with_step(types_of(given)), [&](SegmentGraph& in, Operands inputs) {
        const Operands before = inputs.subspan(2, count), outside = inputs.subspan(2 + count);
        const Values after = write_body(in, *body.body, before, outside, body.integers);
        Values made = write_body(in, *goes_on.body, after, outside, goes_on.integers);
        append(made, after);
        return made;
      });
  Values results = g.builder().while_(first, captures, region);
  results.erase(results.begin());
  return results;
}

// Operands: carried values, scanned values, captures. Attributes: the function, how many are
// carried, how many are scanned, how many iterations. Results: carried values, stacked values.
Values scan(SegmentGraph& g, Operands operands, AttributeReader& attributes) {
  const BodyAttribute body = attributes.body();
  const auto carried = static_cast<size_t>(attributes.integer());
  const auto scanned = static_cast<size_t>(attributes.integer());
  const Index trip = attributes.index();
  std::vector<Type> types = types_of(operands);
  for (size_t i = carried; i < carried + scanned; ++i) types[i].shape.erase(types[i].shape.begin());
  const size_t count = carried + scanned;
  const auto region =
      region_of(g, "body", with_step(types), [&](SegmentGraph& in, Operands inputs) {
        return write_body(in, *body.body, inputs.subspan(1, count), inputs.subspan(1 + count),
                          body.integers);
      });
  return g.builder().loop(trip, operands.first(carried), operands.subspan(carried, scanned),
                          operands.subspan(count), region);
}

constexpr TracedOperator kOperators[] = {
    {"cond", -1, cond},
    {"while_loop", -1, while_loop},
    {"scan", -1, scan},
};

}  // namespace
}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_control = {trace::kOperators};
}
