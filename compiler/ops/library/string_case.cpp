// SPDX-License-Identifier: Apache-2.0
// string_case and the code points that it maps (ops/strings.h).
//   bytes         C3 A4      points    E4 -1      in upper case    C4 -1      bytes    C3 84
// Takes u8[.., width]; gives the same shape. The mapping is a table of two levels: 64 code points a
// row, equal rows once.
// Keeps true: a character keeps its number of bytes; one whose other case has another number stays.
#include <map>

#include "compiler/ops/library/string_case.h"
#include "compiler/ops/library/strings.h"

namespace mintor::ops {

namespace {

constexpr int64_t kRow = 64, kPoints = 1 << 16;

struct Ints {
  Builder& b;
  Value n(int64_t v) const { return b.constant_int(DType::i32, v); }
  Value f(ScalarOp op, Value x, int64_t y) const { return apply(b, op, {x, n(y)}); }
  Value both(Value x, Value y) const { return apply(b, ScalarOp::and_, {x, y}); }
  Value within(Value x, int64_t lo, int64_t hi) const {
    return both(f(ScalarOp::ge, x, lo), f(ScalarOp::le, x, hi));
  }
};

// What is added to each code point: [row of each 64 of them], [rows, 64].
struct CaseTable {
  Value row, delta;
};

CaseTable case_table(Builder& b, Case to) {
  std::vector<int32_t> deltas(kPoints, 0), rows, row_of;
  for (const CaseRange& range : case_ranges(to == Case::upper))
    for (int32_t p = range.first; p <= range.last; p += range.step)
      deltas[static_cast<size_t>(p)] = range.delta;
  std::map<std::vector<int32_t>, int32_t> seen;
  for (auto at = deltas.begin(); at != deltas.end(); at += kRow) {
    const auto [it, added] =
        seen.emplace(std::vector<int32_t>(at, at + kRow), static_cast<int32_t>(seen.size()));
    if (added) rows.insert(rows.end(), at, at + kRow);
    row_of.push_back(it->second);
  }
  const auto constant = [&](const std::vector<int32_t>& items) {
    return b.constant(
        Tensor::copy_of(DType::i32, {static_cast<int64_t>(items.size())}, items.data()));
  };
  return {constant(row_of), constant(rows)};
}

Value mapped(Builder& b, Value points, Case to) {
  const Ints m{b};
  const CaseTable table = case_table(b, to);
  const Value near = m.within(points, 0, kPoints - 1), p = where(b, near, points, m.n(0));
  const Value row = take(b, table.row, m.f(ScalarOp::shr, p, 6), 0);
  const Value at = add(b, m.f(ScalarOp::mul, row, kRow), m.f(ScalarOp::bit_and, p, kRow - 1));
  return add(b, points, where(b, near, take(b, table.delta, at, 0), m.n(0)));
}

}  // namespace

Value code_points(Builder& b, Value x) {
  const Ints m{b};
  Value bytes[4], rest[4], follows[4];  // the byte k further on, its six bits, whether it has them
  for (int64_t k = 0; k < 4; ++k) {
    bytes[k] = b.cast(at_offset(b, x, k), DType::i32);
    rest[k] = m.f(ScalarOp::bit_and, bytes[k], 0x3F);
    follows[k] = m.f(ScalarOp::eq, m.f(ScalarOp::bit_and, bytes[k], 0xC0), 0x80);
  }
  const auto joined = [&](Value high, Value low) {
    return apply(b, ScalarOp::bit_or, {m.f(ScalarOp::shl, high, 6), low});
  };
  const Value two = joined(m.f(ScalarOp::bit_and, bytes[0], 0x1F), rest[1]);
  const Value three = joined(joined(m.f(ScalarOp::bit_and, bytes[0], 0x0F), rest[1]), rest[2]);
  const Value four =
      joined(joined(joined(m.f(ScalarOp::bit_and, bytes[0], 0x07), rest[1]), rest[2]), rest[3]);
  const auto pick = [&](Value condition, Value yes, Value no) {
    return where(b, condition, yes, no);
  };
  const Value has2 = follows[1], has3 = m.both(has2, follows[2]), has4 = m.both(has3, follows[3]);
  // Neither longer than it need be, nor half of a pair.
  const Value real3 =
      m.both(m.f(ScalarOp::ge, three, 0x800), logical_not(b, m.within(three, 0xD800, 0xDFFF)));
  const Value real4 = m.within(four, 0x10000, 0x10FFFF);
  Value y = pick(m.f(ScalarOp::lt, bytes[0], 0x80), bytes[0], m.n(-1));
  y = pick(m.both(m.within(bytes[0], 0xC2, 0xDF), has2), two, y);
  y = pick(m.both(m.within(bytes[0], 0xE0, 0xEF), m.both(has3, real3)), three, y);
  return pick(m.both(m.within(bytes[0], 0xF0, 0xF4), m.both(has4, real4)), four, y);
}

Value character_sizes(Builder& b, Value points) {
  const Ints m{b};
  Value size = where(b, m.f(ScalarOp::ge, points, 0), m.n(1), m.n(0));
  for (int64_t least : {0x80, 0x800, 0x10000})
    size = add(b, size, b.cast(m.f(ScalarOp::ge, points, least), DType::i32));
  return size;
}

Value string_case(Builder& b, Value x, Case to) {
  OpScope scope(b, to == Case::upper ? "upper" : "lower");
  need_strings(to == Case::upper ? "upper" : "lower", x);
  const Ints m{b};
  const Value points = code_points(b, x), size = character_sizes(b, points);
  const Value other = mapped(b, points, to);
  Value y = b.cast(x, DType::i32);
  for (int64_t length = 1; length <= 3; ++length) {
    const Value here = m.f(ScalarOp::eq, size, length);
    for (int64_t k = 0; k < length; ++k) {  // byte k of a character that began k bytes before
      const auto back = [&](Value v) { return at_offset(b, v, -k); };
      const Value bits = m.f(ScalarOp::shr, other, 6 * (length - 1 - k));
      constexpr int64_t kLead[] = {0, 0, 0xC0, 0xE0};
      const Value byte = k == 0 ? m.f(ScalarOp::bit_or, bits, kLead[length])
                                : m.f(ScalarOp::bit_or, m.f(ScalarOp::bit_and, bits, 0x3F), 0x80);
      const Value is = b.cast(back(b.cast(here, DType::u8)), DType::boolean);
      y = where(b, is, back(byte), y);
    }
  }
  return b.cast(y, DType::u8);
}

}  // namespace mintor::ops
