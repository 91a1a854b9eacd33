// SPDX-License-Identifier: Apache-2.0
// lstm: gates i, o, f, c of x @ w' + h @ r' + biases (ONNX LSTM 14; torch.nn.LSTM has i, f, g, o).
//   c' = f * c + i * g      h' = o * tanh(c')
// Takes peephole weights i, o, f: i and f see c, o sees c'. input_forget: f is 1 - i.
#include "compiler/ops/library/recurrent.h"

namespace mintor::ops {

namespace {

std::vector<Value> step(const CellStep& s) {
  Builder& b = s.b;
  const Value h = s.state[0], c = s.state[1];
  const Value gates = add(b, s.x, s.product(h, s.captured[0]));
  const auto seen = [&](Value gate, int k, Value cell) {
    return s.captured.size() > 1 ? add(b, gate, mul(b, s.gate(s.captured[1], k), cell)) : gate;
  };
  const Value i = s.clipped(0, seen(s.gate(gates, 0), 0, c));
  const Value f = s.attr.input_forget ? sub(b, scalar(b, i.dtype(), 1), i)
                                      : s.clipped(0, seen(s.gate(gates, 2), 2, c));
  const Value g = s.clipped(1, s.gate(gates, 3));
  const Value cell = add(b, mul(b, f, c), mul(b, i, g));
  const Value o = s.clipped(0, seen(s.gate(gates, 1), 1, cell));
  return {mul(b, o, s.activate(2, cell)), cell};
}

}  // namespace

Recurrent lstm(Builder& b, const RecurrentInputs& given, const RecurrentAttr& attr) {
  OpScope scope(b, "lstm");
  const CellKind kind{
      "lstm", 4, 2, {{CellFunction::sigmoid}, {CellFunction::tanh}, {CellFunction::tanh}}, step};
  const RecurrentInputs in = checked(b, kind, given, attr);
  std::vector<Value> captured = {recurrent_weight(b, in.r)};
  if (in.peepholes) captured.push_back(in.peepholes);
  return run_layer(b, kind, in, bias_sum(b, in.w_bias, in.r_bias), captured, attr, given.x.dtype());
}

}  // namespace mintor::ops
