// SPDX-License-Identifier: Apache-2.0
// Operators that only move elements along affine maps: dimensions added and dropped, expand, tile,
// flip, pad, slice, split, blocks between depth and space.
#include <algorithm>

#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

IndexMap identity_map(size_t rank) {
  IndexMap map;
  for (size_t d = 0; d < rank; ++d) map.coords.push_back(result_index(d));
  return map;
}

Scalar zero_of(Value x) { return Scalar::of_int(x.dtype(), 0); }

// Where position i of a dimension padded by `before` comes from; outside x in constant mode.
Index padded_coordinate(std::string_view op, PadMode mode, const Index& i, const Index& before,
                        const Index& size) {
  Index c = i - before;
  switch (mode) {
    case PadMode::constant:
      return c;
    case PadMode::edge:
      return max(0, min(size - 1, c));
    case PadMode::wrap:
      if (size.is_const(0)) fail(op, "an empty dimension cannot be wrapped");
      return mod(c, size);
    case PadMode::reflect: {
      if (size.is_const(0)) fail(op, "an empty dimension cannot be reflected");
      if (size.is_const(1)) return 0;
      Index period = Index(2) * size - 2, folded = mod(c, period);
      return min(folded, period - folded);
    }
  }
  return c;
}

int64_t constant_size(std::string_view op, Value x, size_t dim) {
  const Index& size = x.shape()[dim];
  if (!size.is_const())
    fail(op, "dimension " + std::to_string(dim) + " of " + text(x.type()) + " must be constant");
  return size.value();
}

}  // namespace

Value expand(Builder& b, Value x, const Shape& shape) {
  OpScope scope(b, "expand");
  size_t rank = std::max(shape.size(), x.shape().size());
  Shape result(rank, 1);
  for (size_t d = 0; d < rank; ++d) {
    bool in_x = d + x.shape().size() >= rank, in_shape = d + shape.size() >= rank;
    Index own = in_x ? x.shape()[d + x.shape().size() - rank] : Index(1);
    Index wanted = in_shape ? shape[d + shape.size() - rank] : Index(1);
    result[d] = own.is_const(1) ? wanted : own;
    if (!own.is_const(1) && !wanted.is_const(1) && !same_size(b, own, wanted))
      fail("expand", text(x.type()) + " does not expand to " + text(shape));
  }
  return b.broadcast_to(x, result);
}

Value flatten(Builder& b, Value x, int64_t axis) {
  OpScope scope(b, "flatten");
  int64_t rank = static_cast<int64_t>(x.shape().size());
  if (axis < -rank || axis > rank)
    fail("flatten", "axis " + std::to_string(axis) + " of a value with " + std::to_string(rank) +
                        " dimensions");
  if (axis < 0) axis += rank;
  Shape shape = {1, 1};
  for (int64_t d = 0; d < rank; ++d)
    shape[d < axis ? 0 : 1] = shape[d < axis ? 0 : 1] * x.shape()[d];
  return b.reshape(x, shape);
}

Value squeeze(Builder& b, Value x, std::span<const int64_t> axes) {
  OpScope scope(b, "squeeze");
  std::vector<int32_t> dims = axes_of("squeeze", axes, x.shape().size(), false);
  Shape shape;
  for (size_t d = 0; d < x.shape().size(); ++d) {
    bool named = std::find(dims.begin(), dims.end(), static_cast<int32_t>(d)) != dims.end();
    bool one = x.shape()[d].is_const(1);
    if (named && !one)
      fail("squeeze", "dimension " + std::to_string(d) + " of " + text(x.type()) + " is not 1");
    if (!(axes.empty() ? one : named)) shape.push_back(x.shape()[d]);
  }
  return b.reshape(x, shape);
}

Value unsqueeze(Builder& b, Value x, std::span<const int64_t> axes) {
  OpScope scope(b, "unsqueeze");
  size_t rank = x.shape().size() + axes.size();
  std::vector<int32_t> dims = axes_of("unsqueeze", axes, rank, false);
  Shape shape(rank);
  std::vector<int32_t> kept = other_dims(rank, dims);
  for (int32_t d : dims) shape[d] = 1;
  for (size_t i = 0; i < kept.size(); ++i) shape[kept[i]] = x.shape()[i];
  return b.reshape(x, shape);
}

Value tile(Builder& b, Value x, std::span<const Index> repeats) {
  OpScope scope(b, "tile");
  if (repeats.size() != x.shape().size())
    fail("tile", std::to_string(repeats.size()) + " repeats for " + text(x.type()));
  IndexMap map = identity_map(repeats.size());
  Shape shape = x.shape();
  for (size_t d = 0; d < repeats.size(); ++d) {
    if (repeats[d].is_const(1)) continue;
    if (repeats[d].is_const() && repeats[d].value() < 0)
      fail("tile", "repeat " + repeats[d].str() + " of dimension " + std::to_string(d));
    shape[d] = shape[d] * repeats[d];
    map.coords[d] = x.shape()[d].is_const(1) ? Index(0) : mod(result_index(d), x.shape()[d]);
  }
  return shape == x.shape() ? x : b.reindex(x, shape, map, zero_of(x));
}

Value flip(Builder& b, Value x, std::span<const int64_t> axes) {
  OpScope scope(b, "flip");
  IndexMap map = identity_map(x.shape().size());
  for (int32_t d : axes_of("flip", axes, x.shape().size(), false))
    map.coords[d] = x.shape()[d] - 1 - result_index(d);
  return b.reindex(x, x.shape(), map, zero_of(x));
}

Value pad(Builder& b, Value x, std::span<const Index> before, std::span<const Index> after,
          PadMode mode, Value fill) {
  OpScope scope(b, "pad");
  size_t rank = x.shape().size();
  if (before.size() != rank || after.size() != rank)
    fail("pad", std::to_string(before.size()) + " + " + std::to_string(after.size()) +
                    " pads for " + text(x.type()));
  IndexMap map = identity_map(rank);
  Shape shape = x.shape();
  for (size_t d = 0; d < rank; ++d) {
    shape[d] = shape[d] + before[d] + after[d];
    if (shape[d].is_const() && shape[d].value() < 0)
      fail("pad", "pads " + before[d].str() + " and " + after[d].str() +
                      " leave nothing of dimension " + std::to_string(d) + " of " + text(x.type()));
    if (!before[d].is_const(0) || !after[d].is_const(0))
      map.coords[d] = padded_coordinate("pad", mode, result_index(d), before[d], x.shape()[d]);
  }
  Scalar outside = zero_of(x);
  bool known = !fill;
  if (fill && (fill.dtype() != x.dtype() || !fill.shape().empty()))
    fail("pad", "the fill value must be a 0-d " + std::string(name_of(x.dtype())) + ", not " +
                    text(fill.type()));
  if (fill && fill.node->kind == Kind::constant) {
    outside = fill.node->as<ConstantAttr>().value.at(0);
    known = true;
  }
  Value y = b.reindex(x, shape, map, outside);
  if (known || mode != PadMode::constant) return y;
  Value inside = b.reindex(b.broadcast_to(b.constant_int(DType::boolean, 1), x.shape()), shape, map,
                           Scalar::of_int(DType::boolean, 0));
  return where(b, inside, y, fill);
}

Value slice(Builder& b, Value x, std::span<const Index> start, std::span<const Index> size,
            std::span<const int64_t> step) {
  OpScope scope(b, "slice");
  size_t rank = x.shape().size();
  if (start.size() != rank || size.size() != rank || step.size() != rank)
    fail("slice",
         "starts, sizes and steps must have one entry for each dimension of " + text(x.type()));
  IndexMap map = identity_map(rank);
  Shape shape(size.begin(), size.end());
  for (size_t d = 0; d < rank; ++d) {
    if (step[d] == 0) fail("slice", "step 0 in dimension " + std::to_string(d));
    map.coords[d] = start[d] + Index(step[d]) * result_index(d);
  }
  bool whole = shape == x.shape() && map == identity_map(rank);
  return whole ? x : b.reindex(x, shape, map, zero_of(x));
}

std::vector<Value> split(Builder& b, Value x, int64_t axis, std::span<const Index> sizes) {
  OpScope scope(b, "split");
  size_t dim = axis_of("split", axis, x.shape().size());
  Index total = 0;
  for (const Index& size : sizes) total = total + size;
  if (!same_size(b, total, x.shape()[dim]))
    fail("split", "the parts sum to " + total.str() + ", dimension " + std::to_string(dim) +
                      " of " + text(x.type()) + " has " + x.shape()[dim].str());
  std::vector<Value> parts;
  std::vector<Index> start(x.shape().size(), 0);
  std::vector<int64_t> step(x.shape().size(), 1);
  for (const Index& size : sizes) {
    Shape shape = x.shape();
    shape[dim] = size;
    parts.push_back(slice(b, x, start, shape, step));
    start[dim] = start[dim] + size;
  }
  return parts;
}

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
