// SPDX-License-Identifier: Apache-2.0
// matmul(x, y): NumPy's rules. A batch dimension that only one side has (the other is missing or 1)
// is an m or n axis, so that [batch, seq, k] @ [k, n] is one contraction with batch * seq rows.
#include <algorithm>

#include "compiler/ir/broadcast.h"
#include "compiler/ops/library/contraction.h"

namespace mintor::ops {

namespace {

struct Batches {
  const Shape& shape;
  size_t rank;    // number of batch dimensions of this operand
  size_t offset;  // result batch dimension of the first of them
  // Size of result batch dimension d here, 1 when missing.
  Index size(size_t d) const { return d < offset ? Index(1) : shape[d - offset]; }
};

// Batch dimensions of both, of which one may turn out to be 1, with the size that they have in
// common.
void align_batches(Builder& b, Value& x, Value& y) {
  const size_t bx = x.shape().size() < 2 ? 0 : x.shape().size() - 2,
               by = y.shape().size() < 2 ? 0 : y.shape().size() - 2, both = std::min(bx, by);
  Shape sx = x.shape(), sy = y.shape();
  for (size_t d = 0; d < both; ++d) {
    Index &p = sx[bx - both + d], &q = sy[by - both + d];
    if (p == q || p.is_const(1) || q.is_const(1)) continue;
    p = q = common_extent(b, "matmul", p, q,
                          "batch sizes " + p.str() + " and " + q.str() + " differ: " +
                              text(x.type()) + " @ " + text(y.type()));
  }
  x = stretched(b, x, std::move(sx));
  y = stretched(b, y, std::move(sy));
}

Contract matmul_contract(Builder& b, Value x, Value y) {
  size_t rx = x.shape().size(), ry = y.shape().size();
  if (rx == 0 || ry == 0)
    fail("matmul", "a 0-d operand: " + text(x.type()) + " @ " + text(y.type()));
  const Index& k = x.shape()[rx - 1];
  if (!same_size(b, k, y.shape()[ry == 1 ? 0 : ry - 2]))
    fail_unequal("matmul",
                 "the sizes to be summed differ: " + text(x.type()) + " @ " + text(y.type()), k,
                 y.shape()[ry == 1 ? 0 : ry - 2]);
  size_t bx = rx < 2 ? 0 : rx - 2, by = ry < 2 ? 0 : ry - 2, rank = std::max(bx, by);
  Batches xs{x.shape(), bx, rank - bx}, ys{y.shape(), by, rank - by};
  Contract c;
  for (size_t d = 0; d < rank; ++d) {
    std::string name = "b" + std::to_string(d);
    Index sx = xs.size(d), sy = ys.size(d), var = Index::var(name);
    bool in_x = d >= xs.offset, in_y = d >= ys.offset, stretch_x = sx.is_const(1),
         stretch_y = sy.is_const(1);
    AxisRole role = AxisRole::batch;
    if (!in_y || (stretch_y && !stretch_x)) role = AxisRole::m;
    if (!in_x || (stretch_x && !stretch_y)) role = AxisRole::n;
    c.axes.push_back(axis(name, role, stretch_x ? sy : sx));
    if (in_x) c.x_coords.push_back(role == AxisRole::n ? Index(0) : var);
    if (in_y) c.y_coords.push_back(role == AxisRole::m ? Index(0) : var);
  }
  if (rx > 1) {
    c.axes.push_back(axis("m", AxisRole::m, x.shape()[rx - 2]));
    c.x_coords.push_back(Index::var("m"));
  }
  if (ry > 1) c.axes.push_back(axis("n", AxisRole::n, y.shape()[ry - 1]));
  c.axes.push_back(axis("k", AxisRole::k, k));
  c.x_coords.push_back(Index::var("k"));
  c.y_coords.push_back(Index::var("k"));
  if (ry > 1) c.y_coords.push_back(Index::var("n"));
  return c;
}

}  // namespace

Value matmul(Builder& b, Value x, Value y) {
  OpScope scope(b, "matmul");
  align_batches(b, x, y);
  return contract_as("matmul", b, x, y, matmul_contract(b, x, y));
}

Value matmul_sums(Builder& b, Value x, Value y) {
  align_batches(b, x, y);
  return b.contract(x, y, matmul_contract(b, x, y));
}

}  // namespace mintor::ops
