// SPDX-License-Identifier: Apache-2.0
// ONNX random operators.
// Takes shapes, limits and probabilities; gives random nodes and arithmetic on them (random.h has
// the stream).
#include "frontends/onnx/random.h"

#include "frontends/onnx/import_state.h"
#include "frontends/onnx/op_group.h"

namespace mintor {

namespace {

DType result_dtype(OnnxNode& n, DType otherwise) {
  const int64_t named = n.integer("dtype", 0);
  return named ? dtype_from_onnx(named, n.op()) : otherwise;
}

Shape attribute_shape(OnnxNode& n) {
  const std::vector<int64_t> sizes = n.integers("shape");
  for (int64_t size : sizes)
    if (size < 0) n.fail("the shape has the size " + std::to_string(size));
  return Shape(sizes.begin(), sizes.end());
}

// low + (high - low) * u, or mean + scale * z.
Value placed(OnnxNode& n, bool normal, const Shape& shape) {
  Builder& b = n.builder();
  const double first = normal ? n.real("mean", 0) : n.real("low", 0);
  const double scale = normal ? n.real("scale", 1) : n.real("high", 1) - first;
  const Value x = random_values(n, normal ? "normal" : "uniform", shape);
  const Value scaled = ops::mul(b, x, ops::scalar(b, DType::f32, scale));
  return ops::add(b, scaled, ops::scalar(b, DType::f32, first));
}

template <bool normal>
void random_of_shape(OnnxNode& n) {
  n.need_inputs(0, 0);
  n.out(0, n.builder().cast(placed(n, normal, attribute_shape(n)), result_dtype(n, DType::f32)));
}

template <bool normal>
void random_like(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, n.builder().cast(placed(n, normal, n.shape(0)), result_dtype(n, n.dtype(0))));
}

void bernoulli(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  const Value x = n.in(0), u = b.cast(random_values(n, "uniform", x.shape()), DType::f64);
  const Value hit = b.apply(ScalarOp::lt, {u, b.cast(x, DType::f64)});
  n.out(0, b.cast(hit, result_dtype(n, x.dtype())));
}

constexpr OnnxOp kOps[] = {
    {"RandomUniform", 1, 0, random_of_shape<false>, "", "random, mul, add"},
    {"RandomUniformLike", 1, 0, random_like<false>, "floats ints bool", "random, mul, add"},
    {"RandomNormal", 1, 0, random_of_shape<true>, "", "random, mul, add"},
    {"RandomNormalLike", 1, 0, random_like<true>, "floats ints bool", "random, mul, add"},
    {"Bernoulli", 15, 0, bernoulli, "floats", "random, lt, cast"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_random;
const OnnxOpGroup onnx_ops_random{kOps};

}  // namespace mintor
