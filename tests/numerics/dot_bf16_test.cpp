// SPDX-License-Identifier: Apache-2.0
// The row dot_bf16 and vdpbf16ps: what Intel's manual says that the instruction does (the high
// products first, operands and results below 2^-126 as 0), written a second time, against the row,
// and, on a CPU that has it, against the instruction. Takes random pairs; fails where the two are
// further apart than two roundings of what is summed.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "compiler/ir/scalar_eval.h"
#include "tests/numerics/compilers.h"
#include "tests/numerics/samples.h"

namespace mintor {
namespace {

float half_of(float word, bool high) {
  const auto bits = std::bit_cast<uint32_t>(word);
  return std::bit_cast<float>(high ? bits & 0xffff0000u : bits << 16);
}

// A subnormal is 0 of its sign.
float flushed(float v) {
  return std::abs(v) < std::numeric_limits<float>::min() ? std::copysign(0.0f, v) : v;
}

float instruction(float x, float y, float z) {
  float sum = z;
  for (const bool high : {true, false})
    sum = flushed(std::fma(flushed(half_of(x, high)), flushed(half_of(y, high)), flushed(sum)));
  return sum;
}

float row(float x, float y, float z) {
  float result = 0;
  const void* operands[] = {&x, &y, &z};
  evaluate_array(ScalarOp::dot_bf16, DType::f32, operands, &result, 1);
  return result;
}

// Two bf16 from 2^-8 to 2^8, of both signs.
float random_word(Random& random) {
  const auto half = [&] {
    const uint64_t bits = random.next();
    return static_cast<uint32_t>((bits & 0x807f) | (119 + (bits >> 32) % 16) << 7);
  };
  return std::bit_cast<float>(half() << 16 | half());
}

TEST(DotBf16, LowProductsFirstEachRoundedOnce) {
  const auto word = [](float low, float high) {
    return std::bit_cast<float>(std::bit_cast<uint32_t>(high) | std::bit_cast<uint32_t>(low) >> 16);
  };
  EXPECT_EQ(row(word(2, 3), word(5, 7), 11), 2 * 5 + 3 * 7 + 11);
  // 2^24 + 1 rounds to 2^24, so that the order shows.
  EXPECT_EQ(row(word(1, -16777216), word(1, 1), 16777216), 0);
  EXPECT_EQ(instruction(word(1, -16777216), word(1, 1), 16777216), 1);
  // Subnormals are kept, as everywhere; the instruction has none.
  const float tiny = std::ldexp(1.0f, -130);
  EXPECT_EQ(row(word(tiny, 0), word(1, 0), 0), tiny);
  EXPECT_EQ(instruction(word(tiny, 0), word(1, 0), 0), 0);
  EXPECT_EQ(instruction(word(0, 0), word(0, 0), tiny), 0);
}

TEST(DotBf16, TheInstructionIsNear) {
  Random random(5);
  for (int n = 0; n < 200000; ++n) {
    const float x = random_word(random), y = random_word(random);
    const float z = half_of(random_word(random), true);
    const float a = row(x, y, z), b = instruction(x, y, z);
    float size = std::abs(z);
    for (const bool high : {false, true}) size += std::abs(half_of(x, high) * half_of(y, high));
    ASSERT_LE(std::abs(a - b), size * std::ldexp(1.0f, -22) + std::ldexp(1.0f, -124))
        << half_of(x, false) << " " << half_of(x, true) << ", " << half_of(y, false) << " "
        << half_of(y, true) << ", " << z;
  }
}

// By every compiler; skipped on CPUs that lack it.
TEST(DotBf16, TheInstructionDoesWhatTheManualSays) {
  if (!cpu_runs("v4-bf16")) GTEST_SKIP() << "this CPU has no vdpbf16ps";
  using ApplyFn = bool (*)(int, int, int, const void* const*, void*, long);
  for (const std::string& compiler : kCompilers) {
    if (!has_compiler(compiler)) continue;
    Folder folder;
    const std::string file = folder.file("unit.so");
    ASSERT_EQ(compile(compiler, kLevels[4], "-shared -DUNIT_ROWS", "level_unit.cpp", file, folder),
              "");
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << dlerror();
    const auto apply = reinterpret_cast<ApplyFn>(dlsym(library, "unit_apply"));
    Random random(6);
    std::vector<float> x(4096), y(4096), z(4096), got(4096);
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = random_word(random);
      y[i] = random_word(random);
      z[i] = half_of(random_word(random), true);
    }
    const void* operands[] = {x.data(), y.data(), z.data()};
    ASSERT_TRUE(apply(static_cast<int>(ScalarOp::dot_bf16), static_cast<int>(DType::f32), 16,
                      operands, got.data(), 4096));
    for (size_t i = 0; i < x.size(); ++i)
      ASSERT_EQ(got[i], instruction(x[i], y[i], z[i])) << compiler << " " << i;
    dlclose(library);
  }
}

}  // namespace
}  // namespace mintor
