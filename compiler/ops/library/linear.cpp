// SPDX-License-Identifier: Apache-2.0
// linear(x, weight): rows of x times the transpose of weight[out, in], PyTorch's layer. The
// transpose is coordinates of the contraction, never a copy, so that the weight's gradient is a
// contraction in the weight's own layout.
#include "compiler/ops/library/contraction.h"

namespace mintor::ops {

Value linear(Builder& b, Value x, Value weight) {
  OpScope scope(b, "linear");
  const size_t rank = x.shape().size();
  if (rank == 0 || weight.shape().size() != 2)
    fail("linear",
         "x[.., in] and weight[out, in] are " + text(x.type()) + " and " + text(weight.type()));
  const Index& k = x.shape()[rank - 1];
  if (!same_size(b, k, weight.shape()[1]))
    fail_unequal(
        "linear",
        "the sizes to be summed differ: " + text(x.type()) + ", weight " + text(weight.type()), k,
        weight.shape()[1]);
  Contract c;
  for (size_t d = 0; d + 1 < rank; ++d) {
    const std::string name = "m" + std::to_string(d);
    c.axes.push_back(axis(name, AxisRole::m, x.shape()[d]));
    c.x_coords.push_back(Index::var(name));
  }
  c.axes.push_back(axis("n", AxisRole::n, weight.shape()[0]));
  c.axes.push_back(axis("k", AxisRole::k, k));
  c.x_coords.push_back(Index::var("k"));
  c.y_coords = {Index::var("n"), Index::var("k")};
  return contract_as("linear", b, x, weight, std::move(c));
}

}  // namespace mintor::ops
