// SPDX-License-Identifier: Apache-2.0
// What the pools share (pool.h): checks, output sizes, windows.
// Keeps true: in ceil mode a window that starts in the padding after x is left out.
#include "compiler/ops/library/pool.h"

namespace mintor::ops {

namespace {

// A window that starts in the padding after x is left out in ceil mode.
Index output_size(const Index& size, const PoolAttr& attr, size_t d) {
  Index before = attr.pad_before[d], stride = attr.stride[d];
  Index span =
      size + before + attr.pad_after[d] - Index(attr.dilation[d]) * (attr.kernel[d] - 1) - 1;
  if (!attr.ceil_mode) return floordiv(span, stride) + 1;
  return min(ceildiv(span, stride) + 1, floordiv(size + before - 1, stride) + 1);
}

}  // namespace

PoolAttr checked_pool(std::string_view op, Value x, PoolAttr attr) {
  size_t rank = x.shape().size();
  if (rank < 3)
    fail(op, "x must have at least 3 dimensions (batch, channel, space): " + text(x.type()));
  size_t spatial = rank - 2;
  if (attr.stride.empty()) attr.stride.assign(spatial, 1);
  if (attr.dilation.empty()) attr.dilation.assign(spatial, 1);
  if (attr.pad_before.empty()) attr.pad_before.assign(spatial, 0);
  if (attr.pad_after.empty()) attr.pad_after.assign(spatial, 0);
  if (attr.kernel.size() != spatial || attr.stride.size() != spatial ||
      attr.dilation.size() != spatial || attr.pad_before.size() != spatial ||
      attr.pad_after.size() != spatial)
    fail(op, "kernel " + text(attr.kernel) + ", strides " + text(attr.stride) + " and dilations " +
                 text(attr.dilation) + " do not fit " + text(x.type()));
  for (size_t d = 0; d < spatial; ++d) {
    if (attr.kernel[d] < 1 || attr.stride[d] < 1 || attr.dilation[d] < 1)
      fail(op, "kernel " + text(attr.kernel) + ", strides " + text(attr.stride) +
                   " and dilations " + text(attr.dilation) + " must be at least 1");
  }
  return attr;
}

Windows windows_of(std::string_view op, Value x, const PoolAttr& attr, size_t first) {
  size_t spatial = attr.kernel.size();
  Windows w;
  for (size_t d = 0; d < spatial; ++d) {
    Index size = output_size(x.shape()[d + 2], attr, d);
    if (size.is_const() && size.value() < 1)
      fail(op, "kernel " + text(attr.kernel) + " exceeds the padded size of dimension " +
                   std::to_string(d + 2) + " of " + text(x.type()));
    w.output.push_back(size);
    w.coords.push_back(Index(attr.stride[d]) * result_index(first + d) +
                       Index(attr.dilation[d]) * result_index(first + spatial + d) -
                       attr.pad_before[d]);
  }
  return w;
}

std::vector<int32_t> trailing(size_t first, size_t count) {
  std::vector<int32_t> dims;
  for (size_t d = 0; d < count; ++d) dims.push_back(static_cast<int32_t>(first + d));
  return dims;
}

Value pooled(std::string_view op, Builder& b, Value x, const PoolAttr& attr, Combiner combiner,
             Scalar fill) {
  size_t spatial = attr.kernel.size();
  Windows w = windows_of(op, x, attr, 2);
  IndexMap map;
  map.coords = {result_index(0), result_index(1)};
  map.coords.insert(map.coords.end(), w.coords.begin(), w.coords.end());
  Shape shape = {x.shape()[0], x.shape()[1]};
  shape.insert(shape.end(), w.output.begin(), w.output.end());
  for (int64_t k : attr.kernel) shape.push_back(k);
  return b.reduce(combiner, b.reindex(x, shape, map, fill), trailing(2 + spatial, spatial));
}

}  // namespace mintor::ops
