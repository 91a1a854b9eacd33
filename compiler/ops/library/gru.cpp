// SPDX-License-Identifier: Apache-2.0
// gru: gates z, r, h (ONNX GRU 14; torch.nn.GRU has r, z, n and is linear before the reset).
//   n = tanh(x @ wh' + (r * h) @ rh' + biases)      or tanh(x @ wh' + r * (h @ rh' + bias) + bias)
//   h' = (1 - z) * n + z * h
// Keeps true: linear before the reset, all gates are one product; otherwise the last one is
// another.
#include "compiler/ops/library/recurrent.h"

namespace mintor::ops {

namespace {

// Rows first..first + count of the last dimension, or the one before it, of [directions, ...].
Value part(Builder& b, Value x, size_t dim, const Index& first, const Index& count) {
  std::vector<Index> start(x.shape().size(), 0);
  Shape size = x.shape();
  start[dim] = first;
  size[dim] = count;
  return b.slice(x, start, size, std::vector<int64_t>(size.size(), 1));
}

std::vector<Value> mixed(const CellStep& s, Value z, Value n) {
  Builder& b = s.b;
  const Value rest = sub(b, scalar(b, z.dtype(), 1), z);
  return {add(b, mul(b, rest, n), mul(b, z, s.state[0]))};
}

// captured: r' of all gates, the recurrent bias of the last one.
std::vector<Value> step_linear(const CellStep& s) {
  Builder& b = s.b;
  const Value product = s.product(s.state[0], s.captured[0]);
  const auto gate = [&](int k) { return s.clipped(0, add(b, s.gate(s.x, k), s.gate(product, k))); };
  const Value z = gate(0), r = gate(1);
  const Value before = add(b, s.gate(product, 2), s.captured[1]);
  return mixed(s, z, s.clipped(1, add(b, s.gate(s.x, 2), mul(b, r, before))));
}

// captured: r' of the gates z and r, r' of the last one.
std::vector<Value> step_reset(const CellStep& s) {
  Builder& b = s.b;
  const Value product = s.product(s.state[0], s.captured[0]);
  const auto gate = [&](int k) { return s.clipped(0, add(b, s.gate(s.x, k), s.gate(product, k))); };
  const Value z = gate(0), r = gate(1);
  const Value after = s.product(mul(b, r, s.state[0]), s.captured[1]);
  return mixed(s, z, s.clipped(1, add(b, s.gate(s.x, 2), after)));
}

}  // namespace

Recurrent gru(Builder& b, const RecurrentInputs& given, const RecurrentAttr& attr) {
  OpScope scope(b, "gru");
  const bool linear = attr.linear_before_reset;
  const CellKind kind{"gru",
                      3,
                      1,
                      {{CellFunction::sigmoid}, {CellFunction::tanh}},
                      linear ? step_linear : step_reset};
  const RecurrentInputs in = checked(b, kind, given, attr);
  const Index directions = in.r.shape()[0], hidden = in.r.shape()[2];
  const Value r = recurrent_weight(b, in.r);
  if (!linear) {
    const Value captured[] = {part(b, r, 2, 0, hidden * 2), part(b, r, 2, hidden * 2, hidden)};
    return run_layer(b, kind, in, bias_sum(b, in.w_bias, in.r_bias), captured, attr,
                     given.x.dtype());
  }
  const Value none = b.full(in.x.dtype(), {directions, hidden}, 0);
  Value before = in.r_bias, inner = none;
  if (in.r_bias) {
    const Value gates[] = {part(b, in.r_bias, 1, 0, hidden * 2), none};
    before = b.concat(gates, 1);
    inner = part(b, in.r_bias, 1, hidden * 2, hidden);
  }
  const Value captured[] = {r, inner};
  return run_layer(b, kind, in, bias_sum(b, in.w_bias, before), captured, attr, given.x.dtype());
}

}  // namespace mintor::ops
