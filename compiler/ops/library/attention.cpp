// SPDX-License-Identifier: Apache-2.0
// attention: two contracts around a softmax, masks as one sum of biases.
//   scores = (q * s) @ (k * s)', s = sqrt(scale)   y = softmax(scores + bias) @ v
// Takes heads that are split already; gives every stage that a model may ask for.
// Keeps true: arithmetic rounds where the ONNX function does (every stage in q's dtype); a query
// that no key is seen by has weights of 0, never NaN.
#include "compiler/ops/attention.h"

#include <cmath>
#include <limits>

#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

// What is added to scores, as a value that broadcasts to them: a sum of masks.
class Bias {
 public:
  Bias(Builder& b, DType dtype) : b_(b), dtype_(dtype) {}
  void add(Value bias) { sum_ = sum_ ? ops::add(b_, sum_, bias) : bias; }
  void add_seen(Value seen) {
    add(where(b_, seen, scalar(b_, dtype_, 0), scalar(b_, dtype_, kMinusInfinity)));
  }
  Value sum() const { return sum_; }

 private:
  Builder& b_;
  DType dtype_;
  Value sum_;
};

// The mask with as many keys as there are; those it says nothing of are not seen.
Value whole_mask(Builder& b, Value mask, const Index& keys) {
  const Index own = mask.shape().back();
  if (same_size(b, own, keys) || own.is_const(1)) return mask;
  const bool seen = mask.dtype() == DType::boolean;
  const Value fill =
      seen ? b.constant_int(DType::boolean, 0) : scalar(b, mask.dtype(), kMinusInfinity);
  std::vector<Index> before(mask.shape().size(), 0), after = before;
  after.back() = keys - own;
  return pad(b, mask, before, after, PadMode::constant, fill);
}

// The position of each query among the keys, less that of each key: [Sq, Sk], or [B, 1, Sq, Sk].
Value distances(Builder& b, const AttentionInputs& in, const Index& queries, const Index& keys) {
  const Shape plane = {queries, keys};
  Value apart = sub(b, b.iota(DType::i64, plane, 0), b.iota(DType::i64, plane, 1));
  if (in.past_k) return add(b, apart, count_of(b, DType::i64, in.past_k.shape()[2]));
  if (!in.lengths) return apart;
  const Index batch = in.lengths.shape()[0];
  const Value shift = sub(b, b.cast(in.lengths, DType::i64), count_of(b, DType::i64, queries));
  return add(b, apart, b.reshape(shift, {batch, 1, 1, 1}));
}

Value bias_of(Builder& b, const AttentionInputs& in, const AttentionAttr& attr, DType dtype,
              const Index& queries, const Index& keys) {
  Bias bias(b, dtype);
  if (in.mask) {
    const Value mask = whole_mask(b, in.mask, keys);
    if (mask.dtype() == DType::boolean)
      bias.add_seen(mask);
    else
      bias.add(b.cast(mask, dtype));
  }
  const auto compare = [&](ScalarOp op, Value x, int64_t y) {
    return apply(b, op, {x, b.constant_int(DType::i64, y)});
  };
  if (attr.causal || attr.left >= 0 || attr.right >= 0) {
    const Value apart = distances(b, in, queries, keys);
    if (attr.causal) bias.add_seen(compare(ScalarOp::ge, apart, 0));
    if (attr.left >= 0) bias.add_seen(compare(ScalarOp::le, apart, attr.left));
    if (attr.right >= 0) bias.add_seen(compare(ScalarOp::ge, apart, -attr.right));
  }
  if (in.lengths) {
    const Index batch = in.lengths.shape()[0];
    const Value count = b.reshape(b.cast(in.lengths, DType::i64), {batch, 1, 1, 1});
    bias.add_seen(apply(b, ScalarOp::lt, {b.iota(DType::i64, {keys}, 0), count}));
  }
  return bias.sum();
}

// Softmax whose every step rounds to x's dtype.
Value rounded_softmax(Builder& b, Value x) {
  if (!is_storage_float(x.dtype())) return softmax(b, x, {-1});
  const int64_t last[] = {-1};
  const Value most = reduce(b, Reduction::max, x, last, true);
  const Value exps = apply(b, ScalarOp::exp, {sub(b, x, most)});
  return div(b, exps, reduce(b, Reduction::sum, exps, last, true));
}

void check(const AttentionInputs& in) {
  for (const Value& x : {in.q, in.k, in.v})
    if (x.shape().size() != 4)
      fail("attention",
           "operands must be [batch, heads, positions, size], one is " + text(x.type()));
  if (static_cast<bool>(in.past_k) != static_cast<bool>(in.past_v))
    fail("attention", "a past needs keys and values");
  if (in.mask && in.mask.shape().empty()) fail("attention", "the mask is " + text(in.mask.type()));
}

}  // namespace

Value split_heads(Builder& b, Value x, int64_t heads) {
  const Shape& s = x.shape();
  if (s.size() != 3 || heads < 1)
    fail("attention", std::to_string(heads) + " heads of " + text(x.type()));
  const Index size = b.graph().ranges().simplify(floordiv(s[2], heads));
  if (!same_size(b, size * heads, s[2]))
    fail_unequal("attention", std::to_string(heads) + " heads of " + text(x.type()), size * heads,
                 s[2]);
  return b.transpose(b.reshape(x, {s[0], s[1], heads, size}), {0, 2, 1, 3});
}

Value join_heads(Builder& b, Value x) {
  const Value y = b.transpose(x, {0, 2, 1, 3});
  const Shape& s = y.shape();
  return b.reshape(y, {s[0], s[1], s[2] * s[3]});
}

Value repeat_heads(Builder& b, Value x, int64_t times) {
  if (times == 1) return x;
  IndexMap map = identity_map(x.shape().size());
  map.coords[1] = floordiv(result_index(1), times);
  Shape shape = x.shape();
  shape[1] = shape[1] * times;
  return b.reindex(x, shape, map, zero_of(x));
}

Attention attention(Builder& b, const AttentionInputs& in, const AttentionAttr& attr) {
  OpScope scope(b, "attention");
  check(in);
  const DType dtype = in.q.dtype();
  Attention out;
  const auto extended = [&](Value past, Value x) {
    const Value both[] = {past, x};
    return past ? b.concat(both, 2) : x;
  };
  out.k = extended(in.past_k, in.k);
  out.v = extended(in.past_v, in.v);
  const Index heads = in.q.shape()[1], own = in.k.shape()[1];
  int64_t times = 1;
  if (heads.is_const() && own.is_const() && !(heads == own)) {
    if (own.value() < 1 || heads.value() % own.value() != 0)
      fail("attention", heads.str() + " heads of queries, " + own.str() + " of keys");
    times = heads.value() / own.value();
  }
  const Index size = in.q.shape()[3];
  if (!attr.scale && !size.is_const()) fail("attention", "the size of a head must be known");
  const double scale = attr.scale ? *attr.scale : 1 / std::sqrt(static_cast<double>(size.value()));
  const Value root = scalar(b, dtype, std::sqrt(scale));
  const Value keys = b.transpose(repeat_heads(b, out.k, times), {0, 1, 3, 2});
  Value scores = matmul(b, mul(b, in.q, root), mul(b, keys, root));
  if (attr.softcap > 0) {
    const Value cap = scalar(b, dtype, attr.softcap);
    scores = mul(b, apply(b, ScalarOp::tanh, {div(b, scores, cap)}), cap);
  }
  out.products = scores;
  const Value bias = bias_of(b, in, attr, dtype, in.q.shape()[2], out.k.shape()[2]);
  if (bias) scores = add(b, scores, bias);
  out.masked = scores;
  Value weights = rounded_softmax(b, b.cast(scores, attr.softmax.value_or(dtype)));
  if (bias) {  // select, not multiply: such a row is NaN
    const int64_t last[] = {-1};
    const Value most = reduce(b, Reduction::max, bias, last, true);
    const Value none = apply(b, ScalarOp::eq, {most, scalar(b, dtype, kMinusInfinity)});
    weights = where(b, none, scalar(b, weights.dtype(), 0), weights);
  }
  out.weights = b.cast(weights, dtype);
  out.y = matmul(b, out.weights, repeat_heads(b, out.v, times));
  return out;
}

}  // namespace mintor::ops
