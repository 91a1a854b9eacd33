// SPDX-License-Identifier: Apache-2.0
// gemm: alpha * x' @ y' + beta * c. The transposes are coordinates of the contraction, never
// copies.
#include "compiler/ops/library/contraction.h"

namespace mintor::ops {

Value gemm(Builder& b, Value x, Value y, Value c, double alpha, double beta, bool trans_x,
           bool trans_y) {
  OpScope scope(b, "gemm");
  if (x.shape().size() != 2 || y.shape().size() != 2)
    fail("gemm", "operands must have 2 dimensions: " + text(x.type()) + ", " + text(y.type()));
  Index m = x.shape()[trans_x ? 1 : 0], k = x.shape()[trans_x ? 0 : 1];
  Index n = y.shape()[trans_y ? 0 : 1];
  if (!same_size(b, k, y.shape()[trans_y ? 1 : 0]))
    fail_unequal("gemm",
                 "the sizes to be summed differ: " + text(x.type()) +
                     (trans_x ? " transposed" : "") + ", " + text(y.type()) +
                     (trans_y ? " transposed" : ""),
                 k, y.shape()[trans_y ? 1 : 0]);
  Contract contract;
  contract.axes = {axis("m", AxisRole::m, m), axis("n", AxisRole::n, n), axis("k", AxisRole::k, k)};
  Index im = Index::var("m"), in = Index::var("n"), ik = Index::var("k");
  contract.x_coords = trans_x ? std::vector<Index>{ik, im} : std::vector<Index>{im, ik};
  contract.y_coords = trans_y ? std::vector<Index>{in, ik} : std::vector<Index>{ik, in};
  Value product = contract_as("gemm", b, x, y, std::move(contract));
  if (alpha != 1) product = mul(b, product, scalar(b, product.dtype(), alpha));
  if (!c || beta == 0) return product;
  Builder::Scope bias(b, "bias");
  if (beta != 1) c = mul(b, c, scalar(b, c.dtype(), beta));
  if (c.shape().size() > 2) fail("gemm", "C must have at most 2 dimensions: " + text(c.type()));
  return add(b, product, b.broadcast_to(c, product.shape()));
}

}  // namespace mintor::ops
