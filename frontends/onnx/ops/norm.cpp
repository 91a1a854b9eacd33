// SPDX-License-Identifier: Apache-2.0
// ONNX normalisation operators, inference form.
// Takes one node; gives its outputs through the library. Training modes are refused by name.
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"

namespace mintor {

namespace {

// By the statistics of x; the running ones move toward them.
void batch_norm_training(OnnxNode& n) {
  Builder& b = n.builder();
  const ops::BatchNorm made =
      ops::batch_norm_training(b, n.in(0), n.in(1), n.in(2), n.real("epsilon", 1e-5));
  const double momentum = n.real("momentum", 0.9);
  n.out(0, made.y);
  for (size_t i : {size_t{1}, size_t{2}}) {
    const Value own = i == 1 ? made.mean : made.variance,
                running = b.cast(n.in(2 + i), own.dtype());
    const auto times = [&](Value v, double f) {
      return ops::mul(b, v, ops::scalar(b, v.dtype(), f));
    };
    n.out(i,
          b.cast(ops::add(b, times(running, momentum), times(own, 1 - momentum)), n.dtype(2 + i)));
  }
}

void batch_norm(OnnxNode& n) {
  n.need_inputs(5, 5);
  if (n.opset() < 7 && n.integer("is_test", 0) == 0) n.fail("is_test = 0 is not supported");
  if (n.integer("training_mode", 0) != 0) return batch_norm_training(n);
  if (n.opset() < 9 && n.integer("spatial", 1) == 0) n.fail("spatial = 0 is not supported");
  n.out(0, ops::batch_norm(n.builder(), n.in(0), n.in(1), n.in(2), n.in(3), n.in(4),
                           n.real("epsilon", 1e-5)));
}

void layer_norm(OnnxNode& n) {
  n.need_inputs(2, 3);
  // The dtype of the statistics; f64 values keep their own precision until then.
  int64_t stash = n.integer("stash_type", 1);
  DType dtype = dtype_from_onnx(stash, "stash_type");
  if (dtype != DType::f32 && dtype != DType::f64)
    n.fail("stash_type " + std::to_string(stash) + " is not supported, 1 (f32) and 11 (f64) are");
  Builder& b = n.builder();
  Value x = n.in(0), scale = n.in(1), bias = n.optional_in(2), mean, inv;
  if (dtype == DType::f64) {
    for (Value* v : {&x, &scale, &bias}) *v = *v ? b.cast(*v, dtype) : *v;
  }
  Value y = ops::layer_norm(b, x, scale, bias, n.integer("axis", -1), n.real("epsilon", 1e-5),
                            &mean, &inv);
  n.out(0, b.cast(y, n.dtype(0)));
  n.out(1, b.cast(mean, dtype));
  n.out(2, b.cast(inv, dtype));
}

void rms_norm(OnnxNode& n) {
  n.need_inputs(2, 2);
  n.out(0, ops::rms_norm(n.builder(), n.in(0), n.in(1), n.integer("axis", -1),
                         n.real("epsilon", 1e-5)));
}

void instance_norm(OnnxNode& n) {
  n.need_inputs(3, 3);
  n.out(0, ops::instance_norm(n.builder(), n.in(0), n.in(1), n.in(2), n.real("epsilon", 1e-5)));
}

void group_norm(OnnxNode& n) {
  n.need_inputs(3, 3);
  n.out(0, ops::group_norm(n.builder(), n.in(0), n.in(1), n.in(2), n.integer("num_groups", 0),
                           n.real("epsilon", 1e-5)));
}

void lp_norm(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, ops::lp_norm(n.builder(), n.in(0), n.integer("axis", -1), n.integer("p", 2)));
}

void mean_variance_norm(OnnxNode& n) {
  n.need_inputs(1, 1);
  std::vector<int64_t> axes = n.integers("axes");
  if (axes.empty()) axes = {0, 2, 3};
  n.out(0, ops::mean_variance_norm(n.builder(), n.in(0), axes));
}

void lrn(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0,
        ops::local_response_norm(n.builder(), n.in(0), n.integer("size", 0), n.real("alpha", 1e-4),
                                 n.real("beta", 0.75), n.real("bias", 1)));
}

constexpr OnnxOp kOps[] = {
    {"BatchNormalization", 1, 0, batch_norm, "floats", "mul, add by values of the parameters"},
    {"LayerNormalization", 17, 0, layer_norm, "floats",
     "reduce add, sub, mul, reduce add, sqrt, reciprocal, mul, add"},
    {"RMSNormalization", 23, 0, rms_norm, "floats", "mul, reduce add, sqrt, reciprocal, mul"},
    {"InstanceNormalization", 1, 0, instance_norm, "floats",
     "as LayerNormalization, over the spatial dimensions"},
    {"GroupNormalization", 18, 0, group_norm, "floats",
     "as LayerNormalization, over groups of channels"},
    {"LpNormalization", 1, 0, lp_norm, "floats", "reduce add, div"},
    {"MeanVarianceNormalization", 9, 0, mean_variance_norm, "floats",
     "reduce add, sub, mul, reduce add, sqrt, div"},
    {"LRN", 1, 0, lrn, "floats", "mul, reindex, reduce add, pow, div"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_norm;
const OnnxOpGroup onnx_ops_norm{kOps};

}  // namespace mintor
