// SPDX-License-Identifier: Apache-2.0
// ONNX recurrent layers.
// Takes attributes and operands in either layout; gives ops::rnn, lstm, gru, with time first
// inside. Keeps true: activation_alpha and activation_beta are used up, in order, by the functions
// that have such a number (ONNX Runtime); a function without one has the operator's own default.
#include <algorithm>

#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

using ops::CellFunction;

struct NamedFunction {
  std::string_view name;  // in lower case
  CellFunction function;
  bool has_alpha, has_beta;
  double alpha, beta;  // defaults
};
constexpr NamedFunction kFunctions[] = {
    {"relu", CellFunction::relu, false, false, 0, 0},
    {"tanh", CellFunction::tanh, false, false, 0, 0},
    {"sigmoid", CellFunction::sigmoid, false, false, 0, 0},
    {"affine", CellFunction::affine, true, true, 1, 0},
    {"leakyrelu", CellFunction::leaky_relu, true, false, 0.01f, 0},
    {"thresholdedrelu", CellFunction::thresholded_relu, true, false, 1, 0},
    {"scaledtanh", CellFunction::scaled_tanh, true, true, 1, 1},
    {"hardsigmoid", CellFunction::hard_sigmoid, true, true, 0.2f, 0.5},
    {"elu", CellFunction::elu, true, false, 1, 0},
    {"softsign", CellFunction::softsign, false, false, 0, 0},
    {"softplus", CellFunction::softplus, false, false, 0, 0},
};

const NamedFunction& function_of(OnnxNode& n, const std::string& given) {
  std::string name = given.substr(0, 32);
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  for (const NamedFunction& f : kFunctions)
    if (f.name == name) return f;
  n.fail("activation '" + printable(given) + "' is not known",
         "ONNX lists Relu, Tanh, Sigmoid, Affine, LeakyRelu, ThresholdedRelu, ScaledTanh, "
         "HardSigmoid, Elu, Softsign and Softplus");
}

std::vector<ops::CellActivation> activations_of(OnnxNode& n) {
  std::vector<ops::CellActivation> out;
  const onnx::AttributeProto* names = n.attribute("activations");
  if (!names) return out;
  const std::vector<double> alphas = n.reals("activation_alpha"),
                            betas = n.reals("activation_beta");
  size_t alpha = 0, beta = 0;
  for (const std::string& name : names->strings()) {
    const NamedFunction& f = function_of(n, name);
    ops::CellActivation one{f.function, f.alpha, f.beta};
    if (f.has_alpha && alpha < alphas.size()) one.alpha = alphas[alpha++];
    if (f.has_beta && beta < betas.size()) one.beta = betas[beta++];
    out.push_back(one);
  }
  return out;
}

ops::RecurrentAttr attributes_of(OnnxNode& n) {
  ops::RecurrentAttr attr;
  const std::string direction = n.text("direction", "forward");
  if (direction == "reverse")
    attr.direction = ops::RecurrentDirection::reverse;
  else if (direction == "bidirectional")
    attr.direction = ops::RecurrentDirection::bidirectional;
  else if (direction != "forward")
    n.fail("direction '" + printable(direction) + "' is none of forward, reverse, bidirectional");
  attr.activations = activations_of(n);
  if (n.has("clip")) attr.clip = n.real("clip", 0);
  if (attr.clip && !(*attr.clip >= 0))
    n.fail("clip is " + std::to_string(*attr.clip) + ", it must not be negative");
  attr.input_forget = n.integer("input_forget", 0) != 0;
  attr.linear_before_reset = n.integer("linear_before_reset", 0) != 0;
  return attr;
}

// Batch first <-> time or directions first: dimension 0 goes to `to`, the others keep their order.
Value turned(Builder& b, Value x, size_t from, size_t to) {
  std::vector<int32_t> perm;
  for (size_t d = 0; d < x.shape().size(); ++d)
    if (d != from) perm.push_back(static_cast<int32_t>(d));
  perm.insert(perm.begin() + static_cast<int64_t>(to), static_cast<int32_t>(from));
  return b.transpose(x, std::move(perm));
}

// B holds the biases of w, then those of r.
void set_biases(OnnxNode& n, ops::RecurrentInputs& in, int64_t gates) {
  if (!n.given(3)) return;
  const Value bias = n.in(3);
  if (in.r.shape().size() != 3 || bias.shape().size() != 2)
    n.fail("B has " + std::to_string(bias.shape().size()) + " dimensions, R has " +
           std::to_string(in.r.shape().size()) + ", they must have 2 and 3");
  const Index rows = in.r.shape()[2] * gates;
  if (!(bias.shape()[1] == rows * 2))
    n.fail("B has rows of " + bias.shape()[1].str() + " numbers, needs " + (rows * 2).str());
  const Index sizes[] = {rows, rows};
  const std::vector<Value> parts = ops::split(n.builder(), bias, 1, sizes);
  in.w_bias = parts[0];
  in.r_bias = parts[1];
}

using Layer = ops::Recurrent (*)(Builder&, const ops::RecurrentInputs&, const ops::RecurrentAttr&);

// w and r: [directions, gates * hidden, columns].
void recurrent(OnnxNode& n, Layer layer, int64_t gates, Value w, Value r,
               const ops::RecurrentAttr& attr) {
  Builder& b = n.builder();
  const int64_t layout = n.integer("layout", 0);
  if (layout != 0 && layout != 1) n.fail("layout is " + std::to_string(layout) + ", not 0 or 1");
  const bool batch_first = layout == 1;
  const auto states_of = [&](size_t i) {
    const Value x = n.optional_in(i);
    return x && batch_first && x.shape().size() == 3 ? turned(b, x, 1, 0) : x;
  };
  ops::RecurrentInputs in;
  in.x = n.in(0), in.w = w, in.r = r;
  if (batch_first && in.x.shape().size() == 3) in.x = turned(b, in.x, 1, 0);
  set_biases(n, in, gates);
  in.lengths = n.optional_in(4);
  in.h = states_of(5);
  in.c = states_of(6);
  in.peepholes = n.optional_in(7);
  const int64_t hidden = n.integer("hidden_size", 0);
  if (n.has("hidden_size") && in.r.shape().size() == 3 && !(in.r.shape()[2] == Index(hidden)))
    n.fail("hidden_size is " + std::to_string(hidden) + ", R is " + to_string(in.r.type()));
  const ops::Recurrent out = layer(b, in, attr);
  n.out(0, batch_first ? turned(b, out.y, 2, 0) : out.y);
  n.out(1, batch_first ? turned(b, out.h, 1, 0) : out.h);
  if (out.c) n.out(2, batch_first ? turned(b, out.c, 1, 0) : out.c);
}

template <Layer layer, int64_t gates, size_t most_inputs>
void of_floats(OnnxNode& n) {
  n.need_inputs(3, most_inputs);
  recurrent(n, layer, gates, n.in(1), n.in(2), attributes_of(n));
}

// Bytes [directions, columns, gates * hidden] with a scale and a zero point for each direction, or
// for each row of a direction.
Value weight_of_bytes(OnnxNode& n, size_t i, size_t scale) {
  Builder& b = n.builder();
  if (n.shape(i).size() != 3)
    n.fail("weights must have 3 dimensions, not " + to_string(n.shape(i)));
  const auto beside = [&](size_t at) {
    const Value v = n.in(at);
    const Shape& s = v.shape();
    if (s.size() != 1 && s.size() != 2)
      n.fail("input " + std::to_string(at) + " is " + to_string(v.type()));
    return b.reshape(b.cast(v, DType::f32), {s[0], 1, s.size() == 2 ? s[1] : Index(1)});
  };
  const Value numbers = ops::sub(b, b.cast(n.in(i), DType::f32), beside(scale + 1));
  return b.transpose(ops::mul(b, numbers, beside(scale)), {0, 2, 1});
}

void dynamic_quantize_lstm(OnnxNode& n) {
  n.need_inputs(3, 12);
  ops::RecurrentAttr attr = attributes_of(n);
  attr.in_bytes = true;
  recurrent(n, ops::lstm, 4, weight_of_bytes(n, 1, 8), weight_of_bytes(n, 2, 10), attr);
}

constexpr OnnxOp kOps[] = {
    {"RNN", 1, 0, of_floats<ops::rnn, 1, 6>, "floats, floats, floats, floats, ints, floats",
     "contract, loop"},
    {"LSTM", 1, 0, of_floats<ops::lstm, 4, 8>, "floats, floats, floats, floats, ints, floats",
     "contract, loop"},
    {"GRU", 1, 0, of_floats<ops::gru, 3, 6>, "floats, floats, floats, floats, ints, floats",
     "contract, loop"},
    {"com.microsoft.DynamicQuantizeLSTM", 1, 0, dynamic_quantize_lstm,
     "f32, i8 u8, i8 u8, f32, ints, f32, f32, f32, f32, i8 u8, f32, i8 u8",
     "as DynamicQuantizeLinear of x, and of each state; contract, loop"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_recurrent;
const OnnxOpGroup onnx_ops_recurrent{kOps};

}  // namespace mintor
