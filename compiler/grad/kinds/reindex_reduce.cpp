// SPDX-License-Identifier: Apache-2.0
// reindex_reduce, by combiner (z = init; z[map(i)] = f(z[map(i)], y[i])):
//   add        init gets g, y reads g through the map
//   last       y gets g where it was the last to write, init where nobody wrote
//   min, max   the first that is the result, init before all, gets g
//   mul        g * the product of the other factors of the same element
//   others     integers, nothing flows
#include "compiler/grad/rule.h"

namespace mintor {

namespace {

struct Scatter {
  const Backward& at;
  Builder& b = at.b;
  const IndexMap& map = at.node.as<ReindexReduceAttr>().map;
  Value init = at.operand(0), y = at.operand(1);
  std::span<const Value> index = std::span(at.node.operands).subspan(2);

  // What y[i] would meet in a value of z's shape, `outside` where the map leaves it.
  Value read(Value z, Scalar outside) const {
    return b.reindex(z, y.shape(), shifted(map, -1), outside, index);
  }
  Value read(Value z) const { return read(z, Scalar::of_int(z.dtype(), 0)); }
  Value write(Combiner combiner, Value into, Value what) const {
    return b.reindex_reduce(combiner, into, what, map, index);
  }
  Value all(Value like, double value) const { return b.full(like.dtype(), like.shape(), value); }
  Value select(Value mask, Value x, Value other) const {
    return b.apply(ScalarOp::where, {mask, x, other});
  }
};

// Position i of y, counted in row-major order.
Value order_of(const Scatter& s) {
  std::vector<int32_t> dims;
  for (size_t d = 0; d < s.y.shape().size(); ++d) dims.push_back(static_cast<int32_t>(d));
  return positions(s.b, s.y.shape(), dims);
}

Value everywhere(const Scatter& s, int64_t value, const Shape& shape) {
  return s.b.broadcast(s.b.constant_int(DType::i64, value), shape, {});
}

// Gradients where one writer decides each element: `winner` [z] is its position, -1 for init.
Gradients of_winner(const Scatter& s, Value winner, Gradients grads) {
  const Value g = s.at.grads[0];
  if (s.at.wanted[0])
    grads[0] = s.select(s.b.apply(ScalarOp::lt, {winner, everywhere(s, 0, s.init.shape())}), g,
                        s.all(g, 0));
  if (s.at.wanted[1]) {
    const Value mine = s.read(winner, Scalar::of_int(DType::i64, -1));
    const Value gy = s.read(g);
    grads[1] = s.select(s.b.apply(ScalarOp::eq, {mine, order_of(s)}), gy, s.all(gy, 0));
  }
  return grads;
}

Value last_writer(const Scatter& s) {
  return s.write(Combiner::last, everywhere(s, -1, s.init.shape()), order_of(s));
}

Value first_equal(const Scatter& s) {
  const Value z = s.at.result();
  const int64_t none = identity_of(Combiner::min, DType::i64).i;
  const Value is_it = s.b.apply(ScalarOp::eq, {s.y, s.read(z)});
  const Value candidates = s.select(is_it, order_of(s), everywhere(s, none, s.y.shape()));
  const Value start = s.select(s.b.apply(ScalarOp::eq, {s.init, z}), everywhere(s, -1, z.shape()),
                               everywhere(s, none, z.shape()));
  return s.write(Combiner::min, start, candidates);
}

// Products of the factors that are not 0, and how many are.
Gradients of_product(const Scatter& s, Gradients grads) {
  Builder& b = s.b;
  const auto is_zero = [&](Value v) { return b.apply(ScalarOp::eq, {v, s.all(v, 0)}); };
  const auto no_zero = [&](Value v) { return s.select(is_zero(v), s.all(v, 1), v); };
  const auto count = [&](Value v) { return b.cast(is_zero(v), DType::i64); };
  const Value product = s.write(Combiner::mul, no_zero(s.init), no_zero(s.y));
  const Value zero_count = s.write(Combiner::add, count(s.init), count(s.y));
  // The product of the others than v, given the product and the count for v's element.
  const auto others = [&](Value v, Value of_all, Value zeros_of_all) {
    const Value left = b.apply(ScalarOp::eq, {zeros_of_all, count(v)});
    return s.select(left, b.apply(ScalarOp::div, {of_all, no_zero(v)}), s.all(v, 0));
  };
  const auto times = [&](Value g, Value v) { return b.apply(ScalarOp::mul, {g, v}); };
  const Value g = s.at.grads[0];
  if (s.at.wanted[0]) grads[0] = times(g, others(s.init, product, zero_count));
  if (s.at.wanted[1]) grads[1] = times(s.read(g), others(s.y, s.read(product), s.read(zero_count)));
  return grads;
}

}  // namespace

Gradients backward_reindex_reduce(const Backward& at) {
  const Scatter s{at};
  Gradients grads(at.node.operands.size());
  switch (at.node.as<ReindexReduceAttr>().combiner) {
    case Combiner::add:
      grads[0] = at.grads[0];
      if (at.wanted[1]) grads[1] = s.read(at.grads[0]);
      return grads;
    case Combiner::last:
      return of_winner(s, last_writer(s), std::move(grads));
    case Combiner::min:
    case Combiner::max:
      return of_winner(s, first_equal(s), std::move(grads));
    case Combiner::mul:
      return of_product(s, std::move(grads));
    case Combiner::and_:
    case Combiner::or_:
    case Combiner::xor_:
    case Combiner::argmin:
    case Combiner::argmax:
    case Combiner::custom:
      break;
  }
  return grads;
}

}  // namespace mintor
