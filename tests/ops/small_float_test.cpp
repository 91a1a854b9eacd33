// SPDX-License-Identifier: Apache-2.0
// Floats of 8 and 4 bits: every code there and back, and what lies between and beyond them.
// Takes all codes of a format; gives the numbers that its definition says.
#include "compiler/ops/small_float.h"

#include <cmath>
#include <limits>

#include "tests/ops/ops_helper.h"

namespace mintor::test {
namespace {

struct Format {
  const char* name;
  ops::SmallFloat format;
  double largest, smallest;
};
const Format kFormats[] = {
    {"e4m3fn", ops::kE4M3fn, 448, 0x1p-9}, {"e4m3fnuz", ops::kE4M3fnuz, 240, 0x1p-10},
    {"e5m2", ops::kE5M2, 57344, 0x1p-16},  {"e5m2fnuz", ops::kE5M2fnuz, 57344, 0x1p-17},
    {"e2m1", ops::kE2M1, 6, 0.5},
};

std::vector<double> codes(int bits) {
  std::vector<double> out;
  for (int64_t code = 0; code < int64_t{1} << bits; ++code)
    out.push_back(static_cast<double>(code));
  return out;
}

TEST(small_float, decoded_and_encoded_is_the_same) {
  for (const Format& f : kFormats) {
    Op op;
    const std::vector<double> all = codes(f.format.bits);
    const Value bits = op.of(DType::u8, {static_cast<int64_t>(all.size())}, all);
    const Value numbers = ops::decode_small(op.b, bits, f.format);
    const std::vector<double> values = op.list(numbers),
                              back = op.list(ops::encode_small(op.b, numbers, f.format, true));
    double largest = 0, smallest = 1;
    for (size_t i = 0; i < all.size(); ++i) {
      if (!std::isfinite(values[i])) continue;
      EXPECT_EQ(back[i], all[i]) << f.name;
      largest = std::max(largest, values[i]);
      if (values[i] > 0) smallest = std::min(smallest, values[i]);
    }
    EXPECT_EQ(largest, f.largest) << f.name;
    EXPECT_EQ(smallest, f.smallest) << f.name;
  }
}

TEST(small_float, halves_go_to_even) {
  Op op;
  const Value x = op.f32({6}, {1.0625, 1.1875, -1.0625, 0x1p-10, 0x3p-10, 464});
  const Value bits = ops::encode_small(op.b, x, ops::kE4M3fn, true);
  EXPECT_EQ(op.list(ops::decode_small(op.b, bits, ops::kE4M3fn)),
            (std::vector<double>{1, 1.25, -1, 0, 0x1p-8, 448}));
}

TEST(small_float, beyond_the_largest) {
  const double infinity = std::numeric_limits<double>::infinity();
  Op op;
  const Value x = op.f32({3}, {1e9, -infinity, 465});
  const auto list = [&](const ops::SmallFloat& format, bool saturate) {
    return op.list(ops::encode_small(op.b, x, format, saturate));
  };
  EXPECT_EQ(list(ops::kE4M3fn, true), (std::vector<double>{0x7E, 0xFE, 0x7E}));
  EXPECT_EQ(list(ops::kE4M3fn, false)[0], 0x7F);
  EXPECT_EQ(list(ops::kE5M2, false)[1], 0xFC);
  EXPECT_EQ(list(ops::kE4M3fnuz, false)[1], 0x80);
}

// 1 + 2^-4 + 2^-40 lies above the half that an f32 would make of it.
TEST(small_float, rounds_once) {
  Op op;
  const Value x = op.of(DType::f64, {1}, {1 + 0x1p-4 + 0x1p-40});
  EXPECT_EQ(op.list(ops::encode_small(op.b, x, ops::kE4M3fn, true)), (std::vector<double>{0x39}));
}

TEST(small_float, powers) {
  Op op;
  const Value x = op.f32({4}, {1, 3, 0.75, 6});
  EXPECT_EQ(op.list(ops::encode_exponent(op.b, x, true, "up")),
            (std::vector<double>{127, 129, 127, 130}));
  EXPECT_EQ(op.list(ops::encode_exponent(op.b, x, true, "down")),
            (std::vector<double>{127, 128, 126, 129}));
  EXPECT_NE(error_of([&] { ops::encode_exponent(op.b, x, true, "odd"); }).find("none of up, down"),
            std::string::npos);
}

}  // namespace
}  // namespace mintor::test
