// SPDX-License-Identifier: Apache-2.0
// local_response_norm: x over a power of the mean square of neighbouring channels.
// The window over channels is a reindex with a trailing dimension, zero outside.
#include "compiler/ops/library/norm.h"

namespace mintor::ops {

Value local_response_norm(Builder& b, Value x, int64_t size, double alpha, double beta,
                          double bias) {
  OpScope scope(b, "lrn");
  need_float("local_response_norm", x);
  if (size < 1 || x.shape().size() < 3)
    fail("local_response_norm",
         "size " + std::to_string(size) + " over the channels of " + text(x.type()));
  Value wide = widen(b, x), square = mul(b, wide, wide);
  // The window over channels goes into a last dimension: c - (size - 1) / 2 + w, zero outside.
  size_t rank = x.shape().size();
  Shape shape = x.shape();
  shape.push_back(size);
  IndexMap map;
  for (size_t d = 0; d < rank; ++d) map.coords.push_back(result_index(d));
  map.coords[1] = result_index(1) + result_index(rank) - (size - 1) / 2;
  Value windows = b.reindex(square, shape, map, Scalar::of(wide.dtype(), 0));
  Value sum = b.reduce(Combiner::add, windows, {static_cast<int32_t>(rank)});
  Value base = add(b, mul(b, sum, scalar(b, wide.dtype(), alpha / static_cast<double>(size))),
                   scalar(b, wide.dtype(), bias));
  return narrow(b, div(b, wide, apply(b, ScalarOp::pow, {base, scalar(b, wide.dtype(), beta)})),
                x.dtype());
}

}  // namespace mintor::ops
