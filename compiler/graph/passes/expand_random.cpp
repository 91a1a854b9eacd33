// SPDX-License-Identifier: Apache-2.0
// Random numbers as integer arithmetic: the ten rounds of Philox 4x32 (compiler/ir/evaluate_random
// has the stream and its source) on the numbers of blocks, four words each, side by side.
//| y = random f32[n] (key, counter) uniform
//|   ->  block = iota u64[ceil(n / 4)]
//|       c0, c1, c2, c3 = ten rounds of (block, counter) under key
//|       y = reshape of [c0, c1, c2, c3], each (c >> 8) * 2^-24
// The same operations on the same operands as the evaluator's: bits stay.
#include <array>

#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"

namespace mintor {
namespace {

// Element-wise arithmetic on u64 values of one shape.
struct Words {
  Builder& b;
  Shape shape;

  Value number(uint64_t value) const {
    return spread(b.constant_int(DType::u64, static_cast<int64_t>(value)));
  }
  Value spread(Value scalar) const { return b.broadcast(scalar, shape, {}); }
  Value apply(ScalarOp op, Value x, Value y) const { return b.apply(op, {x, y}); }
  Value low(Value x) const { return apply(ScalarOp::bit_and, x, number(0xFFFFFFFFu)); }
  Value high(Value x) const { return apply(ScalarOp::shr, x, number(32)); }
  Value joined(Value low_word, Value high_word) const {
    return apply(ScalarOp::bit_or, low_word, apply(ScalarOp::shl, high_word, number(32)));
  }
};

using Block = std::array<Value, 4>;

Block philox(const Words& w, Value number, Value key, Value counter) {
  Value k0 = w.low(w.spread(key)), k1 = w.high(w.spread(key));
  Block c = {w.low(number), w.high(number), w.low(w.spread(counter)), w.high(w.spread(counter))};
  for (int round = 0; round < 10; ++round) {
    const Value p0 = w.apply(ScalarOp::mul, w.number(0xD2511F53u), c[0]);
    const Value p1 = w.apply(ScalarOp::mul, w.number(0xCD9E8D57u), c[2]);
    const auto mixed = [&](Value product, Value word, Value k) {
      return w.apply(ScalarOp::bit_xor, w.apply(ScalarOp::bit_xor, w.high(product), word), k);
    };
    c = {mixed(p1, c[1], k0), w.low(p1), mixed(p0, c[3], k1), w.low(p0)};
    k0 = w.low(w.apply(ScalarOp::add, k0, w.number(0x9E3779B9u)));
    k1 = w.low(w.apply(ScalarOp::add, k1, w.number(0xBB67AE85u)));
  }
  return c;
}

// Elements of a block as 32-bit or 64-bit integers, in u64.
std::vector<Value> integers(const Words& w, const Block& c, int64_t bytes) {
  if (bytes == 4) return {c.begin(), c.end()};
  return {w.joined(c[0], c[1]), w.joined(c[2], c[3])};
}

Value uniform(const Words& w, Value bits, DType dtype) {
  const bool narrow = dtype == DType::f32;
  const Value top = w.apply(ScalarOp::shr, bits, w.number(narrow ? 8 : 11));
  return w.b.apply(ScalarOp::mul,
                   {w.b.cast(top, dtype), w.b.full(dtype, w.shape, narrow ? 0x1p-24 : 0x1p-53)});
}

// Box-Muller on pairs of uniform numbers.
std::vector<Value> normals(const Words& w, const std::vector<Value>& uniforms, DType dtype) {
  const auto full = [&](double value) { return w.b.full(dtype, w.shape, value); };
  std::vector<Value> made;
  for (size_t i = 0; i < uniforms.size(); i += 2) {
    const Value u = w.b.apply(ScalarOp::sub, {full(1), uniforms[i]});
    const Value r = w.b.apply(
        ScalarOp::sqrt, {w.b.apply(ScalarOp::mul, {full(-2), w.b.apply(ScalarOp::log, {u})})});
    const Value angle = w.b.apply(ScalarOp::mul, {full(6.283185307179586), uniforms[i + 1]});
    made.push_back(w.b.apply(ScalarOp::mul, {r, w.b.apply(ScalarOp::cos, {angle})}));
    made.push_back(w.b.apply(ScalarOp::mul, {r, w.b.apply(ScalarOp::sin, {angle})}));
  }
  return made;
}

Value expanded(Builder& b, const Node& node, Value key, Value counter) {
  const DType dtype = node.results[0].dtype;
  const std::string& distribution = node.as<RandomAttr>().distribution;
  Index count = 1;
  for (const Index& dim : node.results[0].shape) count = count * dim;
  if (count.is_const(0)) return b.full(dtype, node.results[0].shape, 0);
  const int64_t bytes = size_of(dtype), in_block = 16 / bytes;
  const Index blocks = ceildiv(count, in_block);
  const Words w{b, {blocks}};
  const Value number = b.iota(DType::u64, {blocks}, 0);
  std::vector<Value> elements =
      integers(w, philox(w, number, b.cast(key, DType::u64), b.cast(counter, DType::u64)), bytes);
  if (distribution == "bits") {
    for (Value& element : elements) element = b.cast(element, dtype);
  } else {
    for (Value& element : elements) element = uniform(w, element, dtype);
    if (distribution == "normal") elements = normals(w, elements, dtype);
  }
  for (Value& element : elements) element = b.reshape(element, {blocks, 1});
  const Value flat = b.reshape(b.concat(elements, 1), {blocks * in_block});
  return b.reshape(b.slice(flat, {0}, {count}, {1}), node.results[0].shape);
}

Graph run(CompileContext&, const Graph& graph) {
  return rewrite(graph,
                 [](Builder& b, const Node& node,
                    std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (node.kind != Kind::random) return std::nullopt;
                   return std::vector<Value>{expanded(b, node, operands[0], operands[1])};
                 });
}

}  // namespace

extern const GraphPass pass_expand_random;
const GraphPass pass_expand_random = {"expand_random",
                                      "writes random numbers as integer arithmetic", run};

}  // namespace mintor
