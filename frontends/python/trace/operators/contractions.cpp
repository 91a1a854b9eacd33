// SPDX-License-Identifier: Apache-2.0
// Products: matmul, einsum, convolutions, and pooling, which walks windows as they do. Takes
// operands and PyTorch's attributes as numbers; gives the library operators' values.
#include "frontends/python/trace/operators/common.h"

namespace mintor::trace {
namespace {

Values matmul(SegmentGraph& g, Operands x, AttributeReader&) {
  const auto [left, right] = promoted(g.builder(), x[0], x[1]);
  return {ops::matmul(g.builder(), left, right)};
}

// x @ weight.T + bias, weight[out, in]: PyTorch's linear. The bias may be left out.
Values linear(SegmentGraph& g, Operands x, AttributeReader&) {
  Builder& b = g.builder();
  const auto [left, weight] = promoted(b, x[0], x[1]);
  const Value product = ops::linear(b, left, weight);
  if (x.size() == 2) return {product};
  const auto [sum, bias] = promoted(b, product, x[2]);
  return {ops::add(b, sum, bias)};
}

Values einsum(SegmentGraph& g, Operands xs, AttributeReader& attributes) {
  const Values operands = all_promoted(g.builder(), "einsum", xs);
  return {ops::einsum(g.builder(), attributes.text(), operands)};
}

ops::ConvAttr conv_attributes(AttributeReader& attributes) {
  ops::ConvAttr attr;
  attr.stride = attributes.integers();
  attr.pad_before = attributes.indices();
  attr.pad_after = attributes.indices();
  attr.dilation = attributes.integers();
  attr.groups = attributes.integer();
  return attr;
}

// Attributes: stride, padding before, padding after, dilation, groups.
Values conv(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const ops::ConvAttr attr = conv_attributes(attributes);
  const auto [input, weight] = promoted(g.builder(), x[0], x[1]);
  return {ops::conv(g.builder(), input, weight, x.size() > 2 ? x[2] : Value{}, attr)};
}

// Attributes: those of conv, then what is added after each dimension of the result.
Values conv_transpose(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const ops::ConvAttr attr = conv_attributes(attributes);
  const auto [input, weight] = promoted(g.builder(), x[0], x[1]);
  return {ops::conv_transpose(g.builder(), input, weight, x.size() > 2 ? x[2] : Value{}, attr,
                              attributes.integers())};
}

ops::PoolAttr pool_attributes(AttributeReader& attributes) {
  ops::PoolAttr attr;
  attr.kernel = attributes.integers();
  attr.stride = attributes.integers();
  attr.pad_before = attributes.indices();
  attr.pad_after = attr.pad_before;
  attr.dilation = attributes.integers();
  attr.ceil_mode = attributes.flag();
  return attr;
}

Values max_pool(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {ops::max_pool(g.builder(), x[0], pool_attributes(attributes))};
}

Values avg_pool(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  ops::PoolAttr attr = pool_attributes(attributes);
  attr.count_include_pad = attributes.flag();
  if (!attributes.none()) attr.divisor = attributes.integer();
  return {ops::avg_pool(g.builder(), as_float(g.builder(), x[0]), attr)};
}

constexpr TracedOperator kOperators[] = {
    {"matmul", 2, matmul},
    {"linear", -1, linear},
    {"einsum", -1, einsum},
    {"conv", -1, conv},
    {"conv_transpose", -1, conv_transpose},
    {"max_pool", 1, max_pool},
    {"avg_pool", 1, avg_pool},
};

}  // namespace

}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_contractions = {trace::kOperators};
}
