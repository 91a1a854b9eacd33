// SPDX-License-Identifier: Apache-2.0
// col2im: each column is a window, added where it lies.
//   z[n, c, l * stride + k * dilation - pad] += x[n, (c, k..), (l..)]
// Takes sizes and windows as expressions, so that a run may say them.
#include "compiler/ops/library/common.h"
#include "compiler/ops/space.h"

namespace mintor::ops {

Value col2im(Builder& b, Value x, const Shape& sizes, std::span<const Index> block,
             const ConvAttr& attr) {
  OpScope scope(b, "col2im");
  const size_t spatial = sizes.size();
  if (x.shape().size() != 3 || block.size() != spatial || spatial == 0)
    fail("col2im", text(x.type()) + " into " + text(sizes) + " by windows of " +
                       std::to_string(block.size()) + " dimensions");
  Index taps = 1, places = 1;
  Shape columns;
  for (size_t d = 0; d < spatial; ++d) {
    const Index before = attr.pad_before.empty() ? Index(0) : attr.pad_before[d],
                after = attr.pad_after.empty() ? Index(0) : attr.pad_after[d];
    const int64_t stride = attr.stride.empty() ? 1 : attr.stride[d],
                  dilation = attr.dilation.empty() ? 1 : attr.dilation[d];
    columns.push_back(
        floordiv(sizes[d] + before + after - Index(dilation) * (block[d] - 1) - 1, stride) + 1);
    taps = taps * block[d];
    places = places * columns[d];
  }
  const Index channels = taps.is_const() ? b.graph().ranges().simplify(floordiv(x.shape()[1], taps))
                                         : floordiv(x.shape()[1], max(taps, 1));
  const auto need = [&](const Index& p, const Index& q) {
    if (same_size(b, p, q)) return;
    if (p.is_const() && q.is_const())
      fail("col2im",
           text(x.type()) + " into " + text(sizes) + ": " + p.str() + " is not " + q.str());
    b.graph().add_condition({p, q, Condition::Form::equal, ""});
  };
  need(channels * taps, x.shape()[1]);
  need(places, x.shape()[2]);
  Shape shape = {x.shape()[0], channels};
  shape.insert(shape.end(), block.begin(), block.end());
  shape.insert(shape.end(), columns.begin(), columns.end());
  IndexMap from;  // of x: [N, C * K, L]
  Index tap = result_index(1), column = 0;
  for (size_t d = 0; d < spatial; ++d) {
    tap = tap * block[d] + result_index(2 + d);
    column = column * columns[d] + result_index(2 + spatial + d);
  }
  from.coords = {result_index(0), tap, column};
  const Value y = b.reindex(widen(b, x), shape, from, zero_of(widen(b, x)));
  IndexMap map;
  map.coords = {result_index(0), result_index(1)};
  for (size_t d = 0; d < spatial; ++d) {
    const Index before = attr.pad_before.empty() ? Index(0) : attr.pad_before[d];
    map.coords.push_back(
        result_index(2 + spatial + d) * (attr.stride.empty() ? 1 : attr.stride[d]) +
        result_index(2 + d) * (attr.dilation.empty() ? 1 : attr.dilation[d]) - before);
  }
  Shape result = {x.shape()[0], channels};
  result.insert(result.end(), sizes.begin(), sizes.end());
  const Value zeros = b.broadcast(b.constant(Tensor::scalar(zero_of(y))), result, {});
  return narrow(b, b.reindex_reduce(Combiner::add, zeros, y, map), x.dtype());
}

}  // namespace mintor::ops
