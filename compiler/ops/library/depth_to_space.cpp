// SPDX-License-Identifier: Apache-2.0
// depth_to_space and space_to_depth: reshape, transpose, reshape.
// Takes [N, C, H, W] with a constant number of channels (or constant H and W).
#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

int64_t constant_size(std::string_view op, Value x, size_t dim) {
  const Index& size = x.shape()[dim];
  if (!size.is_const())
    fail(op, "dimension " + std::to_string(dim) + " of " + text(x.type()) + " must be constant");
  return size.value();
}

}  // namespace

Value depth_to_space(Builder& b, Value x, int64_t block, bool columns_first) {
  OpScope scope(b, "depth_to_space");
  if (x.shape().size() != 4 || block < 1 ||
      constant_size("depth_to_space", x, 1) % (block * block) != 0)
    fail("depth_to_space", "block size " + std::to_string(block) +
                               " does not divide the channels of " + text(x.type()));
  const Shape& s = x.shape();
  Index depth = s[1].value() / (block * block);
  Shape apart = columns_first ? Shape{s[0], depth, block, block, s[2], s[3]}
                              : Shape{s[0], block, block, depth, s[2], s[3]};
  std::vector<int32_t> perm = {0, 3, 4, 1, 5, 2};
  if (columns_first) perm = {0, 1, 4, 2, 5, 3};
  return b.reshape(b.transpose(b.reshape(x, apart), perm),
                   {s[0], depth, s[2] * block, s[3] * block});
}

Value space_to_depth(Builder& b, Value x, int64_t block, bool columns_first) {
  OpScope scope(b, "space_to_depth");
  if (x.shape().size() != 4 || block < 1 || constant_size("space_to_depth", x, 2) % block != 0 ||
      constant_size("space_to_depth", x, 3) % block != 0)
    fail("space_to_depth", "block size " + std::to_string(block) +
                               " does not divide the spatial size of " + text(x.type()));
  const Shape& s = x.shape();
  Index rows = s[2].value() / block, columns = s[3].value() / block;
  Value apart = b.reshape(x, {s[0], s[1], rows, block, columns, block});
  std::vector<int32_t> perm = {0, 3, 5, 1, 2, 4};
  if (columns_first) perm = {0, 1, 3, 5, 2, 4};
  return b.reshape(b.transpose(apart, perm), {s[0], s[1] * (block * block), rows, columns});
}

}  // namespace mintor::ops
