// SPDX-License-Identifier: Apache-2.0
// Casts between all dtypes, as kernels do them, against the host's element type (support/dtype.h),
// which is written independently; 16-bit floats over all of their values.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "compiler/ir/scalar_eval.h"
#include "compiler/support/float16.h"
#include "tests/numerics/samples.h"

namespace mintor {
namespace {

// What a cast means: floats through Scalar::of, integers through of_int; u64 needs its own value.
Scalar expected(const Scalar& x, DType to) {
  if (is_float(x.dtype)) return Scalar::of(to, x.f);
  if (x.dtype == DType::u64 && is_float(to)) {
    const uint64_t v = static_cast<uint64_t>(x.i);
    if (to == DType::f64) return Scalar::of(to, static_cast<double>(v));
    if (to == DType::f32) return {to, static_cast<double>(static_cast<float>(v)), 0};
    // Sticky below 53 bits, then one rounding.
    return Scalar::of(to, v >> 53
                              ? static_cast<double>((v & ~uint64_t{2047}) | (v & 2047 ? 2048 : 0))
                              : static_cast<double>(v));
  }
  return Scalar::of_int(to, x.i);
}

TEST(Cast, EveryPairOfDtypes) {
  Random random(7);
  for (int f = 0; f < kDTypeCount; ++f) {
    const DType from = static_cast<DType>(f);
    std::vector<Scalar> values;
    if (is_storage_float(from) || from == DType::boolean) {
      for (int bits = 0; bits < 65536; bits += from == DType::boolean ? 65535 : 1) {
        const uint16_t h = static_cast<uint16_t>(bits);
        values.push_back(Scalar::read(from, &h));
      }
    } else {
      with_arithmetic_type(from, [&](auto type) {
        using T = decltype(type);
        std::vector<T> raw = special_values<T>();
        for (int i = 0; i < 3000; ++i) raw.push_back(random_value<T>(random));
        for (T v : raw) values.push_back(Scalar::read(from, &v));
      });
    }
    for (int t = 0; t < kDTypeCount; ++t) {
      const DType to = static_cast<DType>(t);
      for (const Scalar& x : values) {
        const Scalar got = cast(x, to), want = expected(x, to);
        ASSERT_TRUE(got.same_bits(want))
            << name_of(from) << " to " << name_of(to) << " of " << x.f << " / " << x.i << ": "
            << got.f << " / " << got.i << ", not " << want.f << " / " << want.i;
      }
    }
  }
}

// Half-way cases: a path through f32 would round twice.
TEST(Cast, RoundsOnceFromF64) {
  const double above_half =
      1 + 0x1p-11 + 0x1p-40;  // f32 drops the last term, and the tie goes down
  EXPECT_EQ(cast(Scalar::of(DType::f64, above_half), DType::f16).f, 1 + 0x1p-10);
  EXPECT_EQ(cast(Scalar::of(DType::f64, 1 + 0x1p-8 + 0x1p-40), DType::bf16).f, 1 + 0x1p-7);
  EXPECT_EQ(
      cast(Scalar::of_int(DType::i64, (int64_t{1} << 54) + (int64_t{1} << 46) + 1), DType::bf16).f,
      0x1p54 + 0x1p47);
}

TEST(Cast, SixteenBitFloatsRoundToNearestEven) {
  for (DType half : {DType::f16, DType::bf16}) {
    for (int bits = 0; bits < 0x7f7f; ++bits) {
      if (half == DType::f16 && bits >= 0x7bff) break;
      const uint16_t h[2] = {static_cast<uint16_t>(bits), static_cast<uint16_t>(bits + 1)};
      const double low = Scalar::read(half, &h[0]).f, high = Scalar::read(half, &h[1]).f;
      const double middle = (low + high) / 2;
      const double even = bits % 2 == 0 ? low : high;
      for (DType from : {DType::f32, DType::f64}) {
        const auto round_of = [&](double v) { return cast(Scalar::of(from, v), half).f; };
        const double next = from == DType::f32
                                ? std::nextafter(static_cast<float>(middle), INFINITY)
                                : std::nextafter(middle, INFINITY);
        const double before = from == DType::f32 ? std::nextafter(static_cast<float>(middle), 0.0f)
                                                 : std::nextafter(middle, 0.0);
        ASSERT_EQ(round_of(middle), even) << name_of(half) << " " << bits;
        ASSERT_EQ(round_of(next), high) << name_of(half) << " " << bits;
        ASSERT_EQ(round_of(before), low) << name_of(half) << " " << bits;
        ASSERT_EQ(round_of(-next), -high) << name_of(half) << " " << bits;
      }
    }
  }
  EXPECT_EQ(cast(Scalar::of(DType::f32, 65519.0), DType::f16).f, 65504);
  EXPECT_TRUE(std::isinf(cast(Scalar::of(DType::f32, 65520.0), DType::f16).f));
}

TEST(Cast, FloatToIntegerSaturates) {
  const auto to = [](double v, DType d) { return cast(Scalar::of(DType::f64, v), d).i; };
  EXPECT_EQ(to(-1.9, DType::i32), -1);
  EXPECT_EQ(to(3e9, DType::i32), INT32_MAX);
  EXPECT_EQ(to(-3e9, DType::i32), INT32_MIN);
  EXPECT_EQ(to(NAN, DType::i32), 0);
  EXPECT_EQ(to(-1, DType::u8), 0);
  EXPECT_EQ(to(300, DType::u8), 255);
  EXPECT_EQ(to(INFINITY, DType::i64), INT64_MAX);
  EXPECT_EQ(static_cast<uint64_t>(to(1e30, DType::u64)), UINT64_MAX);
  EXPECT_EQ(cast(Scalar::of_int(DType::i32, 300), DType::i8).i, 44);
}

TEST(Cast, ArraysMayBeCastInPlace) {
  std::vector<char> bytes(4 * 3000);
  for (uint16_t i = 0; i < 3000; ++i) {
    const uint16_t h = f64_to_f16(i);
    std::memcpy(&bytes[2 * i], &h, 2);
  }
  cast_array(DType::f16, bytes.data(), DType::f32, bytes.data(), 2000);
  for (int i = 0; i < 2000; ++i) {
    float v;
    std::memcpy(&v, &bytes[static_cast<size_t>(4 * i)], 4);
    ASSERT_EQ(v, static_cast<float>(i));
  }
}

}  // namespace
}  // namespace mintor
