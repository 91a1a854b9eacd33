// SPDX-License-Identifier: Apache-2.0
// avg_pool: the sum of each window over a count. The count is a constant, or where windows are
// clipped [O..], made by sliding the same window over ones.
#include "compiler/ops/library/pool.h"

namespace mintor::ops {

namespace {

// How many elements each window averages, or what is divided by instead: a constant, or [O..]
// counted over a field of ones.
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
  if (attr.divisor) return b.constant(x.dtype(), static_cast<double>(*attr.divisor));
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

}  // namespace

Value avg_pool(Builder& b, Value x, const PoolAttr& given) {
  OpScope scope(b, "avg_pool");
  PoolAttr attr = checked_pool("avg_pool", x, given);
  need_float("avg_pool", x);
  Value wide = widen(b, x);
  Value sum = pooled("avg_pool", b, wide, attr, Combiner::add, Scalar::of(wide.dtype(), 0));
  return narrow(b, div(b, sum, window_counts(b, wide, attr)), x.dtype());
}

}  // namespace mintor::ops
