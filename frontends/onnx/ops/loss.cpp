// SPDX-License-Identifier: Apache-2.0
// ONNX losses.
// Takes scores [N, C, D..] and classes [N, D..]; gives the loss of each place, or their sum or
// weighted mean.
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"

namespace mintor {

namespace {

// -x[n, class, d..] * weight[class]; places whose class is `ignore_index` count as 0.
//   mean: the sum over that of the weights
Value class_loss(OnnxNode& n, Value log_probability) {
  Builder& b = n.builder();
  const DType dtype = log_probability.dtype();
  const Value x = ops::cast(b, log_probability, is_storage_float(dtype) ? DType::f32 : dtype);
  const Value target = b.cast(n.in(1), DType::i64);
  if (x.shape().size() < 2 || target.shape().size() + 1 != x.shape().size())
    n.fail("scores are " + to_string(x.type()) + ", classes " + to_string(target.type()));
  const auto number = [&](double v) { return ops::scalar(b, x.dtype(), v); };
  const int64_t channel[] = {1};
  const Value picked = ops::gather_elements(b, x, ops::unsqueeze(b, target, channel), 1);
  Value loss = ops::apply(b, ScalarOp::neg, {ops::squeeze(b, picked, channel)}), weight;
  if (n.given(2)) weight = b.cast(ops::take(b, n.in(2), target, 0), x.dtype());
  if (n.has("ignore_index")) {
    const Value ignored = ops::apply(
        b, ScalarOp::eq, {target, b.constant_int(DType::i64, n.integer("ignore_index", 0))});
    weight = ops::where(b, ignored, number(0), weight ? weight : number(1));
    loss = ops::where(b, ignored, number(0), loss);
  }
  if (weight) loss = ops::mul(b, loss, weight);
  const std::string reduction = n.text("reduction", "mean");
  const auto total = [&](Value v) { return ops::reduce(b, ops::Reduction::sum, v, {}, false); };
  if (reduction == "sum") {
    loss = total(loss);
  } else if (reduction == "mean") {
    loss = weight ? ops::div(b, total(loss), total(weight))
                  : ops::reduce(b, ops::Reduction::mean, loss, {}, false);
  } else if (reduction != "none") {
    n.fail("reduction '" + printable(reduction) + "' is none of none, sum, mean");
  }
  return b.cast(loss, dtype);
}

void negative_log_likelihood(OnnxNode& n) {
  n.need_inputs(2, 3);
  n.out(0, class_loss(n, n.in(0)));
}

void softmax_cross_entropy(OnnxNode& n) {
  n.need_inputs(2, 3);
  const Value log_probability = ops::log_softmax(n.builder(), n.in(0), {1});
  n.out(0, class_loss(n, log_probability));
  n.out(1, log_probability);
}

constexpr OnnxOp kOps[] = {
    {"NegativeLogLikelihoodLoss", 12, 0, negative_log_likelihood, "floats, ints, floats",
     "reindex with a load, neg, mul, reduce add, div"},
    {"SoftmaxCrossEntropyLoss", 12, 0, softmax_cross_entropy, "floats, ints, floats",
     "log_softmax, reindex with a load, neg, mul, reduce add, div"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_loss;
const OnnxOpGroup onnx_ops_loss{kOps};

}  // namespace mintor
