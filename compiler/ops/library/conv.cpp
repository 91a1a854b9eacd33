// SPDX-License-Identifier: Apache-2.0
// conv: one contraction for any number of dimensions, stride, dilation, padding and groups.
//   x coordinate = stride * o + dilation * k - pad; a tap outside x is skipped
// The channel within the group is the k axis, listed before the window axes; depthwise has neither
// n nor k axis.
#include "compiler/ops/library/conv.h"

namespace mintor::ops {

namespace {

// The attributes are complete.
Contract conv_contract(std::string_view op, Value x, Value weight, const ConvAttr& attr) {
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
      fail(op, "the window (" + extent.str() + " with its dilation) exceeds the padded size " +
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
  return c;
}

// Groups and channels within them as channels; a depthwise result has them already.
Value joined(Builder& b, Value y, Value x) {
  return y.shape().size() > x.shape().size() ? join_groups(b, y) : y;
}

}  // namespace

Value conv_sums(std::string_view op, Builder& b, Value x, Value weight, const ConvAttr& given) {
  const ConvAttr attr = checked_conv(op, x, weight, {}, given, false);
  return joined(b, b.contract(x, weight, conv_contract(op, x, weight, attr)), x);
}

Value conv(Builder& b, Value x, Value weight, Value bias, const ConvAttr& given) {
  OpScope scope(b, "conv");
  const ConvAttr attr = checked_conv("conv", x, weight, bias, given, false);
  const Value y = contract_as("conv", b, x, weight, conv_contract("conv", x, weight, attr));
  return add_bias(b, joined(b, y, x), bias);
}

}  // namespace mintor::ops
