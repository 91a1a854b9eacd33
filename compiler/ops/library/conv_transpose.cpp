// SPDX-License-Identifier: Apache-2.0
// conv_transpose: one contraction that gathers what the definition scatters.
//   x coordinate = (o + pad - dilation * k) / stride, where stride divides; other taps are skipped
// The channel within the group is the k axis, listed before the window axes.
#include "compiler/ops/library/conv.h"

namespace mintor::ops {

Value conv_transpose(Builder& b, Value x, Value weight, Value bias, const ConvAttr& given,
                     const std::vector<int64_t>& output_pad) {
  OpScope scope(b, "conv_transpose");
  ConvAttr attr = checked_conv("conv_transpose", x, weight, bias, given, true);
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

}  // namespace mintor::ops
