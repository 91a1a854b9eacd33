// SPDX-License-Identifier: Apache-2.0
// conv: one contraction for any number of dimensions, stride, dilation, padding and groups.
//   x coordinate = stride * o + dilation * k - pad; a tap outside x is skipped
// The channel within the group is the k axis, listed before the window axes. Depthwise has neither
// n nor k axis.
#include "compiler/ops/library/contraction.h"

namespace mintor::ops {

namespace {

std::string numbered(char letter, size_t d) { return letter + std::to_string(d); }

// Weights, groups and attribute lengths fit x; gives lists their defaults.
ConvAttr checked(std::string_view op, Value x, Value weight, Value bias, ConvAttr attr,
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

// [N, G, O / G, ..] as [N, O, ..].
Value join_groups(Builder& b, Value y) {
  Shape shape = y.shape();
  shape[1] = shape[1] * shape[2];
  shape.erase(shape.begin() + 2);
  return b.reshape(y, shape);
}

}  // namespace

Value conv(Builder& b, Value x, Value weight, Value bias, const ConvAttr& given) {
  OpScope scope(b, "conv");
  ConvAttr attr = checked("conv", x, weight, bias, given, false);
  size_t spatial = x.shape().size() - 2;
  int64_t in = weight.shape()[1].value(), out = weight.shape()[0].value() / attr.groups;
  bool grouped = attr.groups > 1, has_n = !grouped || out > 1, has_k = !grouped || in > 1;
  Index g = grouped ? Index::var("g") : Index(0), oc = has_n ? Index::var("n") : Index(0);
  Index ic = has_k ? Index::var("k") : Index(0);
  Contract c;
  c.axes.push_back(axis("b", AxisRole::m, x.shape()[0]));
  if (grouped) c.axes.push_back(axis("g", AxisRole::batch, attr.groups));
  if (has_n) c.axes.push_back(axis("n", AxisRole::n, out));
  c.x_coords = {Index::var("b"), g * in + ic};
  c.y_coords = {g * out + oc, ic};
  std::vector<ContractAxis> window;
  for (size_t d = 0; d < spatial; ++d) {
    const Index& size = x.shape()[d + 2];
    const Index& taps = weight.shape()[d + 2];
    Index padded = size + attr.pad_before[d] + attr.pad_after[d];
    Index extent = Index(attr.dilation[d]) * (taps - 1) + 1;
    if (padded.is_const() && extent.is_const() && padded.value() < extent.value())
      fail("conv", "the window (" + extent.str() + " with its dilation) exceeds the padded size " +
                       padded.str() + " of dimension " + std::to_string(d + 2) + ": x " +
                       text(x.type()) + ", weight " + text(weight.type()));
    c.axes.push_back(
        axis(numbered('m', d), AxisRole::m, floordiv(padded - extent, attr.stride[d]) + 1));
    window.push_back(axis(numbered('w', d), AxisRole::window, taps));
    Index tap = Index::var(numbered('w', d));
    c.x_coords.push_back(Index(attr.stride[d]) * Index::var(numbered('m', d)) +
                         Index(attr.dilation[d]) * tap - attr.pad_before[d]);
    c.y_coords.push_back(tap);
  }
  if (has_k) c.axes.push_back(axis("k", AxisRole::k, in));
  c.axes.insert(c.axes.end(), window.begin(), window.end());
  Value y = contract_as("conv", b, x, weight, std::move(c));
  if (grouped && has_n) y = join_groups(b, y);
  return add_bias(b, y, bias);
}

Value conv_transpose(Builder& b, Value x, Value weight, Value bias, const ConvAttr& given,
                     const std::vector<int64_t>& output_pad) {
  OpScope scope(b, "conv_transpose");
  ConvAttr attr = checked("conv_transpose", x, weight, bias, given, true);
  size_t spatial = x.shape().size() - 2;
  if (!output_pad.empty() && output_pad.size() != spatial)
    fail("conv_transpose", "output padding " + text(output_pad) + " must have " +
                               std::to_string(spatial) + " entries");
  int64_t in = x.shape()[1].value() / attr.groups;
  const Index& out = weight.shape()[1];
  bool grouped = attr.groups > 1;
  Index g = grouped ? Index::var("g") : Index(0), ic = Index::var("k");
  Contract c;
  c.axes.push_back(axis("b", AxisRole::m, x.shape()[0]));
  if (grouped) c.axes.push_back(axis("g", AxisRole::batch, attr.groups));
  c.axes.push_back(axis("n", AxisRole::n, out));
  c.x_coords = {Index::var("b"), g * in + ic};
  c.y_coords = {g * in + ic, Index::var("n")};
  std::vector<ContractAxis> window;
  for (size_t d = 0; d < spatial; ++d) {
    const Index& taps = weight.shape()[d + 2];
    Index stride = attr.stride[d], dilation = attr.dilation[d];
    Index size = stride * (x.shape()[d + 2] - 1) + dilation * (taps - 1) + 1 - attr.pad_before[d] -
                 attr.pad_after[d] + (output_pad.empty() ? 0 : output_pad[d]);
    if (size.is_const() && size.value() < 0)
      fail("conv_transpose", "padding leaves no output in dimension " + std::to_string(d + 2) +
                                 ": x " + text(x.type()));
    c.axes.push_back(axis(numbered('m', d), AxisRole::m, size));
    window.push_back(axis(numbered('w', d), AxisRole::window, taps));
    Index tap = Index::var(numbered('w', d));
    Index scattered = Index::var(numbered('m', d)) + attr.pad_before[d] - dilation * tap;
    c.x_coords.push_back(floordiv(scattered, stride));
    c.y_coords.push_back(tap);
    if (attr.stride[d] > 1) c.conditions.push_back({mod(scattered, stride), 1});
  }
  c.axes.push_back(axis("k", AxisRole::k, in));
  c.axes.insert(c.axes.end(), window.begin(), window.end());
  Value y = contract_as("conv_transpose", b, x, weight, std::move(c));
  if (grouped) y = join_groups(b, y);
  return add_bias(b, y, bias);
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
