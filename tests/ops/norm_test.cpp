// SPDX-License-Identifier: Apache-2.0
// Normalisation, softmax and reductions against f64 loops.
// Rows have different means and variances; one softmax row would overflow without the maximum.
#include <cmath>
#include <limits>

#include "tests/ops/ops_helper.h"

namespace mintor::test {
namespace {

const std::vector<double> kRows = {1, 2, 3, 6, -1, 0, 4, 4};  // [2, 4]

std::vector<double> standardised(const std::vector<double>& v, size_t row, double eps) {
  std::vector<double> out;
  for (size_t start = 0; start < v.size(); start += row) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < row; ++i) mean += v[start + i] / static_cast<double>(row);
    for (size_t i = 0; i < row; ++i)
      variance += (v[start + i] - mean) * (v[start + i] - mean) / static_cast<double>(row);
    for (size_t i = 0; i < row; ++i)
      out.push_back((v[start + i] - mean) / std::sqrt(variance + eps));
  }
  return out;
}

TEST(layer_norm, rows_scale_bias_and_statistics) {
  std::vector<double> wanted = standardised(kRows, 4, 1e-5);
  for (size_t i = 0; i < 8; ++i) wanted[i] = wanted[i] * static_cast<double>(i % 4 + 1) + 10;
  Op op;
  Value mean, inv;
  Value y = ops::layer_norm(op.b, op.f32({2, 4}, kRows), op.f32({4}, {1, 2, 3, 4}),
                            op.f32({4}, {10, 10, 10, 10}), -1, 1e-5, &mean, &inv);
  EXPECT_EQ(mean.shape(), (Shape{2, 1}));
  expect_near(op.list(y), wanted, 1e-5);
  expect_near(op.list(mean), {3, 1.75}, 0);
}

TEST(layer_norm, over_two_dimensions_with_a_symbol) {
  Op op;
  Value x = op.in(tensor(DType::f32, {2, 2, 2}, kRows), {2, op.symbol("rows"), 2});
  expect_near(op.list(ops::layer_norm(op.b, x, {}, {}, 1, 1e-5)), standardised(kRows, 4, 1e-5),
              1e-6);
}

TEST(layer_norm, f16_is_computed_in_f32) {
  Op op;
  Value y = ops::layer_norm(op.b, op.of(DType::f16, {2, 4}, kRows), {}, {}, -1, 1e-5);
  EXPECT_EQ(y.dtype(), DType::f16);
  expect_near(op.list(y), standardised(kRows, 4, 1e-5), 1e-3);
}

TEST(batch_norm, per_channel) {
  Op op;
  Value y = ops::batch_norm(op.b, op.f32({1, 2, 2}, {1, 2, 3, 4}), op.f32({2}, {2, 3}),
                            op.f32({2}, {10, 20}), op.f32({2}, {1, 4}), op.f32({2}, {4, 9}), 0);
  expect_near(op.list(y), {10, 11, 19, 20}, 1e-5);
  std::string text = error_of([&] {
    ops::batch_norm(op.b, op.f32({1, 2, 2}), op.f32({3}), op.f32({2}), op.f32({2}), op.f32({2}), 0);
  });
  EXPECT_NE(text.find("statistics f32[3] do not fit 2 channels of f32[1, 2, 2]"), std::string::npos)
      << text;
}

TEST(batch_norm, training_by_its_own_statistics) {
  // Two channels of two images: 1 2 -1 0 and 3 6 4 4.
  Op op;
  const ops::BatchNorm made = ops::batch_norm_training(
      op.b, op.f32({2, 2, 2}, kRows), op.f32({2}, {1, 2}), op.f32({2}, {0, 10}), 1e-5);
  expect_near(op.list(made.mean), {0.5, 4.25}, 0);
  expect_near(op.list(made.variance), {1.25, 1.1875}, 1e-6);
  std::vector<double> wanted;
  for (size_t i = 0; i < 8; ++i) {
    const bool second = i % 4 >= 2;
    const double unit =
        (kRows[i] - (second ? 4.25 : 0.5)) / std::sqrt((second ? 1.1875 : 1.25) + 1e-5);
    wanted.push_back(second ? 2 * unit + 10 : unit);
  }
  expect_near(op.list(made.y), wanted, 1e-5);
}

TEST(batch_norm, training_far_from_zero_has_unit_variance) {
  Op op;  // a difference of mean squares would leave nothing of it
  const ops::BatchNorm made =
      ops::batch_norm_training(op.b, op.f32({4, 1}, {1000, 1000.5, 1001, 1001.5}), {}, {}, 0);
  expect_near(op.list(made.y), {-1.341641, -0.447214, 0.447214, 1.341641}, 1e-5);
}

TEST(instance_and_group_norm, regroup_the_same_numbers) {
  Op instance, group;
  expect_near(
      instance.list(ops::instance_norm(instance.b, instance.f32({1, 2, 4}, kRows),
                                       instance.f32({2}, {1, 2}), instance.f32({2}, {0, 1}), 1e-5)),
      [] {
        auto v = standardised(kRows, 4, 1e-5);
        for (size_t i = 4; i < 8; ++i) v[i] = v[i] * 2 + 1;
        return v;
      }(),
      1e-5);
  Value y = ops::group_norm(group.b, group.f32({1, 4, 2}, kRows), group.f32({4}, {1, 1, 1, 1}),
                            group.f32({4}, {0, 0, 0, 0}), 2, 1e-5);
  expect_near(group.list(y), standardised(kRows, 4, 1e-5), 1e-5);
}

TEST(softmax, exact_two_pass) {
  Op op;
  std::vector<double> got =
      op.list(ops::softmax(op.b, op.f32({2, 2}, {1000, 1001, -1000, -1000}), {-1}));
  expect_near(got, {1 / (1 + std::exp(1.0)), 1 / (1 + std::exp(-1.0)), 0.5, 0.5}, 1e-7);
  Op logs;
  expect_near(logs.list(ops::log_softmax(logs.b, logs.f32({1, 2}, {0, 1000}), {1})), {-1000, 0},
              1e-3);
  Op columns;
  expect_near(columns.list(ops::softmax(columns.b, columns.f32({2, 2}, {0, 5, 0, 5}), {0})),
              {0.5, 0.5, 0.5, 0.5}, 0);
}

TEST(reduce, all_kinds) {
  auto run = [](ops::Reduction r, std::vector<int64_t> axes, bool keep) {
    Op op;
    return op.list(ops::reduce(op.b, r, op.f32({2, 4}, kRows), axes, keep));
  };
  using R = ops::Reduction;
  EXPECT_EQ(run(R::sum, {1}, false), (std::vector<double>{12, 7}));
  EXPECT_EQ(run(R::mean, {-1}, true), (std::vector<double>{3, 1.75}));
  EXPECT_EQ(run(R::max, {0}, false), (std::vector<double>{1, 2, 4, 6}));
  EXPECT_EQ(run(R::min, {}, false), std::vector<double>{-1});
  EXPECT_EQ(run(R::prod, {1}, false), (std::vector<double>{36, -0.0}));
  EXPECT_EQ(run(R::sum_square, {1}, false), (std::vector<double>{50, 33}));
  EXPECT_EQ(run(R::l1, {1}, false), (std::vector<double>{12, 9}));
  expect_near(run(R::l2, {1}, false), {std::sqrt(50.0), std::sqrt(33.0)}, 1e-6);
  expect_near(run(R::log_sum, {1}, false), {std::log(12.0), std::log(7.0)}, 1e-6);
  expect_near(run(R::log_sum_exp, {1}, false),
              {std::log(std::exp(1.) + std::exp(2.) + std::exp(3.) + std::exp(6.)),
               std::log(std::exp(-1.) + 1 + 2 * std::exp(4.))},
              1e-6);
}

TEST(reduce, shapes_dtypes_and_errors) {
  Op op;
  Value x = op.f32({2, 3, 4});
  EXPECT_EQ(ops::reduce(op.b, ops::Reduction::sum, x, std::vector<int64_t>{0, -1}, true).shape(),
            (Shape{1, 3, 1}));
  EXPECT_EQ(ops::reduce(op.b, ops::Reduction::sum, x, {}, false).shape(), Shape{});
  EXPECT_NE(error_of([&] {
              ops::reduce(op.b, ops::Reduction::sum, x, std::vector<int64_t>{3}, true);
            }).find("axis 3 of a value with 3 dimensions"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              ops::reduce(op.b, ops::Reduction::sum, x, std::vector<int64_t>{0, -3}, true);
            }).find("named twice"),
            std::string::npos);
  Op bits;
  Value flags = bits.of(DType::boolean, {2, 2}, {0, 1, 0, 0});
  EXPECT_EQ(
      bits.list(ops::reduce(bits.b, ops::Reduction::any, flags, std::vector<int64_t>{1}, false)),
      (std::vector<double>{1, 0}));
  Op infinite;
  double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(infinite.list(ops::reduce(infinite.b, ops::Reduction::log_sum_exp,
                                      infinite.f32({2}, {-inf, -inf}), {}, false))[0],
            -inf);
}

TEST(arg_reduce, ties_and_last) {
  Op first, last, least;
  EXPECT_EQ(first.list(ops::arg_max(first.b, first.f32({2, 4}, kRows), 1, false)),
            (std::vector<double>{3, 2}));
  EXPECT_EQ(last.list(ops::arg_max(last.b, last.f32({2, 4}, kRows), 1, false, true)),
            (std::vector<double>{3, 3}));
  Value y = ops::arg_min(least.b, least.f32({2, 4}, kRows), 0, true);
  EXPECT_EQ(y.shape(), (Shape{1, 4}));
  EXPECT_EQ(least.list(y), (std::vector<double>{1, 1, 0, 1}));
}

TEST(cum_sum, directions) {
  auto run = [](bool exclusive, bool reverse) {
    Op op;
    return op.list(ops::cum_sum(op.b, op.f32({4}, {1, 2, 3, 4}), 0, exclusive, reverse));
  };
  EXPECT_EQ(run(false, false), (std::vector<double>{1, 3, 6, 10}));
  EXPECT_EQ(run(true, false), (std::vector<double>{0, 1, 3, 6}));
  EXPECT_EQ(run(false, true), (std::vector<double>{10, 9, 7, 4}));
  EXPECT_EQ(run(true, true), (std::vector<double>{9, 7, 4, 0}));
}

}  // namespace
}  // namespace mintor::test
