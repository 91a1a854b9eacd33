// SPDX-License-Identifier: Apache-2.0
// determinant: Gauss with the largest element of each column as its pivot.
//   step k: swap rows k and p; row i -= row k * a[i, k] / a[k, k] for i > k; det *= +-a[k, k]
// Takes any batch of square matrices; gives one number each. Keeps true: a column of zeros gives 0.
#include "compiler/ops/library/common.h"
#include "compiler/ops/space.h"

namespace mintor::ops {

Value determinant(Builder& b, Value x) {
  OpScope scope(b, "determinant");
  need_float("determinant", x);
  const size_t rank = x.shape().size();
  if (rank < 2 || !same_size(b, x.shape()[rank - 1], x.shape()[rank - 2]))
    fail("determinant", "x must be square matrices, not " + text(x.type()));
  const Index n = x.shape()[rank - 1];
  const Shape batch(x.shape().begin(), x.shape().end() - 2);
  Index count = 1;
  for (const Index& size : batch) count = count * size;
  const Value first = b.reshape(widen(b, x), {count, n, n});
  const DType dtype = first.dtype();
  auto graph = std::make_shared<Graph>("elimination_step");
  graph->copy_sizes(b.graph());
  Builder in(*graph);
  const Value k = in.input("k", DType::i64, {});
  const Value a = in.input("a", dtype, first.shape()), det = in.input("det", dtype, {count});
  const auto f = [&](ScalarOp op, Value p, Value q) { return apply(in, op, {p, q}); };
  const Value zero = scalar(in, dtype, 0);
  const Shape rows = {count, n};
  const Value row = in.iota(DType::i64, rows, 1);
  const Value column = in.gather(a, k, 2);  // [B, n]
  const Value open = f(ScalarOp::ge, row, k);
  const Value size = where(in, open, apply(in, ScalarOp::abs, {column}), scalar(in, dtype, -1));
  const Value pivot = arg_max(in, size, 1, false), chosen = in.broadcast(pivot, rows, {0});
  const Value order =
      where(in, f(ScalarOp::eq, row, k), chosen, where(in, f(ScalarOp::eq, row, chosen), k, row));
  IndexMap map = identity_map(3);
  map.loads.push_back({1, {result_index(0), result_index(1)}});
  map.coords[1] = loaded_index(0);
  const Value swapped = in.reindex(a, a.shape(), map, zero_of(a), {&order, 1});
  const Value top = in.gather(swapped, k, 1);    // [B, n]
  const Value own = in.gather(top, k, 1);        // [B]
  const Value below = in.gather(swapped, k, 2);  // [B, n]
  const Value singular = f(ScalarOp::eq, own, zero);
  const Value safe = where(in, singular, scalar(in, dtype, 1), own);
  const Value factor =
      where(in, f(ScalarOp::gt, row, k), div(in, below, in.broadcast(safe, rows, {0})), zero);
  const Value change =
      mul(in, in.broadcast(factor, a.shape(), {0, 1}), in.broadcast(top, a.shape(), {0, 2}));
  const Value sign =
      where(in, f(ScalarOp::ne, pivot, k), scalar(in, dtype, -1), scalar(in, dtype, 1));
  graph->results = {{"r0", sub(in, swapped, change)}, {"r1", mul(in, det, mul(in, sign, own))}};
  const Value carried[] = {first, b.full(dtype, {count}, 1)};
  const Value made = b.loop(n, carried, {}, {}, graph)[1];
  return narrow(b, b.reshape(made, batch), x.dtype());
}

}  // namespace mintor::ops
