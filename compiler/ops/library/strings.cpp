// SPDX-License-Identifier: Apache-2.0
// Strings compared, joined and looked up (ops/strings.h).
// Takes u8[.., width]; gives comparisons and reindexes along the last dimension.
// Keeps true: what is behind the end of a string is 0, so strings of two widths compare as wide as
// the wider ones, and two that lie behind one another are or-ed.
#include <algorithm>
#include <cstring>
#include <string>

#include "compiler/ops/library/strings.h"

namespace mintor::ops {

void need_strings(std::string_view op, Value x) {
  if (x.dtype() != DType::u8 || x.shape().empty())
    fail(op, "strings must be u8[.., width], not " + text(x.type()));
}

Shape without_bytes(const Value& x) {
  Shape shape = x.shape();
  shape.pop_back();
  return shape;
}

Value at_offset(Builder& b, Value x, int64_t offset) {
  IndexMap map = identity_map(x.shape().size());
  map.coords.back() = map.coords.back() + offset;
  return b.reindex(x, x.shape(), map, zero_of(x));
}

Value byte_places(Builder& b, const Shape& shape) {
  return b.iota(DType::i64, shape, static_cast<int>(shape.size()) - 1);
}

Value over_bytes(Builder& b, Reduction how, Value x) {
  const int64_t last[] = {-1};
  return reduce(b, how, x, last, false);
}

Tensor string_rows(std::span<const std::string> strings) {
  size_t width = 1;
  for (const std::string& s : strings) width = std::max(width, s.size());
  auto [tensor, bytes] =
      Tensor::make(DType::u8, {static_cast<int64_t>(strings.size()), static_cast<int64_t>(width)});
  std::fill_n(bytes, strings.size() * width, std::byte{0});
  for (size_t i = 0; i < strings.size(); ++i)
    std::memcpy(bytes + i * width, strings[i].data(), strings[i].size());
  return tensor;
}

Value string_lengths(Builder& b, Value x) {
  OpScope scope(b, "string_lengths");
  need_strings("string_lengths", x);
  const Value zero = b.constant_int(DType::i64, 0), one = b.constant_int(DType::i64, 1);
  const Value used = ops::cast(b, x, DType::boolean);
  const Value end = where(b, used, add(b, byte_places(b, x.shape()), one), zero);
  return apply(b, ScalarOp::max, {over_bytes(b, Reduction::max, end), zero});
}

Value widened(Builder& b, Value x, const Index& width) {
  const Index more = b.graph().ranges().simplify(width - x.shape().back());
  if (more.is_const(0)) return x;
  std::vector<Index> before(x.shape().size(), 0), after = before;
  after.back() = more;
  return b.pad(x, before, after, zero_of(x));
}

Value string_equal(Builder& b, Value x, Value y) {
  OpScope scope(b, "string_equal");
  need_strings("string_equal", x);
  need_strings("string_equal", y);
  const Index width = b.graph().ranges().simplify(max(x.shape().back(), y.shape().back()));
  const Value same = apply(b, ScalarOp::eq, {widened(b, x, width), widened(b, y, width)});
  return over_bytes(b, Reduction::all, same);
}

Value string_concat(Builder& b, Value x, Value y) {
  OpScope scope(b, "string_concat");
  need_strings("string_concat", x);
  need_strings("string_concat", y);
  const Index width = x.shape().back() + y.shape().back();
  Value both[] = {widened(b, x, width), widened(b, y, width)};
  const Shape shape = b.broadcast_shapes(both);
  for (Value& one : both) one = b.broadcast_to(one, shape);
  const Value lengths = string_lengths(b, both[0]);
  IndexMap map = identity_map(shape.size());
  map.loads.push_back({1, {map.coords.begin(), map.coords.end() - 1}});
  map.coords.back() = map.coords.back() - loaded_index(0);
  const Value behind = b.reindex(both[1], shape, map, zero_of(y), {&lengths, 1});
  return apply(b, ScalarOp::bit_or, {both[0], behind});
}

Value find_string(Builder& b, Value x, Value keys) {
  OpScope scope(b, "find_string");
  need_strings("find_string", keys);
  const int64_t before_bytes[] = {-2};
  const Value equal = string_equal(b, unsqueeze(b, x, before_bytes), keys);
  const Value none = count_of(b, DType::i64, keys.shape()[0]);
  const Value place = where(b, equal, byte_places(b, equal.shape()), none);
  return apply(b, ScalarOp::min, {over_bytes(b, Reduction::min, place), none});
}

}  // namespace mintor::ops
