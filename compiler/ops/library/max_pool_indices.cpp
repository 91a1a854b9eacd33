// SPDX-License-Identifier: Apache-2.0
// max_pool_indices and max_unpool: which element of a window is the largest, and the way back.
// Takes what max_pool takes; gives flat positions over the whole of x.
#include "compiler/ops/library/pool.h"
#include "compiler/ops/space.h"

namespace mintor::ops {

Value max_pool_indices(Builder& b, Value x, const PoolAttr& given, bool first_fastest) {
  OpScope scope(b, "max_pool_indices");
  const PoolAttr attr = checked_pool("max_pool", x, given);
  const Value wide = widen(b, x);
  const size_t spatial = attr.kernel.size();
  const Windows w = windows_of("max_pool", wide, attr, 2);
  IndexMap map;
  map.coords = {result_index(0), result_index(1)};
  map.coords.insert(map.coords.end(), w.coords.begin(), w.coords.end());
  Shape shape = {x.shape()[0], x.shape()[1]}, flat;
  shape.insert(shape.end(), w.output.begin(), w.output.end());
  flat = shape;
  int64_t taps = 1;
  for (int64_t k : attr.kernel) {
    shape.push_back(k);
    taps *= k;
  }
  const Shape result = flat;
  flat.push_back(taps);
  const Value windows = b.reindex(wide, shape, map, identity_of(Combiner::max, wide.dtype()));
  const Value tap = arg_max(b, b.reshape(windows, flat), -1, false);
  const auto number = [&](const Index& e) { return count_of(b, DType::i64, e); };
  const auto place = [&](size_t d) { return b.iota(DType::i64, result, static_cast<int>(d)); };
  // The position of the tap in each dimension, then all of them as one number.
  Value position = add(b, mul(b, place(0), number(x.shape()[1])), place(1));
  std::vector<Value> coords;
  int64_t inner = taps;
  for (size_t d = 0; d < spatial; ++d) {
    inner /= attr.kernel[d];
    const Value own = remainder(b, div(b, tap, number(inner)), number(attr.kernel[d]), false);
    const Value start =
        sub(b, mul(b, place(d + 2), number(attr.stride[d])), number(attr.pad_before[d]));
    coords.push_back(add(b, start, mul(b, own, number(attr.dilation[d]))));
  }
  Index plane = 1;
  for (size_t d = 0; d < spatial; ++d) plane = plane * x.shape()[d + 2];
  position = mul(b, position, number(plane));
  Index stride = 1;
  for (size_t k = 0; k < spatial; ++k) {
    const size_t d = first_fastest ? k : spatial - 1 - k;
    position = add(b, position, mul(b, coords[d], number(stride)));
    stride = stride * x.shape()[d + 2];
  }
  return position;
}

Value max_unpool(Builder& b, Value x, Value indices, const Shape& shape) {
  OpScope scope(b, "max_unpool");
  need_index("max_unpool", indices);
  if (indices.shape() != x.shape())
    fail("max_unpool", "indices " + text(indices.type()) + " of " + text(x.type()));
  Index from = 1, to = 1;
  for (const Index& size : x.shape()) from = from * size;
  for (const Index& size : shape) to = to * size;
  const Value zeros = b.broadcast(b.constant(Tensor::scalar(zero_of(x))), {to}, {});
  IndexMap map;
  map.loads.push_back({2, {result_index(0)}});
  map.coords = {loaded_index(0)};
  const Value places = b.reshape(b.cast(indices, DType::i64), {from});
  return b.reshape(b.reindex_reduce(Combiner::last, zeros, b.reshape(x, {from}), map, {&places, 1}),
                   shape);
}

}  // namespace mintor::ops
