// SPDX-License-Identifier: Apache-2.0
// Element types and single elements: names, sizes, conversion, reading and writing; 16-bit floats
// against each other over all values; the texts of the two error classes.
// Keeps true: nothing here uses the code that kernels use.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "compiler/support/dtype.h"
#include "compiler/support/error.h"
#include "compiler/support/float16.h"

namespace mintor {
namespace {

TEST(DType, NamesAndSizes) {
  int64_t bytes = 0;
  for (int i = 0; i < kDTypeCount; ++i) {
    const DType d = static_cast<DType>(i);
    EXPECT_EQ(parse_dtype(name_of(d)), d);
    bytes += size_of(d);
  }
  EXPECT_EQ(bytes, 8 + 4 + 2 + 2 + 1 + 2 + 4 + 8 + 1 + 2 + 4 + 8 + 1);
  EXPECT_EQ(name_of(DType::boolean), "bool");
  EXPECT_EQ(parse_dtype("float"), std::nullopt);
}

TEST(Scalar, ReadsWhatItWrote) {
  for (int i = 0; i < kDTypeCount; ++i) {
    const DType d = static_cast<DType>(i);
    for (int64_t v : {0, 1, 77, 127}) {
      const Scalar s = Scalar::of_int(d, v);
      unsigned char bytes[16];
      std::memset(bytes, 0xab, sizeof bytes);
      s.write(bytes);
      EXPECT_TRUE(Scalar::read(d, bytes).same_bits(s)) << name_of(d) << " " << v;
      EXPECT_EQ(bytes[size_of(d)], 0xab) << "wrote past one " << name_of(d);
    }
  }
}

TEST(Scalar, ConvertsAsACastWould) {
  EXPECT_EQ(Scalar::of(DType::i8, 200.7).i, 127);
  EXPECT_EQ(Scalar::of(DType::u8, -3).i, 0);
  EXPECT_EQ(Scalar::of(DType::i64, 1e300).i, INT64_MAX);
  EXPECT_EQ(Scalar::of(DType::i64, -1e300).i, INT64_MIN);
  EXPECT_EQ(Scalar::of(DType::u64, 1e300).i, -1);
  EXPECT_EQ(Scalar::of(DType::i32, NAN).i, 0);
  EXPECT_EQ(Scalar::of(DType::boolean, 0.5).i, 1);
  EXPECT_EQ(Scalar::of(DType::f32, 0.1).f, static_cast<double>(0.1f));
  EXPECT_EQ(Scalar::of_int(DType::i8, 300).i, 44);
  EXPECT_EQ(Scalar::of_int(DType::u16, -1).i, 65535);
  EXPECT_EQ(Scalar::of_int(DType::f32, (int64_t{1} << 60) + 1).f, 0x1p60);
}

TEST(Scalar, SameBitsTellsZerosApartAndNotNaNs) {
  EXPECT_FALSE(Scalar::of(DType::f32, 0.0).same_bits(Scalar::of(DType::f32, -0.0)));
  EXPECT_TRUE(Scalar::of(DType::f32, NAN).same_bits(Scalar::of(DType::f32, -NAN)));
  EXPECT_FALSE(Scalar::of(DType::f32, 1).same_bits(Scalar::of(DType::f64, 1)));
}

TEST(Float16, WideningAndNarrowingAreInverse) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const uint16_t h = static_cast<uint16_t>(bits);
    const bool f16_nan = (h & 0x7fff) > 0x7c00, bf16_nan = (h & 0x7fff) > 0x7f80;
    if (!f16_nan) { ASSERT_EQ(f64_to_f16(f16_to_f64(h)), h); }
    if (!bf16_nan) { ASSERT_EQ(f64_to_bf16(bf16_to_f64(h)), h); }
    if (f16_nan) {
      ASSERT_TRUE(std::isnan(f16_to_f32(h)));
      ASSERT_EQ(f32_to_f16(f16_to_f32(h)), (h & 0x8000) | 0x7e00);
    }
  }
}

TEST(Float16, KnownValues) {
  EXPECT_EQ(f16_to_f64(0x3c00), 1.0);
  EXPECT_EQ(f16_to_f64(0x0001), 0x1p-24);
  EXPECT_EQ(f16_to_f64(0xfbff), -65504.0);
  EXPECT_EQ(bf16_to_f64(0x3f80), 1.0);
  EXPECT_EQ(bf16_to_f64(0x0001), 0x1p-133);
  EXPECT_EQ(f64_to_f16(65519.999), 0x7bff);
  EXPECT_EQ(f64_to_f16(65520.0), 0x7c00);
  EXPECT_EQ(f64_to_f16(0x1p-25), 0);          // half of the smallest, ties to even
  EXPECT_EQ(f64_to_f16(0x1.0001p-25), 1);
  EXPECT_EQ(f64_to_f16(1 + 0x1p-11), 0x3c00);  // tie to even
  EXPECT_EQ(f64_to_f16(1 + 0x1p-11 + 0x1p-52), 0x3c01);
}

TEST(Errors, TextsNameOperatorPlaceAndHelp) {
  const CompileError full("conv", "the kernel is 3x3 but the input 2x2", "layer1/conv",
                          "pad the input");
  EXPECT_STREQ(
      full.what(),
      "error: conv: the kernel is 3x3 but the input 2x2\n  at layer1/conv\n  help: pad the input");
  EXPECT_EQ(full.op(), "conv");
  EXPECT_EQ(full.problem(), "the kernel is 3x3 but the input 2x2");
  EXPECT_STREQ(CompileError("", "no such file: x.onnx").what(), "error: no such file: x.onnx");
  const InternalError bug("fuse", "a value has no producer", "graph {}");
  EXPECT_STREQ(bug.what(), "internal error: fuse: a value has no producer");
  EXPECT_EQ(bug.repro(), "graph {}");
  EXPECT_NO_THROW(check(true, "here", "fine"));
  EXPECT_THROW(check(false, "here", "broken"), InternalError);
}

}  // namespace
}  // namespace mintor
