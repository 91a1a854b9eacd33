// SPDX-License-Identifier: Apache-2.0
// compact: an element that was kept reads the gradient at its rank among the kept ones.
//   y = compact (x, mask)   ->   gx[i] = mask[i] ? g[mask[0] + .. + mask[i - 1]] : 0
#include "compiler/grad/rule.h"

namespace mintor {

Gradients backward_compact(const Backward& at) {
  Builder& b = at.b;
  const Value x = at.operand(0), mask = at.operand(1);
  const bool whole_rows = mask.shape().size() < x.shape().size();
  Index rows = 1;
  for (const Index& extent : mask.shape()) rows = rows * extent;
  const Value kept = b.cast(b.reshape(mask, {rows}), DType::i64);
  const Value rank =
      b.scan(Combiner::add, {&kept, 1}, 0, {Scalar::of_int(DType::i64, 0)}, false, true)[0];
  // Outside of g where the element was dropped, so that the fill is read.
  const Value dropped = b.broadcast(b.constant_int(DType::i64, -1), {rows}, {});
  const Value from =
      b.reshape(b.apply(ScalarOp::where, {b.reshape(mask, {rows}), rank, dropped}), mask.shape());
  IndexMap map;
  IndexLoad load;
  for (size_t d = 0; d < mask.shape().size(); ++d)
    load.coords.push_back(Index::var("i" + std::to_string(d)));
  map.loads.push_back(std::move(load));
  map.coords.push_back(Index::var("l0"));
  for (size_t d = 1; whole_rows && d < x.shape().size(); ++d)
    map.coords.push_back(Index::var("i" + std::to_string(d)));
  Gradients grads(2);
  grads[0] =
      b.reindex(at.grads[0], x.shape(), std::move(map), Scalar::of(x.dtype(), 0), {&from, 1});
  return grads;
}

}  // namespace mintor
