// SPDX-License-Identifier: Apache-2.0
// rnn: h' = f(x @ w' + h @ r' + biases).
// Takes one gate's weights (ONNX RNN 14, torch.nn.RNN).
#include "compiler/ops/library/recurrent.h"

namespace mintor::ops {

static std::vector<Value> step(const CellStep& s) {
  return {s.clipped(0, add(s.b, s.x, s.product(s.state[0], s.captured[0])))};
}

Recurrent rnn(Builder& b, const RecurrentInputs& given, const RecurrentAttr& attr) {
  OpScope scope(b, "rnn");
  const CellKind kind{"rnn", 1, 1, {{CellFunction::tanh}}, step};
  const RecurrentInputs in = checked(b, kind, given, attr);
  const Value captured[] = {recurrent_weight(b, in.r)};
  return run_layer(b, kind, in, bias_sum(b, in.w_bias, in.r_bias), captured, attr, given.x.dtype());
}

}  // namespace mintor::ops
