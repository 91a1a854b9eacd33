// SPDX-License-Identifier: Apache-2.0
// Normalisation by mean and variance. Takes x, then scale and bias where there are any (scale
// alone, or both); gives the library operators' values. Attributes end with epsilon.
#include "frontends/python/trace/operators/common.h"

namespace mintor::trace {
namespace {

Value operand(Operands x, size_t place) { return place < x.size() ? x[place] : Value{}; }

// Operands: x, scale, bias, mean, variance, all but x [C].
Values batch_norm(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {ops::batch_norm(g.builder(), x[0], x[1], x[2], x[3], x[4], attributes.number())};
}

// n / (n - 1), of the number of values of a channel of x, which may be open.
Value correction(Builder& b, Value x, DType dtype) {
  Index count = 1;
  for (size_t dim = 0; dim < x.shape().size(); ++dim)
    if (dim != 1) count = count * x.shape()[dim];
  const Value n = ops::cast(b, b.size(count), DType::f64);
  const Value less = ops::cast(b, b.size(max(count - 1, 1)), DType::f64);
  return ops::cast(b, ops::div(b, n, less), dtype);
}

// By mean and variance of x itself. Results: y, the mean, the variance with divisor n - 1.
Values batch_norm_training(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  Builder& b = g.builder();
  const ops::BatchNorm made =
      ops::batch_norm_training(b, x[0], operand(x, 1), operand(x, 2), attributes.number());
  const Value factor = correction(b, x[0], made.variance.dtype());
  return {made.y, made.mean, ops::mul(b, made.variance, factor)};
}

Values instance_norm(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {ops::instance_norm(g.builder(), x[0], operand(x, 1), operand(x, 2), attributes.number())};
}

// Attributes: the first dimension of a row, epsilon.
Values layer_norm(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const int64_t axis = attributes.integer();
  return {
      ops::layer_norm(g.builder(), x[0], operand(x, 1), operand(x, 2), axis, attributes.number())};
}

Values rms_norm(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const int64_t axis = attributes.integer();
  return {ops::rms_norm(g.builder(), x[0], operand(x, 1), axis, attributes.number())};
}

// Attributes: groups, epsilon.
Values group_norm(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const int64_t groups = attributes.integer();
  return {ops::group_norm(g.builder(), x[0], operand(x, 1), operand(x, 2), groups,
                          attributes.number())};
}

// Attributes: size, alpha, beta, bias.
Values local_response_norm(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const int64_t size = attributes.integer();
  const double alpha = attributes.number(), beta = attributes.number();
  return {ops::local_response_norm(g.builder(), x[0], size, alpha, beta, attributes.number())};
}

constexpr TracedOperator kOperators[] = {
    {"batch_norm", -1, batch_norm},
    {"batch_norm_training", -1, batch_norm_training},
    {"instance_norm", -1, instance_norm},
    {"layer_norm", -1, layer_norm},
    {"rms_norm", -1, rms_norm},
    {"group_norm", -1, group_norm},
    {"local_response_norm", 1, local_response_norm},
};

}  // namespace
}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_normalisation = {trace::kOperators};
}
