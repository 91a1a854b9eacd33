// SPDX-License-Identifier: Apache-2.0
// Pooling: a reindex that puts the window in trailing dimensions, then a reduce over them.
//   [N, C, D..] -> [N, C, O.., K..] -> [N, C, O..]      coordinate = stride * o + dilation * k -
//   pad
#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

PoolAttr checked(std::string_view op, Value x, PoolAttr attr) {
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

// A window that starts in the padding after x is left out in ceil mode.
Index output_size(const Index& size, const PoolAttr& attr, size_t d) {
  Index before = attr.pad_before[d], stride = attr.stride[d];
  Index span =
      size + before + attr.pad_after[d] - Index(attr.dilation[d]) * (attr.kernel[d] - 1) - 1;
  if (!attr.ceil_mode) return floordiv(span, stride) + 1;
  return min(ceildiv(span, stride) + 1, floordiv(size + before - 1, stride) + 1);
}

struct Windows {
  Shape output;               // O..
  std::vector<Index> coords;  // of each spatial dimension, over i{first}.. = O.., K..
};

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

// Reduces the windows of x with `combiner`; what lies outside x is `fill`.
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

// How many elements each window averages: a constant, or [O..] counted over a field of ones.
Value window_counts(Builder& b, Value x, const PoolAttr& attr) {
  size_t spatial = attr.kernel.size();
  int64_t full = 1;
  bool clipped = attr.ceil_mode;
  for (size_t d = 0; d < spatial; ++d) {
    full *= attr.kernel[d];
    if (!attr.count_include_pad &&
        !(attr.pad_before[d].is_const(0) && attr.pad_after[d].is_const(0)))
      clipped = true;
  }
  if (!clipped) return b.constant(x.dtype(), static_cast<double>(full));
  Windows w = windows_of("avg_pool", x, attr, 0);
  Shape field, shape = w.output;
  IndexMap map;
  for (size_t d = 0; d < spatial; ++d) {
    bool padded = attr.count_include_pad;
    field.push_back(x.shape()[d + 2] +
                    (padded ? attr.pad_before[d] + attr.pad_after[d] : Index(0)));
    map.coords.push_back(w.coords[d] + (padded ? attr.pad_before[d] : Index(0)));
    shape.push_back(attr.kernel[d]);
  }
  Value ones = b.reindex(b.full(x.dtype(), field, 1), shape, map, Scalar::of(x.dtype(), 0));
  return b.reduce(Combiner::add, ones, trailing(spatial, spatial));
}

std::vector<int64_t> spatial_axes(std::string_view op, Value x) {
  if (x.shape().size() < 3)
    fail(op, "x must have at least 3 dimensions (batch, channel, space): " + text(x.type()));
  std::vector<int64_t> axes;
  for (size_t d = 2; d < x.shape().size(); ++d) axes.push_back(static_cast<int64_t>(d));
  return axes;
}

}  // namespace

Value max_pool(Builder& b, Value x, const PoolAttr& given) {
  OpScope scope(b, "max_pool");
  PoolAttr attr = checked("max_pool", x, given);
  Value wide = widen(b, x);
  Value y =
      pooled("max_pool", b, wide, attr, Combiner::max, identity_of(Combiner::max, wide.dtype()));
  return narrow(b, y, x.dtype());
}

Value avg_pool(Builder& b, Value x, const PoolAttr& given) {
  OpScope scope(b, "avg_pool");
  PoolAttr attr = checked("avg_pool", x, given);
  if (!is_float(x.dtype())) fail("avg_pool", "x must have a float dtype, not " + text(x.type()));
  Value wide = widen(b, x);
  Value sum = pooled("avg_pool", b, wide, attr, Combiner::add, Scalar::of(wide.dtype(), 0));
  return narrow(b, div(b, sum, window_counts(b, wide, attr)), x.dtype());
}

Value lp_pool(Builder& b, Value x, const PoolAttr& given, int64_t p) {
  OpScope scope(b, "lp_pool");
  PoolAttr attr = checked("lp_pool", x, given);
  if (p < 1) fail("lp_pool", "p = " + std::to_string(p) + " must be at least 1");
  Value wide = widen(b, x), exponent = scalar(b, wide.dtype(), static_cast<double>(p));
  Value powers = apply(b, ScalarOp::pow, {apply(b, ScalarOp::abs, {wide}), exponent});
  Value sum = pooled("lp_pool", b, powers, attr, Combiner::add, Scalar::of(wide.dtype(), 0));
  Value root = div(b, scalar(b, wide.dtype(), 1), exponent);
  return narrow(b, apply(b, ScalarOp::pow, {sum, root}), x.dtype());
}

Value global_max_pool(Builder& b, Value x) {
  OpScope scope(b, "global_max_pool");
  return reduce(b, Reduction::max, x, spatial_axes("global_max_pool", x), true);
}

Value global_avg_pool(Builder& b, Value x) {
  OpScope scope(b, "global_average_pool");
  return reduce(b, Reduction::mean, x, spatial_axes("global_average_pool", x), true);
}

Value global_lp_pool(Builder& b, Value x, int64_t p) {
  OpScope scope(b, "global_lp_pool");
  if (p < 1) fail("global_lp_pool", "p = " + std::to_string(p) + " must be at least 1");
  Value exponent = scalar(b, x.dtype(), static_cast<double>(p));
  Value powers = apply(b, ScalarOp::pow, {apply(b, ScalarOp::abs, {x}), exponent});
  Value sum = reduce(b, Reduction::sum, powers, spatial_axes("global_lp_pool", x), true);
  return apply(b, ScalarOp::pow, {sum, div(b, scalar(b, x.dtype(), 1), exponent)});
}

}  // namespace mintor::ops
