// SPDX-License-Identifier: Apache-2.0
// matmul, gemm, matmul_integer and einsum against plain loops over whole numbers (exact).
// Inputs are small enough that every order of summation gives the same bits.
#include "tests/ops/ops_helper.h"

namespace mintor::test {
namespace {

std::vector<double> product(const std::vector<double>& x, const std::vector<double>& y, int64_t m,
                            int64_t k, int64_t n) {
  std::vector<double> out(static_cast<size_t>(m * n), 0);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t c = 0; c < k; ++c)
        out[static_cast<size_t>(i * n + j)] +=
            x[static_cast<size_t>(i * k + c)] * y[static_cast<size_t>(c * n + j)];
    }
  }
  return out;
}

std::vector<double> part(const std::vector<double>& v, int64_t start, int64_t count) {
  return {v.begin() + start, v.begin() + start + count};
}

TEST(matmul, two_matrices) {
  Op op;
  EXPECT_EQ(op.list(ops::matmul(op.b, op.f32({3, 5}), op.f32({5, 4}))),
            product(numbers(15), numbers(20), 3, 5, 4));
}

TEST(matmul, one_dimensional_operands) {
  Op dot, row, column;
  EXPECT_EQ(dot.list(ops::matmul(dot.b, dot.f32({5}), dot.f32({5}))),
            product(numbers(5), numbers(5), 1, 5, 1));
  Value y = ops::matmul(row.b, row.f32({5}), row.f32({5, 4}));
  EXPECT_EQ(y.shape(), Shape{4});
  EXPECT_EQ(row.list(y), product(numbers(5), numbers(20), 1, 5, 4));
  Value z = ops::matmul(column.b, column.f32({3, 5}), column.f32({5}));
  EXPECT_EQ(z.shape(), Shape{3});
  EXPECT_EQ(column.list(z), product(numbers(15), numbers(5), 3, 5, 1));
}

TEST(matmul, batches_broadcast_and_rows_join_m) {
  Op op;
  Value y = ops::matmul(op.b, op.f32({2, 1, 3, 5}), op.f32({4, 5, 2}));
  EXPECT_EQ(y.shape(), (Shape{2, 4, 3, 2}));
  std::vector<double> x = numbers(30), w = numbers(40), got = op.list(y);
  for (int64_t a = 0; a < 2; ++a) {
    for (int64_t c = 0; c < 4; ++c) {
      EXPECT_EQ(part(got, (a * 4 + c) * 6, 6),
                product(part(x, a * 15, 15), part(w, c * 10, 10), 3, 5, 2));
    }
  }
  Op rows;
  Value z = ops::matmul(rows.b, rows.f32({2, 3, 5}), rows.f32({5, 2}));
  const Contract& contract = z.node->as<Contract>();
  EXPECT_EQ(contract.axes[0].role, AxisRole::m);  // no batch: 6 rows of one product
  EXPECT_EQ(rows.list(z), product(numbers(30), numbers(10), 6, 5, 2));
}

TEST(matmul, symbolic_batch_and_empty_sum) {
  Op op;
  Index n = op.symbol("batch");
  Value x = op.in(tensor(DType::f32, {3, 2}, numbers(6)), {n, 2});
  EXPECT_EQ(op.list(ops::matmul(op.b, x, op.f32({2, 4}))),
            product(numbers(6), numbers(8), 3, 2, 4));
  Op empty;
  EXPECT_EQ(empty.list(ops::matmul(empty.b, empty.f32({2, 0}), empty.f32({0, 2}))),
            std::vector<double>(4, 0));
}

TEST(matmul, half_is_summed_in_f32_and_rounded_once) {
  Op op;
  // 2048 + 1 is not an f16; the sum 2048 + 1 + 1 is.
  Value x = op.of(DType::f16, {1, 3}, {2048, 1, 1}), y = op.of(DType::f16, {3, 1}, {1, 1, 1});
  Value z = ops::matmul(op.b, x, y);
  EXPECT_EQ(z.dtype(), DType::f16);
  EXPECT_EQ(op.list(z), std::vector<double>{2050});
}

TEST(matmul, integers_wrap) {
  Op op;
  Value x = op.of(DType::i32, {1, 2}, {2147483647, 1}), y = op.of(DType::i32, {2, 1}, {1, 1});
  EXPECT_EQ(op.list(ops::matmul(op.b, x, y)), std::vector<double>{-2147483648.0});
}

TEST(matmul, errors_name_shapes) {
  Op op;
  std::string text = error_of([&] { ops::matmul(op.b, op.f32({3, 5}), op.f32({4, 2})); });
  EXPECT_NE(text.find("error: matmul: the sizes to be summed differ: f32[3, 5] @ f32[4, 2]"),
            std::string::npos)
      << text;
  text = error_of([&] { ops::matmul(op.b, op.f32({2, 3, 5}), op.f32({3, 5, 2})); });
  EXPECT_NE(text.find("batch sizes 2 and 3 differ"), std::string::npos) << text;
  text =
      error_of([&] { ops::matmul(op.b, op.f32({3, 5}), op.of(DType::f64, {5, 2}, numbers(10))); });
  EXPECT_NE(text.find("operands of different dtypes: f32[3, 5] and f64[5, 2]"), std::string::npos)
      << text;
}

TEST(linear, is_matmul_by_the_transpose) {
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{3}, {2, 3}, {2, 1, 3}}) {
    Op op, other;
    const Value y = ops::linear(op.b, op.f32(shape), op.f32({4, 3}));
    const Value weight = other.b.transpose(other.f32({4, 3}), {1, 0});
    EXPECT_EQ(op.list(y), other.list(ops::matmul(other.b, other.f32(shape), weight)));
  }
  Op op;
  const std::string text = error_of([&] { ops::linear(op.b, op.f32({2, 3}), op.f32({4, 2})); });
  EXPECT_NE(text.find("the sizes to be summed differ: f32[2, 3], weight f32[4, 2]"),
            std::string::npos)
      << text;
}

TEST(gemm, transposes_and_factors) {
  std::vector<double> xt = {1, 4, 2, 5, 3, 6},
                      yt = {1, 3, 5, 2, 4, 6};  // transposes of [2,3] and [3,2]
  std::vector<double> wanted = product({1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 6}, 2, 3, 2);
  for (double& v : wanted) v = 2 * v;
  for (size_t i = 0; i < 4; ++i) wanted[i] += 3 * (i % 2 == 0 ? 10 : 20);
  Op op;
  Value y = ops::gemm(op.b, op.f32({3, 2}, xt), op.f32({2, 3}, yt), op.f32({2}, {10, 20}), 2, 3,
                      true, true);
  EXPECT_EQ(op.list(y), wanted);
}

TEST(matmul_integer, zero_points) {
  Op op;
  Value x = op.of(DType::u8, {2, 3}, {0, 128, 255, 7, 8, 9}),
        y = op.of(DType::i8, {3, 2}, {-128, 127, 1, 2, 3, 4});
  Value xz = op.of(DType::u8, {}, {128}), yz = op.of(DType::i8, {2}, {1, -1});
  std::vector<double> wanted =
      product({-128, 0, 127, -121, -120, -119}, {-129, 128, 0, 3, 2, 5}, 2, 3, 2);
  Value z = ops::matmul_integer(op.b, x, y, xz, yz);
  EXPECT_EQ(z.dtype(), DType::i32);
  EXPECT_EQ(op.list(z), wanted);
}

TEST(matmul_integer, sums_do_not_saturate) {
  Op op;
  std::vector<double> big(64, 255), low(64, -128);
  Value z = ops::matmul_integer(op.b, op.of(DType::u8, {1, 64}, big),
                                op.of(DType::i8, {64, 1}, low), {}, {});
  EXPECT_EQ(op.list(z), std::vector<double>{-255.0 * 128 * 64});
}

TEST(einsum, products_diagonals_and_sums) {
  Op mm, trace, outer, chain, dots;
  std::vector<double> x6 = numbers(6), x12 = numbers(12);
  auto run = [](Op& op, std::string_view equation, std::vector<Value> operands) {
    return op.list(ops::einsum(op.b, equation, operands));
  };
  EXPECT_EQ(run(mm, "ik, kj -> ij", {mm.f32({2, 3}), mm.f32({3, 4})}), product(x6, x12, 2, 3, 4));
  EXPECT_EQ(run(trace, "ii->", {trace.f32({2, 2}, {1, 2, 3, 4})}), std::vector<double>{5});
  EXPECT_EQ(run(outer, "i,j->ji", {outer.f32({2}, {2, 3}), outer.f32({2}, {5, 7})}),
            (std::vector<double>{10, 15, 14, 21}));
  EXPECT_EQ(run(chain, "i,ij,j",
                {chain.f32({2}, {1, 2}), chain.f32({2, 2}, {1, 2, 3, 4}), chain.f32({2}, {1, 1})}),
            std::vector<double>{17});
  EXPECT_EQ(run(dots, "...ij,...jk->...ik",
                {dots.f32({2, 1, 2}, {1, 2, 3, 4}), dots.f32({2, 1}, {1, 1})}),
            (std::vector<double>{3, 7}));
}

TEST(einsum, errors) {
  Op op;
  auto text = [&](std::string_view equation) {
    return error_of([&] { ops::einsum(op.b, equation, std::vector<Value>{op.f32({2, 3})}); });
  };
  EXPECT_NE(text("ij,jk").find("2 terms for 1 operands"), std::string::npos);
  EXPECT_NE(text("ijk").find("does not fit f32[2, 3]"), std::string::npos);
  EXPECT_NE(text("ij->ik").find("output label 'k' is unknown"), std::string::npos);
  EXPECT_NE(text("i%").find("unexpected '%'"), std::string::npos);
}

}  // namespace
}  // namespace mintor::test
