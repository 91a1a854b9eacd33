// SPDX-License-Identifier: Apache-2.0
// linear_attention: a loop over positions that carries the state [B, H, D, Dv].
// Takes heads that are split already; gives what each position reads, and the last state.
// Keeps true: the state and all arithmetic are f32, whatever the operands are.
#include "compiler/ops/attention.h"
#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

Value with(Builder& b, Value x, int64_t axis) { return unsqueeze(b, x, {&axis, 1}); }

// x[B, H, S, D] as [S, B, H, D] in f32, for the loop to scan.
Value by_position(Builder& b, Value x) {
  return x ? b.transpose(b.cast(x, DType::f32), {2, 0, 1, 3}) : x;
}

struct Step {
  Value q, k, v, decay, beta;  // slices
};

// One position: the new state, and q @ state with each head of it read by `times` queries.
std::pair<Value, Value> advance(Builder& b, Value state, const Step& s, int64_t times) {
  if (s.decay) state = mul(b, state, with(b, apply(b, ScalarOp::exp, {s.decay}), -1));
  const auto read = [&](Value x, Value from) {  // [B, H, D] @ [B, H, D, Dv]
    const int64_t row[] = {2};
    return squeeze(b, matmul(b, with(b, x, 2), from), row);
  };
  Value v = s.v;
  if (s.beta) v = mul(b, s.beta, sub(b, v, read(s.k, state)));
  state = add(b, state, mul(b, with(b, s.k, -1), with(b, v, 2)));
  return {state, read(s.q, repeat_heads(b, state, times))};
}

}  // namespace

LinearAttention linear_attention(Builder& b, const LinearAttentionInputs& in, double scale) {
  OpScope scope(b, "linear_attention");
  const Shape &q = in.q.shape(), &k = in.k.shape(), &v = in.v.shape();
  if (q.size() != 4 || k.size() != 4 || v.size() != 4 || !q[1].is_const() || !k[1].is_const() ||
      k[1].value() < 1 || q[1].value() % k[1].value() != 0)
    fail("linear_attention",
         "operands " + text(in.q.type()) + ", " + text(in.k.type()) + ", " + text(in.v.type()));
  const int64_t times = q[1].value() / k[1].value();
  const Value first =
      in.state ? b.cast(in.state, DType::f32) : b.full(DType::f32, {k[0], k[1], k[3], v[3]}, 0);
  std::vector<Value> scanned;
  for (const Value& x : {in.q, in.k, in.v, in.decay, in.beta})
    if (x) scanned.push_back(by_position(b, x));
  auto graph = std::make_shared<Graph>("linear_attention_step");
  graph->copy_sizes(b.graph());
  Builder body(*graph);
  body.input("t", DType::i64, {});
  const Value state = body.input("state", DType::f32, first.shape());
  std::vector<Value> slices;
  for (const Value& x : scanned)
    slices.push_back(body.input("x" + std::to_string(slices.size()), DType::f32,
                                Shape(x.shape().begin() + 1, x.shape().end())));
  size_t next = 3;
  Step step{slices[0], slices[1], slices[2], {}, {}};
  if (in.decay) step.decay = slices[next++];
  if (in.beta) step.beta = slices[next];
  const auto [after, y] = advance(body, state, step, times);
  graph->results = {{"r0", after}, {"r1", y}};
  const std::vector<Value> made = b.loop(q[2], {&first, 1}, scanned, {}, graph);
  const Value scaled = mul(b, b.transpose(made[1], {1, 2, 0, 3}), scalar(b, DType::f32, scale));
  return {b.cast(scaled, in.q.dtype()), made[0]};
}

}  // namespace mintor::ops
