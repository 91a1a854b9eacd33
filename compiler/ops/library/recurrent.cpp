// SPDX-License-Identifier: Apache-2.0
// The loop around a cell (recurrent.h).
// Takes operands in ONNX's layout: x[time, batch, in], weights and states with directions first.
// Keeps true: what does not depend on the state is computed outside of the loop, for all steps;
// a reverse direction reads and writes time mirrored, up to the length of each row.
#include "compiler/ops/library/recurrent.h"

#include "compiler/ir/broadcast.h"

namespace mintor::ops {

namespace {

// x, of the wanted sizes as they are written.
Value need_shape(Builder& b, std::string_view op, const char* what, Value x, const Shape& wanted) {
  if (!x) return x;
  const std::string problem =
      std::string(what) + " is " + text(x.type()) + ", needs the shape " + text(wanted);
  if (x.shape().size() != wanted.size()) fail(op, problem);
  for (size_t d = 0; d < wanted.size(); ++d)
    if (!same_size(b, x.shape()[d], wanted[d])) fail_unequal(op, problem, x.shape()[d], wanted[d]);
  return stretched(b, x, wanted);
}

Value need_dtype(Builder& b, std::string_view op, const char* what, Value x, DType dtype) {
  if (x && x.dtype() != dtype)
    fail(op, std::string(what) + " is " + text(x.type()) + ", x is " + std::string(name_of(dtype)));
  return x ? widen(b, x) : x;
}

// Direction d of a value, without the dimension of directions.
Value direction_of(Builder& b, Value x, int64_t d) {
  Shape size = x.shape(), rest(size.begin() + 1, size.end());
  std::vector<Index> start(size.size(), 0);
  start[0] = d;
  const bool only = size[0].is_const(1);
  size[0] = 1;
  if (!only) x = b.slice(x, start, size, std::vector<int64_t>(size.size(), 1));
  return b.reshape(x, std::move(rest));
}

Value columns(Builder& b, Value x, const Index& first, const Index& count) {
  Shape size = x.shape();
  if (size.back() == count) return x;
  std::vector<Index> start(size.size(), 0);
  start.back() = first;
  size.back() = count;
  return b.slice(x, start, size, std::vector<int64_t>(size.size(), 1));
}

// x, or as near as a byte comes to it.
Value multiplied(Builder& b, const RecurrentAttr& attr, Value x) {
  if (!attr.in_bytes) return x;
  const DynamicQuantized q = dynamic_quantize_linear(b, x);
  return dequantize_linear(b, q.y, q.scale, q.zero, 0);
}

// x @ w' + bias of every step and direction: [time, batch, directions * gates * hidden].
Value projected(Builder& b, const RecurrentInputs& in, Value bias, const RecurrentAttr& attr) {
  const Shape& w = in.w.shape();
  const Index rows = w[0] * w[1];
  const Value all = b.transpose(b.reshape(in.w, {rows, w[2]}), {1, 0});
  const Value p = matmul(b, multiplied(b, attr, in.x), all);
  return bias ? add(b, p, b.reshape(bias, {rows})) : p;
}

Value mirrored(Builder& b, Value x, Value lengths) {
  const int64_t time[] = {0};
  return lengths ? reverse_sequence(b, x, lengths, 1, 0) : flip(b, x, time);
}

struct Direction {
  const CellKind& kind;
  const RecurrentAttr& attr;
  std::span<const CellActivation> activations;
  std::vector<Value> states;    // before the first step
  Value steps;                  // [time, batch, gates * hidden]
  std::vector<Value> captured;  // the layer's; then the lengths, if there are any
  bool has_lengths;
};

std::shared_ptr<const Graph> body_of(const Builder& b, const Graph& around, const Direction& d) {
  auto graph = std::make_shared<Graph>(std::string(d.kind.op) + "_step");
  graph->copy_sizes(around);
  Builder in(*graph);
  const auto input = [&](std::string name, const Type& type) {
    return in.input(name, type.dtype, type.shape);
  };
  const Value time = in.input("t", DType::i64, {});
  std::vector<Value> states, captured;
  for (const Value& s : d.states)
    states.push_back(input("s" + std::to_string(states.size()), s.type()));
  Type step = d.steps.type();
  step.shape.erase(step.shape.begin());
  const Value x = input("x", step);
  for (const Value& c : d.captured)
    captured.push_back(input("c" + std::to_string(captured.size()), c.type()));
  const Shape shape = states[0].shape();
  const Builder::Scope scope(in, b.scope());
  const std::span<const Value> weights =
      std::span(captured).first(captured.size() - (d.has_lengths ? 1 : 0));
  std::vector<Value> next = d.kind.step({in, d.attr, d.activations, shape[1], x, states, weights});
  Value y = next[0];
  if (d.has_lengths) {
    const Value lengths = captured.back();
    const Value inside = in.broadcast(
        in.apply(ScalarOp::lt, {in.broadcast(time, lengths.shape(), {}), lengths}), shape, {0});
    for (size_t i = 0; i < next.size(); ++i)
      next[i] = in.apply(ScalarOp::where, {inside, next[i], states[i]});
    y = in.apply(ScalarOp::where, {inside, y, in.full(y.dtype(), shape, 0)});
  }
  next.push_back(y);
  for (size_t i = 0; i < next.size(); ++i)
    graph->results.push_back({"r" + std::to_string(i), next[i]});
  return graph;
}

// The last states, then y[time, batch, hidden].
std::vector<Value> run_direction(Builder& b, const Direction& d) {
  return b.loop(d.steps.shape()[0], d.states, {&d.steps, 1}, d.captured, body_of(b, b.graph(), d));
}

// Values side by side in a new dimension.
Value stacked(Builder& b, std::span<const Value> parts, int32_t dim) {
  std::vector<Value> out;
  for (const Value& v : parts) {
    const int64_t axis[] = {dim};
    out.push_back(unsqueeze(b, v, axis));
  }
  return out.size() == 1 ? out[0] : b.concat(out, dim);
}

}  // namespace

Value CellStep::gate(Value gates, int k) const { return columns(b, gates, hidden * k, hidden); }

Value CellStep::clipped(size_t k, Value gate) const {
  if (!attr.clip) return activate(k, gate);
  const DType dtype = gate.dtype();
  return activate(k, clip(b, gate, scalar(b, dtype, -*attr.clip), scalar(b, dtype, *attr.clip)));
}

Value CellStep::product(Value state, Value weight) const {
  return matmul(b, multiplied(b, attr, state), weight);
}

Value CellStep::activate(size_t k, Value v) const {
  const auto [function, alpha, beta] = activations[k];
  const auto number = [&](double value) { return scalar(b, v.dtype(), value); };
  switch (function) {
    case CellFunction::relu:
      return relu(b, v);
    case CellFunction::tanh:
      return apply(b, ScalarOp::tanh, {v});
    case CellFunction::sigmoid:
      return sigmoid(b, v);
    case CellFunction::affine:
      return add(b, mul(b, v, number(alpha)), number(beta));
    case CellFunction::leaky_relu:
      return leaky_relu(b, v, alpha);
    case CellFunction::thresholded_relu:
      return thresholded_relu(b, v, alpha);
    case CellFunction::scaled_tanh:
      return mul(b, apply(b, ScalarOp::tanh, {mul(b, v, number(beta))}), number(alpha));
    case CellFunction::hard_sigmoid:
      return hard_sigmoid(b, v, alpha, beta);
    case CellFunction::elu:
      return elu(b, v, alpha);
    case CellFunction::softsign:
      return softsign(b, v);
    case CellFunction::softplus:
      return softplus(b, v);
  }
  throw InternalError("recurrent", "unknown activation");
}

RecurrentInputs checked(Builder& b, const CellKind& kind, RecurrentInputs in,
                        const RecurrentAttr& attr) {
  const std::string_view op = kind.op;
  need_float(op, in.x);
  const DType dtype = in.x.dtype();
  if (in.x.shape().size() != 3)
    fail(op, "x is " + text(in.x.type()) + ", needs [time, batch, input]");
  if (in.r.shape().size() != 3)
    fail(op, "the recurrent weight is " + text(in.r.type()) +
                 ", needs [directions, gates * hidden, hidden]");
  const Index batch = in.x.shape()[1], hidden = in.r.shape()[2], rows = hidden * kind.gates,
              directions = attr.direction == RecurrentDirection::bidirectional ? 2 : 1;
  const auto need = [&](const char* what, Value& x, const Shape& wanted) {
    x = need_shape(b, op, what, need_dtype(b, op, what, x, dtype), wanted);
  };
  need("the weight", in.w, {directions, rows, in.x.shape()[2]});
  need("the recurrent weight", in.r, {directions, rows, hidden});
  need("the bias", in.w_bias, {directions, rows});
  need("the recurrent bias", in.r_bias, {directions, rows});
  need("the first state", in.h, {directions, batch, hidden});
  need("the first cell state", in.c, {directions, batch, hidden});
  need("the peephole weight", in.peepholes, {directions, hidden * 3});
  in.x = widen(b, in.x);
  if (in.lengths) {
    need_index(op, in.lengths);
    in.lengths = b.cast(need_shape(b, op, "the list of lengths", in.lengths, {batch}), DType::i64);
  }
  const size_t functions = kind.usual.size() * (directions.is_const(2) ? 2 : 1);
  if (!attr.activations.empty() && attr.activations.size() != functions)
    fail(op, std::to_string(attr.activations.size()) + " activations are given, needs " +
                 std::to_string(functions));
  return in;
}

Recurrent run_layer(Builder& b, const CellKind& kind, const RecurrentInputs& in, Value bias,
                    std::span<const Value> captured, const RecurrentAttr& attr, DType dtype) {
  const Index batch = in.x.shape()[1], hidden = in.r.shape()[2], rows = hidden * kind.gates;
  const Value steps = projected(b, in, bias, attr);
  const bool both = attr.direction == RecurrentDirection::bidirectional;
  std::vector<Value> ys;
  std::vector<std::vector<Value>> states(kind.states);
  for (int64_t d = 0; d < (both ? 2 : 1); ++d) {
    const bool reverse = d == 1 || attr.direction == RecurrentDirection::reverse;
    std::span<const CellActivation> functions = attr.activations;
    if (functions.empty())
      functions = kind.usual;
    else
      functions = functions.subspan(static_cast<size_t>(d) * kind.usual.size(), kind.usual.size());
    Direction one{kind,
                  attr,
                  functions,
                  {},
                  columns(b, steps, rows * d, rows),
                  {},
                  static_cast<bool>(in.lengths)};
    if (reverse) one.steps = mirrored(b, one.steps, in.lengths);
    const Value first[] = {in.h, in.c};
    for (size_t i = 0; i < kind.states; ++i)
      one.states.push_back(first[i] ? direction_of(b, first[i], d)
                                    : b.full(in.x.dtype(), {batch, hidden}, 0));
    for (const Value& c : captured) one.captured.push_back(direction_of(b, c, d));
    if (in.lengths) one.captured.push_back(in.lengths);
    const std::vector<Value> made = run_direction(b, one);
    for (size_t i = 0; i < kind.states; ++i) states[i].push_back(made[i]);
    ys.push_back(reverse ? mirrored(b, made.back(), in.lengths) : made.back());
  }
  Recurrent out{
      narrow(b, stacked(b, ys, 1), dtype), narrow(b, stacked(b, states[0], 0), dtype), {}};
  if (kind.states > 1) out.c = narrow(b, stacked(b, states[1], 0), dtype);
  return out;
}

Value recurrent_weight(Builder& b, Value r) { return b.transpose(r, {0, 2, 1}); }

Value bias_sum(Builder& b, Value x, Value y) {
  if (!x || !y) return x ? x : y;
  return add(b, x, y);
}

}  // namespace mintor::ops
