// SPDX-License-Identifier: Apache-2.0
// string_split: each byte is told which part it is in and where that part begins, and is put there.
//   x       a , b b , c          starts    of the byte behind each delimiter, carried on by max
//   part    0 - 1 1 - 2          place     of the byte in its part: its own less the start
// Takes u8[.., width]; gives u8[.., bind(parts), width], and how many parts there are.
// Keeps true: delimiters are found from the left and do not overlap.
#include <string>

#include "compiler/ops/library/strings.h"

namespace mintor::ops {

namespace {

struct Bytes {
  Builder& b;
  Value n(int64_t v) const { return b.constant_int(DType::i64, v); }
  Value both(Value x, Value y) const { return apply(b, ScalarOp::and_, {x, y}); }
  Value none(Value x) const { return logical_not(b, x); }
  Value less(Value x, Value y) const { return apply(b, ScalarOp::lt, {x, y}); }
  Value counted(Value mask) const { return cum_sum(b, b.cast(mask, DType::i64), -1, false, false); }
  // The largest so far, at least 0.
  Value carried(Value x) const {
    const int last = static_cast<int>(x.shape().size()) - 1;
    return b.scan(Combiner::max, std::span(&x, 1), last, {Scalar::of_int(DType::i64, 0)}, false,
                  false)[0];
  }
};

// Per byte: its part, or -1 where it is in none; where that part begins.
struct Parts {
  Value part, start, count;  // i64[.., width] twice, i64[..]
};

// Of these, those that begin when no earlier one of `length` bytes goes on.
Value without_overlaps(Builder& b, Value matches, int64_t length) {
  if (length == 1) return matches;
  const Shape shape = matches.shape();
  Shape rows = shape;
  rows.pop_back();
  auto graph = std::make_shared<Graph>("delimiter_step");
  graph->copy_sizes(b.graph());
  Builder in(*graph);
  const Value t = in.input("t", DType::i64, {}), left = in.input("left", DType::i64, rows),
              all = in.input("matches", DType::boolean, shape);
  const Bytes m{in};
  const Value begins =
      m.both(in.gather(all, t, static_cast<int>(rows.size())), m.none(m.less(m.n(0), left)));
  const Value goes_on = apply(in, ScalarOp::max, {sub(in, left, m.n(1)), m.n(0)});
  graph->results = {{"r0", where(in, begins, m.n(length - 1), goes_on)}, {"r1", begins}};
  const Value first[] = {b.broadcast(b.constant_int(DType::i64, 0), rows, {})};
  const Value stacked = b.loop(shape.back(), first, {}, {&matches, 1}, graph)[1];
  std::vector<int32_t> perm;  // [width, ..] as [.., width]
  for (size_t d = 1; d < shape.size(); ++d) perm.push_back(static_cast<int32_t>(d));
  perm.push_back(0);
  return b.transpose(stacked, perm);
}

Parts by_delimiter(Builder& b, Value x, std::string_view delimiter, int64_t most) {
  const Bytes m{b};
  const auto length = static_cast<int64_t>(delimiter.size());
  const Value place = byte_places(b, x.shape()), size = string_lengths(b, x);
  const int64_t last[] = {-1};
  const Value end = unsqueeze(b, size, last);
  Value found = m.less(add(b, place, m.n(length - 1)), end);
  for (int64_t k = 0; k < length; ++k) {
    const Value byte =
        b.constant_int(DType::u8, static_cast<unsigned char>(delimiter[static_cast<size_t>(k)]));
    found = m.both(found, apply(b, ScalarOp::eq, {at_offset(b, x, k), byte}));
  }
  found = without_overlaps(b, found, length);
  found = m.both(found, m.none(m.less(m.n(most), m.counted(found))));
  // A byte is in a delimiter where less than its length lies behind the start of the last one.
  const Value part = m.counted(found);
  const Value begin = m.carried(where(b, found, add(b, place, m.n(length)), m.n(0)));
  const Value inside = m.both(m.less(place, end), m.none(m.less(place, begin)));
  const Value count = add(b, over_bytes(b, Reduction::sum, b.cast(found, DType::i64)), m.n(1));
  return {where(b, inside, part, m.n(-1)), begin, count};
}

// White space as Unicode has it, and the separators of ASCII.
Value spaces(Builder& b, Value x) {
  const auto point = [&](int32_t p) { return b.constant_int(DType::i32, p); };
  const Value points = code_points(b, x), sizes = character_sizes(b, points);
  Value space;
  const auto add_range = [&](int32_t lo, int32_t hi) {
    const Value here = apply(
        b, ScalarOp::and_,
        {apply(b, ScalarOp::ge, {points, point(lo)}), apply(b, ScalarOp::le, {points, point(hi)})});
    space = space ? apply(b, ScalarOp::or_, {space, here}) : here;
  };
  constexpr std::pair<int32_t, int32_t> kSpaces[] = {
      {0x09, 0x0D},     {0x1C, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
      {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};
  for (const auto& [lo, hi] : kSpaces) add_range(lo, hi);
  Value all = space;
  for (int64_t back = 1; back < 3; ++back) {  // later bytes of such a character
    const Value longer = apply(b, ScalarOp::gt, {sizes, point(static_cast<int32_t>(back))});
    const Value begins = b.cast(apply(b, ScalarOp::and_, {space, longer}), DType::u8);
    all = apply(b, ScalarOp::or_, {all, b.cast(at_offset(b, begins, -back), DType::boolean)});
  }
  return all;
}

Parts by_space(Builder& b, Value x, int64_t most) {
  const Bytes m{b};
  const Value place = byte_places(b, x.shape());
  const int64_t last[] = {-1};
  const Value end = unsqueeze(b, string_lengths(b, x), last);
  const Value in_word = m.both(m.less(place, end), m.none(spaces(b, x)));
  const Value before = b.cast(at_offset(b, b.cast(in_word, DType::u8), -1), DType::boolean);
  Value begins = m.both(in_word, m.none(before));
  // Behind the last delimiter that counts everything is one part.
  begins = m.both(begins, m.none(m.less(m.n(most), sub(b, m.counted(begins), m.n(1)))));
  const Value part = sub(b, m.counted(begins), m.n(1));
  const Value rest = m.both(m.none(m.less(part, m.n(most))), m.less(place, end));
  const Value inside = apply(b, ScalarOp::or_, {in_word, rest});
  const Value start = m.carried(where(b, begins, place, m.n(0)));
  const Value count = over_bytes(b, Reduction::sum, b.cast(begins, DType::i64));
  return {where(b, inside, part, m.n(-1)), start, count};
}

}  // namespace

StringSplit string_split(Builder& b, Value x, std::string_view delimiter, int64_t most,
                         const BindSize& bind) {
  OpScope scope(b, "string_split");
  need_strings("string_split", x);
  const Parts parts =
      delimiter.empty() ? by_space(b, x, most) : by_delimiter(b, x, delimiter, most);
  const Value zero = b.constant_int(DType::i64, 0);
  const Value largest = reduce(b, Reduction::max, parts.count, {}, false);
  const Index count = bind(apply(b, ScalarOp::max, {largest, zero}));
  Shape shape = x.shape();
  shape.insert(shape.end() - 1, count);
  IndexMap map = identity_map(x.shape().size());
  const std::vector<Index> own = map.coords;
  map.loads = {{2, own}, {3, own}};
  map.coords.back() = loaded_index(0);
  map.coords.push_back(own.back() - loaded_index(1));
  const Value at[] = {parts.part, parts.start};
  const Value empty = b.broadcast(b.constant_int(DType::u8, 0), shape, {});
  return {b.reindex_reduce(Combiner::last, empty, x, map, at), parts.count};
}

}  // namespace mintor::ops
