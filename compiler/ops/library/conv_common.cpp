// SPDX-License-Identifier: Apache-2.0
// What conv and conv_transpose share (conv.h), and the SAME paddings.
// Keeps true: every list has one entry per spatial dimension afterwards.
#include "compiler/ops/library/conv.h"

namespace mintor::ops {

std::string numbered(char letter, size_t d) { return letter + std::to_string(d); }

ConvAttr checked_conv(std::string_view op, Value x, Value weight, Value bias, ConvAttr attr,
                      bool transposed) {
  size_t rank = x.shape().size();
  std::string shapes = "x " + text(x.type()) + ", weight " + text(weight.type());
  if (rank < 3 || weight.shape().size() != rank)
    fail(op, "x and weight must have the same number of dimensions, at least 3: " + shapes);
  size_t spatial = rank - 2;
  if (attr.stride.empty()) attr.stride.assign(spatial, 1);
  if (attr.dilation.empty()) attr.dilation.assign(spatial, 1);
  if (attr.pad_before.empty()) attr.pad_before.assign(spatial, 0);
  if (attr.pad_after.empty()) attr.pad_after.assign(spatial, 0);
  if (attr.stride.size() != spatial || attr.dilation.size() != spatial ||
      attr.pad_before.size() != spatial || attr.pad_after.size() != spatial)
    fail(op, "stride, dilation and padding must have " + std::to_string(spatial) +
                 " entries each: strides " + text(attr.stride) + ", dilations " +
                 text(attr.dilation) + ", " + std::to_string(attr.pad_before.size()) + " + " +
                 std::to_string(attr.pad_after.size()) + " pads");
  for (size_t d = 0; d < spatial; ++d) {
    if (attr.stride[d] < 1 || attr.dilation[d] < 1)
      fail(op, "strides " + text(attr.stride) + " and dilations " + text(attr.dilation) +
                   " must be at least 1");
  }
  const Index& channels = x.shape()[1];
  const Index& outer = weight.shape()[0];
  if (attr.groups > 0 && !channels.is_const() && outer.is_const())
    fail_unequal(op, "the number of channels is no constant: " + shapes, channels,
                 transposed ? outer : weight.shape()[1] * attr.groups);
  if (attr.groups < 1 || !channels.is_const() || !outer.is_const() ||
      channels.value() % attr.groups != 0 || (!transposed && outer.value() % attr.groups != 0))
    fail(op, "channels " + channels.str() + " and " + outer.str() + " do not divide into " +
                 std::to_string(attr.groups) + " groups: " + shapes);
  bool fits =
      transposed ? outer == channels : weight.shape()[1] == Index(channels.value() / attr.groups);
  if (!fits)
    fail(op, "weight does not fit " + channels.str() + " channels in " +
                 std::to_string(attr.groups) + " groups: " + shapes);
  Index out_channels = transposed ? weight.shape()[1] * attr.groups : outer;
  if (bias && (bias.shape().size() != 1 || !(bias.shape()[0] == out_channels)))
    fail(op,
         "bias " + text(bias.type()) + " does not fit " + out_channels.str() + " output channels");
  return attr;
}

Value add_bias(Builder& b, Value y, Value bias) {
  if (!bias) return y;
  Builder::Scope scope(b, "bias");
  return add(b, y, spread_channels(b, bias, y.shape()));
}

Value join_groups(Builder& b, Value y) {
  Shape shape = y.shape();
  shape[1] = shape[1] * shape[2];
  shape.erase(shape.begin() + 2);
  return b.reshape(y, shape);
}

void pad_same(const Shape& spatial, std::span<const int64_t> kernel, ConvAttr& attr, bool lower) {
  attr.pad_before.clear();
  attr.pad_after.clear();
  for (size_t d = 0; d < spatial.size(); ++d) {
    Index stride = attr.stride.empty() ? 1 : attr.stride[d];
    Index extent = Index(attr.dilation.empty() ? 1 : attr.dilation[d]) * (kernel[d] - 1) + 1;
    Index total = max(0, (ceildiv(spatial[d], stride) - 1) * stride + extent - spatial[d]);
    Index half = floordiv(total, 2);
    attr.pad_before.push_back(lower ? total - half : half);
    attr.pad_after.push_back(lower ? half : total - half);
  }
}

}  // namespace mintor::ops
