// SPDX-License-Identifier: Apache-2.0
// Attention of the domain com.microsoft: Attention (projections included), MultiHeadAttention,
// GroupQueryAttention (rotation and cache included), RotaryEmbedding.
// Takes operands with heads side by side ([B, S, H * D]); gives them through ops/attention.h
// (onnxruntime/docs/ContribOperators.md).
#include "compiler/ops/attention.h"

#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"

namespace mintor {

namespace {

void refuse(OnnxNode& n, std::initializer_list<const char*> attributes) {
  for (const char* name : attributes)
    if (n.integer(name, 0) != 0)
      n.fail(std::string(name) + " = " + std::to_string(n.integer(name, 0)) + " is not supported");
}

void refuse_inputs(OnnxNode& n, size_t first) {
  for (size_t i = first; i < n.inputs(); ++i)
    if (n.given(i)) n.fail("input " + std::to_string(i) + " is not supported");
}

std::optional<double> scale_of(OnnxNode& n) {
  const double scale = n.real("scale", 0);
  return scale == 0 ? std::nullopt : std::optional(scale);
}

// What is added to scores: 0 for keys that count, mask_filter_value for the others. The mask is
// lengths[B], or 1 for each that counts: [B, T], [B, S, T], [B, 1, S, T].
Value padding(OnnxNode& n, size_t i, DType dtype, const Index& keys) {
  Builder& b = n.builder();
  Value mask = n.in(i);
  Shape shape = mask.shape();
  const Index batch = n.shape(0)[0];
  if (shape.size() == 1 && !(shape[0] == batch))
    n.fail("a mask " + to_string(shape) + " for a batch of " + batch.str() + " is not supported");
  if (shape.size() == 1) {
    const Value lengths = b.reshape(b.cast(mask, DType::i64), {batch, 1, 1, 1});
    mask = ops::apply(b, ScalarOp::lt, {b.iota(DType::i64, {keys}, 0), lengths});
  } else {
    while (shape.size() < 4) shape.insert(shape.begin() + 1, 1);
    mask = ops::cast(b, b.reshape(mask, shape), DType::boolean);
  }
  return ops::where(b, mask, ops::scalar(b, dtype, 0),
                    ops::scalar(b, dtype, n.real("mask_filter_value", -10000)));
}

Value sum_of(Builder& b, Value x, Value y) { return x && y ? ops::add(b, x, y) : x ? x : y; }

std::vector<Value> parts(Builder& b, Value x, int64_t axis, const std::vector<Index>& sizes) {
  return ops::split(b, x, axis, sizes);
}

// With the padding of input `mask` and what input 5 adds to scores; gives the first output.
ops::Attention attended(OnnxNode& n, ops::AttentionInputs in, size_t mask, const Index& keys) {
  Builder& b = n.builder();
  if (n.given(mask)) in.mask = padding(n, mask, in.q.dtype(), keys);
  in.mask = sum_of(b, in.mask, n.optional_in(5));
  ops::AttentionAttr attr;
  attr.scale = scale_of(n);
  attr.causal = n.integer("unidirectional", 0) != 0;
  const ops::Attention made = ops::attention(b, in, attr);
  n.out(0, ops::join_heads(b, made.y));
  return made;
}

// input @ weights + bias are the three operands; the past is keys, then values.
void attention(OnnxNode& n) {
  n.need_inputs(2, 7);
  refuse(n, {"do_rotary", "past_present_share_buffer"});
  refuse_inputs(n, 6);
  Builder& b = n.builder();
  Value all = ops::matmul(b, n.in(0), n.in(1));
  if (n.given(2)) all = ops::add(b, all, n.in(2));
  std::vector<Index> sizes;
  for (int64_t size : n.integers("qkv_hidden_sizes")) sizes.push_back(size);
  if (sizes.empty()) sizes.assign(3, floordiv(n.shape(1)[1], 3));
  const int64_t heads = n.positive("num_heads");
  const std::vector<Value> qkv = parts(b, all, 2, sizes);
  if (qkv.size() != 3) n.fail("qkv_hidden_sizes must have 3 entries");
  ops::AttentionInputs in;
  in.q = ops::split_heads(b, qkv[0], heads);
  in.k = ops::split_heads(b, qkv[1], heads);
  in.v = ops::split_heads(b, qkv[2], heads);
  Index keys = in.k.shape()[2];
  if (n.given(4)) {
    const std::vector<Value> past = parts(b, n.in(4), 0, {1, 1});
    const int64_t first[] = {0};
    in.past_k = ops::squeeze(b, past[0], first);
    in.past_v = ops::squeeze(b, past[1], first);
    keys = keys + in.past_k.shape()[2];
  }
  const ops::Attention made = attended(n, in, 3, keys);
  if (!n.wants(1)) return;
  const int64_t first[] = {0};
  const Value both[] = {ops::unsqueeze(b, made.k, first), ops::unsqueeze(b, made.v, first)};
  n.out(1, b.concat(both, 0));
}

// x[B, S, H, count, D] as `count` times [B, S, H * D].
std::vector<Value> unpacked(OnnxNode& n, Value x, int64_t heads, int64_t count) {
  Builder& b = n.builder();
  const Shape s = x.shape();
  if (s.size() != 5 || !s[2].is_const(heads) || !s[3].is_const(count))
    n.fail("packed operands " + to_string(x.type()) + " are not [B, S, " + std::to_string(heads) +
           ", " + std::to_string(count) + ", D]");
  std::vector<Value> out;
  for (const Value& part : parts(b, x, 3, std::vector<Index>(static_cast<size_t>(count), 1)))
    out.push_back(b.reshape(part, {s[0], s[1], s[2] * s[4]}));
  return out;
}

// Queries, keys and values; or the first with both others, or the second with the third, in one.
std::vector<Value> operands(OnnxNode& n, int64_t heads) {
  if (n.given(1) && n.given(2)) return {n.in(0), n.in(1), n.in(2)};
  if (!n.given(1) && n.given(2)) n.fail("values are given without keys");
  if (!n.given(1)) return unpacked(n, n.in(0), heads, 3);
  std::vector<Value> out = unpacked(n, n.in(1), heads, 2);
  out.insert(out.begin(), n.in(0));
  return out;
}

// Keys and values may be apart already: [B, H, T, D].
void multi_head_attention(OnnxNode& n) {
  n.need_inputs(1, 10);
  refuse_inputs(n, 8);
  Builder& b = n.builder();
  const int64_t heads = n.positive("num_heads");
  std::vector<Value> qkv = operands(n, heads);
  if (n.given(3)) {
    std::vector<Index> sizes;
    for (const Value& x : qkv) {
      if (x.shape().size() != 3) n.fail("a bias of keys with 4 dimensions is not supported");
      sizes.push_back(x.shape()[2]);
    }
    const std::vector<Value> bias = parts(b, n.in(3), 0, sizes);
    for (size_t i = 0; i < qkv.size(); ++i) qkv[i] = ops::add(b, qkv[i], bias[i]);
  }
  for (Value& x : qkv)
    if (x.shape().size() != 4) x = ops::split_heads(b, x, heads);
  ops::AttentionInputs in;
  in.q = qkv[0], in.k = qkv[1], in.v = qkv[2];
  in.past_k = n.optional_in(6);
  in.past_v = n.optional_in(7);
  Index keys = in.k.shape()[2];
  if (in.past_k) keys = keys + in.past_k.shape()[2];
  const ops::Attention made = attended(n, in, 4, keys);
  n.out(1, made.k);
  n.out(2, made.v);
  n.out(3, made.weights);
}

// The cache with x[B, H, S, D] from position first[B] on; it is `length` long then.
Value cached(Builder& b, Value past, Value x, Value first, const Index& length) {
  const Shape& s = x.shape();
  const std::vector<Index> none(4, 0);
  const Value cache =
      past ? ops::pad(b, past, none, std::vector<Index>{0, 0, length - past.shape()[2], 0},
                      ops::PadMode::constant, {})
           : b.full(x.dtype(), {s[0], s[1], length, s[3]}, 0);
  IndexMap map;
  for (int d = 0; d < 4; ++d) map.coords.push_back(Index::var("i" + std::to_string(d)));
  map.loads.push_back({2, {map.coords[0]}});
  map.coords[2] = map.coords[2] + Index::var("l0");
  const Value places[] = {first};
  return b.reindex_reduce(Combiner::last, cache, x, map, places);
}

Index total_length(OnnxNode& n, size_t i) {
  const std::vector<Index> items = n.known(i) ? n.indices(i, "the total length")
                                              : std::vector<Index>{n.size_of(n.builder().cast(
                                                    n.builder().reshape(n.in(i), {}), DType::i64))};
  if (items.size() != 1) n.fail("the total length must be one number");
  return items[0];
}

// x[B, H, S, D] turned by the rows of the tables that its positions name.
Value rotated(OnnxNode& n, Value x, Value positions, size_t tables, const char* interleaved) {
  Builder& b = n.builder();
  const Value y = ops::rotary_embedding(
      b, b.transpose(x, {0, 2, 1, 3}), ops::take(b, n.in(tables), positions, 0),
      ops::take(b, n.in(tables + 1), positions, 0), n.integer(interleaved, 0) != 0);
  return b.transpose(y, {0, 2, 1, 3});
}

// seqlens_k[B] + 1 keys count, the newest S of which are k's; all of a prompt's are, from 0 on.
void group_query_attention(OnnxNode& n) {
  n.need_inputs(1, 14);
  refuse(n, {"smooth_softmax", "qk_output", "kv_cache_bit_width"});
  refuse_inputs(n, 11);
  Builder& b = n.builder();
  const int64_t heads = n.positive("num_heads"), own = n.positive("kv_num_heads");
  std::vector<Value> qkv = {n.in(0), n.optional_in(1), n.optional_in(2)};
  if (!n.given(1)) {  // side by side
    const Index size = floordiv(n.shape(0)[2], heads + 2 * own);
    qkv = parts(b, n.in(0), 2, {size * heads, size * own, size * own});
  }
  Value q = ops::split_heads(b, qkv[0], heads), k = ops::split_heads(b, qkv[1], own),
        v = ops::split_heads(b, qkv[2], own);
  const Index queries = q.shape()[2], batch = q.shape()[0], total = total_length(n, 6);
  const auto number = [&](const Index& size) { return b.size(size); };
  const Value counted = b.reshape(b.cast(n.in(5), DType::i64), {batch});
  const Value before =
      ops::sub(b, ops::add(b, counted, b.constant_int(DType::i64, 1)), number(queries));
  const Value prompt = ops::apply(b, ScalarOp::eq, {number(queries), number(total)});
  const Value first = ops::where(b, prompt, b.constant_int(DType::i64, 0), before);
  if (n.integer("do_rotary", 0) != 0) {
    const Value positions =
        n.given(9) ? n.in(9)
                   : ops::add(b, b.reshape(first, {batch, 1}), b.iota(DType::i64, {queries}, 0));
    q = rotated(n, q, positions, 7, "rotary_interleaved");
    k = rotated(n, k, positions, 7, "rotary_interleaved");
  }
  const Value past_k = n.optional_in(3), past_v = n.optional_in(4);
  const Index length = past_k ? max(past_k.shape()[2], total) : total;
  ops::AttentionInputs in;
  in.q = q;
  in.k = cached(b, past_k, k, first, length);
  in.v = cached(b, past_v, v, first, length);
  in.lengths = ops::add(b, first, number(queries));
  in.mask = n.optional_in(10);
  ops::AttentionAttr attr;
  attr.scale = scale_of(n);
  attr.causal = true;
  attr.softcap = n.real("softcap", 0);
  const int64_t window = n.integer("local_window_size", -1);
  attr.left = window > 0 ? window - 1 : -1;
  const ops::Attention made = ops::attention(b, in, attr);
  n.out(0, ops::join_heads(b, made.y));
  n.out(1, in.k);
  n.out(2, in.v);
}

// One position is that of the first row.
void rotary_embedding(OnnxNode& n) {
  n.need_inputs(4, 4);
  refuse(n, {"is_packed_batching"});
  if (n.real("scale", 1) != 1) n.fail("scale " + std::to_string(n.real("scale", 1)));
  Builder& b = n.builder();
  Value x = n.in(0), positions = b.cast(n.in(1), DType::i64);
  const bool joined = x.shape().size() == 3;
  if (joined) {
    const Index pair = n.shape(2)[1] * 2, size = n.shape(0)[2];
    const int64_t named = n.integer("num_heads", 0);
    if (named == 0 && !(size.is_const() && pair.is_const() && pair.value() > 0))
      n.fail("num_heads is not given, and the size of a head not known");
    x = ops::split_heads(b, x, named != 0 ? named : size.value() / pair.value());
  }
  if (x.shape().size() != 4)
    n.fail("the input has " + std::to_string(x.shape().size()) + " dimensions");
  if (positions.shape().size() == 1)
    positions = ops::add(b, positions, b.iota(DType::i64, {x.shape()[2]}, 0));
  const Value y = rotated(n, x, positions, 2, "interleaved");
  n.out(0, joined ? ops::join_heads(b, y) : y);
}

constexpr OnnxOp kOps[] = {
    {"com.microsoft.Attention", 1, 0, attention, "floats, floats, floats, ints, floats",
     "contract, add, contract, softmax, contract"},
    {"com.microsoft.MultiHeadAttention", 1, 0, multi_head_attention,
     "floats, floats, floats, floats, ints, floats", "add, contract, softmax, contract"},
    {"com.microsoft.GroupQueryAttention", 1, 0, group_query_attention,
     "f16 bf16 f32, f16 bf16 f32, f16 bf16 f32, f16 bf16 f32, f16 bf16 f32, ints, ints, "
     "f16 bf16 f32, f16 bf16 f32, ints, f16 bf16 f32",
     "reindex_reduce with a load, contract, softmax, contract"},
    {"com.microsoft.RotaryEmbedding", 1, 0, rotary_embedding, "f16 bf16 f32, ints, f16 bf16 f32",
     "gathers, reindex, mul, add, concat"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_microsoft_attention;
const OnnxOpGroup onnx_ops_microsoft_attention{kOps};

}  // namespace mintor
