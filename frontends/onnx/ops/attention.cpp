// SPDX-License-Identifier: Apache-2.0
// ONNX attention operators and what stands around them in language models.
// Takes operands with heads side by side ([B, S, H * D]) or apart ([B, H, S, D]); gives the same
// form. Keeps true: outputs that nobody asks for are not made.
#include "compiler/ops/attention.h"

#include <cmath>

#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/region.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

Value apart(OnnxNode& n, Value x, const char* heads) {
  return x.shape().size() == 3 ? ops::split_heads(n.builder(), x, n.positive(heads)) : x;
}

std::optional<DType> softmax_dtype(OnnxNode& n) {
  const int64_t named = n.integer("softmax_precision", 0);
  if (named == 0) return std::nullopt;
  return dtype_from_onnx(named, "softmax_precision");
}

void attention(OnnxNode& n) {
  n.need_inputs(3, 7);
  Builder& b = n.builder();
  const bool joined = n.shape(0).size() == 3;
  ops::AttentionInputs in;
  in.q = apart(n, n.in(0), "q_num_heads");
  in.k = apart(n, n.in(1), "kv_num_heads");
  in.v = apart(n, n.in(2), "kv_num_heads");
  in.mask = n.optional_in(3);
  in.past_k = n.optional_in(4);
  in.past_v = n.optional_in(5);
  in.lengths = n.optional_in(6);
  ops::AttentionAttr attr;
  if (n.has("scale")) attr.scale = n.real("scale", 0);
  attr.causal = n.integer("is_causal", 0) != 0;
  attr.softcap = n.real("softcap", 0);
  attr.left = n.integer("left_window_size", -1);
  attr.right = n.integer("right_window_size", -1);
  attr.softmax = softmax_dtype(n);
  const ops::Attention made = ops::attention(b, in, attr);
  n.out(0, joined ? ops::join_heads(b, made.y) : made.y);
  n.out(1, made.k);
  n.out(2, made.v);
  const int64_t mode = n.integer("qk_matmul_output_mode", 0);
  if (mode < 0 || mode > 3) n.fail("qk_matmul_output_mode " + std::to_string(mode));
  n.out(3, mode == 3 ? made.weights : mode == 2 ? made.masked : made.products);
}

// One value through a graph that is an attribute; the value itself where there is none.
Value modified(OnnxNode& n, const char* attribute, Value x) {
  if (!n.attribute(attribute)) return x;
  std::vector<OnnxValue> made = import_here(n, graph_of(n, attribute), {{x, nullptr}});
  if (made.size() != 1) n.fail(std::string(attribute) + " must have one output");
  return made[0].value ? made[0].value : materialise(n.builder(), *made[0].known);
}

void flex_attention(OnnxNode& n) {
  n.need_inputs(3, 3);
  Builder& b = n.builder();
  const Value q = n.in(0), k = n.in(1), v = n.in(2);
  if (q.shape().size() != 4 || !q.shape()[3].is_const() || !q.shape()[1].is_const() ||
      k.shape().size() != 4 || !k.shape()[1].is_const() || k.shape()[1].value() < 1)
    n.fail("operands must be [batch, heads, positions, size], with known heads and sizes");
  const int64_t times = q.shape()[1].value() / k.shape()[1].value();
  const double scale = n.real("scale", 1 / std::sqrt(static_cast<double>(q.shape()[3].value())));
  const Value root = ops::scalar(b, q.dtype(), std::sqrt(static_cast<float>(scale)));
  const DType inner =
      softmax_dtype(n).value_or(is_storage_float(q.dtype()) ? DType::f32 : q.dtype());
  const Value keys = b.transpose(ops::repeat_heads(b, k, times), {0, 1, 3, 2});
  const Value scores = b.cast(ops::matmul(b, ops::mul(b, q, root), ops::mul(b, keys, root)), inner);
  const Value weights = ops::softmax(b, modified(n, "score_mod", scores), {-1});
  const Value values = b.cast(ops::repeat_heads(b, v, times), inner);
  n.out(0, b.cast(ops::matmul(b, modified(n, "prob_mod", weights), values), v.dtype()));
}

void linear_attention(OnnxNode& n) {
  n.need_inputs(3, 6);
  Builder& b = n.builder();
  const int64_t heads = n.positive("kv_num_heads");
  ops::LinearAttentionInputs in;
  in.q = ops::split_heads(b, n.in(0), n.positive("q_num_heads"));
  in.k = ops::split_heads(b, n.in(1), heads);
  in.v = ops::split_heads(b, n.in(2), heads);
  in.state = n.optional_in(3);
  const std::string rule = n.text("update_rule", "gated_delta");
  const bool gated = rule == "gated" || rule == "gated_delta",
             delta = rule == "delta" || rule == "gated_delta";
  if (!gated && !delta && rule != "linear")
    n.fail("update_rule '" + printable(rule) + "' is none of linear, gated, delta, gated_delta");
  if (gated != n.given(4) || delta != n.given(5))
    n.fail("update_rule '" + rule + "' needs " + (gated ? "a" : "no") + " decay and " +
           (delta ? "a" : "no") + " beta");
  if (gated) in.decay = ops::split_heads(b, n.in(4), heads);
  if (delta) in.beta = ops::split_heads(b, n.in(5), n.shape(5).back().is_const(1) ? 1 : heads);
  double scale = n.real("scale", 0);
  if (scale == 0) {
    if (!in.q.shape()[3].is_const()) n.fail("the size of a head must be known");
    scale = 1 / std::sqrt(static_cast<double>(in.q.shape()[3].value()));
  }
  const ops::LinearAttention made = ops::linear_attention(b, in, scale);
  n.out(0, ops::join_heads(b, made.y));
  n.out(1, b.cast(made.state, in.state ? in.state.dtype() : in.q.dtype()));
}

void rotary_embedding(OnnxNode& n) {
  n.need_inputs(3, 4);
  Builder& b = n.builder();
  Value x = n.in(0), cosines = n.in(1), sines = n.in(2);
  const bool joined = x.shape().size() == 3;
  const Shape shape = x.shape();
  if (joined) x = ops::split_heads(b, x, n.positive("num_heads"));
  if (x.shape().size() != 4)
    n.fail("the input has " + std::to_string(shape.size()) + " dimensions");
  if (n.given(3)) {
    cosines = ops::take(b, cosines, n.in(3), 0);
    sines = ops::take(b, sines, n.in(3), 0);
  }
  const int64_t turned = n.integer("rotary_embedding_dim", 0);
  if (turned != 0 && !(cosines.shape().back() * 2 == Index(turned)))
    n.fail("rotary_embedding_dim is " + std::to_string(turned) + ", the cosines are " +
           to_string(cosines.type()));
  const Value y = ops::rotary_embedding(b, b.transpose(x, {0, 2, 1, 3}), cosines, sines,
                                        n.integer("interleaved", 0) != 0);
  n.out(0, joined ? b.reshape(y, shape) : b.transpose(y, {0, 2, 1, 3}));
}

// A depthwise convolution that sees what was before: the state, zeros without one.
void causal_conv(OnnxNode& n) {
  n.need_inputs(2, 4);
  Builder& b = n.builder();
  const Value x = n.in(0), weight = n.in(1);
  if (x.shape().size() != 3 || weight.shape().size() != 3 || !weight.shape()[0].is_const() ||
      !weight.shape()[2].is_const())
    n.fail("x must be [batch, channels, length], the weight [channels, 1, window]");
  const Index before = weight.shape()[2] - 1;
  const Value state =
      n.given(3) ? n.in(3) : b.full(x.dtype(), {x.shape()[0], x.shape()[1], before}, 0);
  const Value both[] = {state, x};
  const Value all = b.concat(both, 2);
  ops::ConvAttr attr;
  attr.groups = weight.shape()[0].value();
  Value y = ops::conv(b, all, weight, n.optional_in(2), attr);
  const std::string activation = n.text("activation", "none");
  if (activation == "silu" || activation == "swish")
    y = ops::silu(b, y);
  else if (activation != "none")
    n.fail("activation '" + printable(activation) + "' is none of none, silu, swish");
  n.out(0, y);
  n.out(1, b.slice(all, {0, 0, x.shape()[2]}, {x.shape()[0], x.shape()[1], before}, {1, 1, 1}));
}

void swiglu(OnnxNode& n) {
  n.need_inputs(2, 2);
  Builder& b = n.builder();
  const Value x = n.in(0);
  const double alpha = n.real("alpha", 1);
  const Value scaled = alpha == 1 ? x : ops::mul(b, x, ops::scalar(b, x.dtype(), alpha));
  n.out(0, ops::mul(b, ops::mul(b, x, ops::sigmoid(b, scaled)), n.in(1)));
}

// Row `write_indices[batch] + s` of the cache along an axis is row s of the update.
void tensor_scatter(OnnxNode& n) {
  n.need_inputs(2, 3);
  Builder& b = n.builder();
  const Value cache = n.in(0), update = n.in(1);
  const auto rank = static_cast<int64_t>(cache.shape().size());
  const int64_t given = n.integer("axis", -2), axis = given < 0 ? given + rank : given;
  if (axis < 1 || axis >= rank || update.shape().size() != cache.shape().size())
    n.fail("axis " + std::to_string(given) + " of " + to_string(cache.type()) + " and " +
           to_string(update.type()));
  const std::string mode = n.text("mode", "linear");
  if (mode != "linear" && mode != "circular")
    n.fail("mode '" + printable(mode) + "' is neither linear nor circular");
  IndexMap map;
  for (int64_t d = 0; d < rank; ++d) map.coords.push_back(Index::var("i" + std::to_string(d)));
  const auto at = static_cast<size_t>(axis);
  std::vector<Value> places;
  if (n.given(2)) {
    places.push_back(n.in(2));
    map.loads.push_back({2, {map.coords[0]}});
    map.coords[at] = map.coords[at] + Index::var("l0");
  }
  if (mode == "circular") map.coords[at] = mod(map.coords[at], cache.shape()[at]);
  n.out(0, b.reindex_reduce(Combiner::last, cache, update, map, places));
}

constexpr OnnxOp kOps[] = {
    {"Attention", 23, 0, attention, "floats, floats, floats, floats bool, floats, floats, ints",
     "contract, add, softmax, contract"},
    {"ai.onnx.preview.FlexAttention", 1, 0, flex_attention, "floats",
     "contract, softmax, contract"},
    {"LinearAttention", 27, 0, linear_attention, "floats", "loop of contracts"},
    {"RotaryEmbedding", 23, 0, rotary_embedding, "floats, floats, floats, ints",
     "reindex, mul, add, concat"},
    {"CausalConvWithState", 27, 0, causal_conv, "floats", "concat, contract with window axes, add"},
    {"SwiGLU", 28, 0, swiglu, "floats", "sigmoid, mul, mul"},
    {"TensorScatter", 24, 0, tensor_scatter, "floats ints bool, floats ints bool, ints",
     "reindex_reduce with a load"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_attention;
const OnnxOpGroup onnx_ops_attention{kOps};

}  // namespace mintor
