// SPDX-License-Identifier: Apache-2.0
// top_k: the first k elements of an order, and x there. Few of many are found without sorting all:
//   best   = of each block of a line what comes first
//   chosen = the k blocks whose best come first, ascending: no other has one of the first k
//            elements, for the best of k blocks come before it
//   places = the first k elements of the chosen blocks, of which there are few
// Keeps true: the order is total and stable; blocks are neighbours, so that of equal elements those
// of a block come before those of one behind it.
#include <cmath>

#include "compiler/ops/library/common.h"
#include "compiler/ops/order.h"

namespace mintor::ops {

namespace {

// Lines that are shorter are sorted as they are; and those of which a share of one in so many is
// wanted: blocks would save less than they cost.
constexpr int64_t kShortLine = 64, kFew = 12;
// Elements of a block where nobody knows how long a line is.
constexpr int64_t kOpenBlock = 8;

// Lines along one dimension, ordered by integers.
class Lines {
 public:
  Lines(Builder& b, size_t dim, bool descending)
      : b_(b), dim_(dim), combiner_(descending ? Combiner::max : Combiner::min) {}

  // Where the first k of each line lie, i64.
  Value first(Value key, const Index& k) const {
    const Index& extent = key.shape()[dim_];
    const int64_t width = block_of(extent, k);
    if (width < 2) return sorted(key, k);
    const Index blocks = ceildiv(extent, width), fewest = min(k, blocks);
    const bool known = extent.is_const();  // how much shorter blocks and their elements are
    const auto first_of = [&](Value of, const Index& count) {
      return known ? first(of, count) : sorted(of, count);
    };
    const Value chosen = ascending(first_of(best_of_blocks(key, blocks, width), fewest), blocks);
    const Value places = elements_of(chosen, width);
    return gather_elements(b_, places, first_of(read(key, places), k), axis());
  }

 private:
  // The root of what a line has for each element that is wanted: as many blocks then as elements of
  // chosen ones. 1: no blocks.
  int64_t block_of(const Index& extent, const Index& k) const {
    const std::optional<int64_t> most = b_.graph().ranges().upper(k);
    if (!most || *most < 1) return 1;
    if (!extent.is_const()) return kOpenBlock;
    if (extent.value() < kShortLine || extent.value() / *most < kFew) return 1;
    const int64_t share = extent.value() / *most;
    return int64_t{1} << std::lround(std::log2(static_cast<double>(share)) / 2);
  }

  Value best_of_blocks(Value key, const Index& blocks, int64_t width) const {
    Shape shape = key.shape();
    shape[dim_] = blocks;
    shape.insert(shape.begin() + axis() + 1, Index(width));
    IndexMap map = identity_map(shape.size());
    map.coords.erase(map.coords.begin() + axis() + 1);
    map.coords[dim_] = result_index(dim_) * width + result_index(dim_ + 1);
    map.conditions.push_back({map.coords[dim_], key.shape()[dim_]});
    const Value apart = b_.reindex(key, shape, map, last(key));
    return b_.reduce(combiner_, apart, {static_cast<int32_t>(axis() + 1)});
  }

  // Numbers below `limit` in order, by as few bytes as they have.
  Value ascending(Value numbers, const Index& limit) const {
    const int64_t most = limit.is_const() ? limit.value() : INT32_MAX;
    const DType narrow = most <= UINT8_MAX    ? DType::u8
                         : most <= UINT16_MAX ? DType::u16
                                              : DType::i32;
    const Value key = b_.cast(numbers, narrow);
    return b_.cast(b_.sort({&key, 1}, dim(), false)[0], DType::i64);
  }

  Value elements_of(Value blocks, int64_t width) const {
    Shape shape = blocks.shape();
    shape[dim_] = shape[dim_] * width;
    IndexMap map = identity_map(shape.size());
    map.coords[dim_] = floordiv(map.coords[dim_], width);
    const Value block = b_.reindex(blocks, shape, map, zero_of(blocks));
    const auto number = [&](int64_t v) {
      return b_.broadcast(b_.constant_int(DType::i64, v), shape, {});
    };
    const Value within = b_.apply(ScalarOp::mod, {iota(shape), number(width)});
    return b_.apply(ScalarOp::add, {b_.apply(ScalarOp::mul, {block, number(width)}), within});
  }

  // key at places, some behind the end of a line.
  Value read(Value key, Value places) const {
    IndexMap map = identity_map(key.shape().size());
    map.loads.push_back({1, map.coords});
    map.coords[dim_] = loaded_index(0);
    map.conditions.push_back({loaded_index(0), key.shape()[dim_]});
    return b_.reindex(key, places.shape(), map, last(key), {&places, 1});
  }

  Value sorted(Value key, const Index& k) const {
    const Value operands[] = {key, iota(key.shape())};
    Shape shape = key.shape();
    shape[dim_] = k;
    return b_.slice(b_.sort(operands, dim(), combiner_ == Combiner::max)[1],
                    std::vector<Index>(shape.size(), 0), shape,
                    std::vector<int64_t>(shape.size(), 1));
  }

  int32_t dim() const { return static_cast<int32_t>(dim_); }
  std::ptrdiff_t axis() const { return static_cast<std::ptrdiff_t>(dim_); }
  Value iota(const Shape& shape) const { return b_.iota(DType::i64, shape, dim()); }
  // A key that nothing comes behind but equals.
  Scalar last(Value key) const { return identity_of(combiner_, key.dtype()); }

  Builder& b_;
  size_t dim_;
  Combiner combiner_;
};

}  // namespace

TopK top_k(Builder& b, Value x, const Index& k, int64_t axis, bool largest) {
  OpScope scope(b, "top_k");
  const auto dim = static_cast<size_t>(axis_of("top_k", axis, x.shape().size()));
  if (k.is_const() && x.shape()[dim].is_const() && k.value() > x.shape()[dim].value())
    fail("top_k", "k is " + k.str() + " of " + text(x.type()));
  const Value first = Lines(b, dim, largest).first(order_key(b, x), k);
  return {gather_elements(b, x, first, axis), first};
}

}  // namespace mintor::ops
