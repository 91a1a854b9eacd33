// SPDX-License-Identifier: Apache-2.0
// Pools: padding, ceil mode, what an average counts; lists written by hand.
// Negative values show that padding never wins a maximum.
#include <cmath>
#include <limits>

#include "tests/ops/ops_helper.h"

namespace mintor::test {
namespace {

std::vector<double> up_to(int64_t count) {
  std::vector<double> out;
  for (int64_t i = 1; i <= count; ++i) out.push_back(static_cast<double>(i));
  return out;
}

TEST(max_pool, stride_and_padding) {
  Op op;
  ops::PoolAttr attr{{3, 3}, {2, 2}, {}, {1, 1}, {1, 1}};
  Value y = ops::max_pool(op.b, op.f32({1, 1, 4, 4}, up_to(16)), attr);
  EXPECT_EQ(op.list(y), (std::vector<double>{6, 8, 14, 16}));
}

TEST(max_pool, padding_never_wins_and_nan_does) {
  Op op;
  double nan = std::numeric_limits<double>::quiet_NaN();
  ops::PoolAttr attr{{2}, {2}, {}, {1}, {1}};
  std::vector<double> got =
      op.list(ops::max_pool(op.b, op.f32({1, 1, 4}, {-5, -7, nan, -1}), attr));
  EXPECT_EQ(got[0], -5);
  EXPECT_TRUE(std::isnan(got[1]));
  EXPECT_EQ(got[2], -1);
}

TEST(max_pool, dilation_and_integers) {
  Op op;
  ops::PoolAttr attr{{2}, {1}, {2}, {}, {}};
  EXPECT_EQ(op.list(ops::max_pool(op.b, op.of(DType::i8, {1, 1, 5}, {3, -4, 1, 9, 2}), attr)),
            (std::vector<double>{3, 9, 2}));
}

TEST(max_pool, ceil_mode_drops_windows_that_start_in_the_padding) {
  ops::PoolAttr attr{{2}, {2}, {}, {}, {}, true};
  Op odd, padded;
  EXPECT_EQ(odd.list(ops::max_pool(odd.b, odd.f32({1, 1, 5}, up_to(5)), attr)),
            (std::vector<double>{2, 4, 5}));
  attr.pad_before = {1};
  attr.pad_after = {1};
  Value y = ops::max_pool(padded.b, padded.f32({1, 1, 3}, up_to(3)),
                          attr);  // 5 padded: windows at -1, 1, (3: in the padding)
  EXPECT_EQ(padded.list(y), (std::vector<double>{1, 3}));
}

TEST(avg_pool, counts_padding_only_when_told) {
  ops::PoolAttr attr{{2}, {2}, {}, {1}, {1}};
  Op excluded, included;
  EXPECT_EQ(excluded.list(ops::avg_pool(excluded.b, excluded.f32({1, 1, 4}, {2, 4, 6, 8}), attr)),
            (std::vector<double>{2, 5, 8}));
  attr.count_include_pad = true;
  EXPECT_EQ(included.list(ops::avg_pool(included.b, included.f32({1, 1, 4}, {2, 4, 6, 8}), attr)),
            (std::vector<double>{1, 5, 4}));
}

TEST(avg_pool, divisor_instead_of_a_count) {
  Op op;
  ops::PoolAttr attr{
      .kernel = {3}, .stride = {2}, .dilation = {}, .pad_before = {1}, .pad_after = {1}};
  attr.divisor = 2;
  EXPECT_EQ(op.list(ops::avg_pool(op.b, op.f32({1, 1, 4}, {2, 4, 6, 8}), attr)),
            (std::vector<double>{3, 9}));
}

TEST(avg_pool, ceil_mode_counts_what_is_there) {
  ops::PoolAttr attr{{3}, {2}, {}, {}, {}, true};
  Op op;
  EXPECT_EQ(op.list(ops::avg_pool(op.b, op.f32({1, 1, 6}, up_to(6)), attr)),
            (std::vector<double>{2, 4, 5.5}));
}

TEST(pool, symbolic_size) {
  Op op;
  Index n = op.symbol("length");
  ops::PoolAttr attr{{2}, {2}, {}, {1}, {1}};
  Value x = op.in(tensor(DType::f32, {1, 1, 4}, {2, 4, 6, 8}), {1, 1, n});
  EXPECT_EQ(op.list(ops::avg_pool(op.b, x, attr)), (std::vector<double>{2, 5, 8}));
}

TEST(global_pool, keeps_dimensions) {
  Op mean, most;
  Value y = ops::global_avg_pool(mean.b, mean.f32({1, 2, 2, 2}, up_to(8)));
  EXPECT_EQ(y.shape(), (Shape{1, 2, 1, 1}));
  EXPECT_EQ(mean.list(y), (std::vector<double>{2.5, 6.5}));
  EXPECT_EQ(most.list(ops::global_max_pool(most.b, most.f32({1, 2, 2, 2}, up_to(8)))),
            (std::vector<double>{4, 8}));
}

TEST(pool, errors) {
  Op op;
  std::string text =
      error_of([&] { ops::max_pool(op.b, op.f32({1, 1, 4}), {{5}, {}, {}, {}, {}}); });
  EXPECT_NE(text.find("kernel [5] exceeds the padded size of dimension 2 of f32[1, 1, 4]"),
            std::string::npos)
      << text;
  text = error_of([&] {
    ops::avg_pool(op.b, op.of(DType::i32, {1, 1, 4}, numbers(4)), {{2}, {}, {}, {}, {}});
  });
  EXPECT_NE(text.find("x must have a float dtype, not i32[1, 1, 4]"), std::string::npos) << text;
}

}  // namespace
}  // namespace mintor::test
