// SPDX-License-Identifier: Apache-2.0
// Operators that move, pick and place elements, against lists written by hand.
// Indices that are negative or out of range are in every gather and scatter case.
#include "tests/ops/ops_helper.h"

namespace mintor::test {
namespace {

const std::vector<double> kSix = {1, 2, 3, 4, 5, 6};

TEST(expand, both_ways) {
  Op op;
  Value y = ops::expand(op.b, op.f32({2, 1}, {1, 2}), {3, 1, 2});
  EXPECT_EQ(y.shape(), (Shape{3, 2, 2}));
  EXPECT_EQ(op.list(y), (std::vector<double>{1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2}));
  EXPECT_NE(
      error_of([&] { ops::expand(op.b, op.f32({2}), {3}); }).find("f32[2] does not expand to [3]"),
      std::string::npos);
}

TEST(dimensions, flatten_squeeze_unsqueeze) {
  Op op;
  Value x = op.f32({2, 1, 3}, kSix);
  EXPECT_EQ(ops::flatten(op.b, x, 1).shape(), (Shape{2, 3}));
  EXPECT_EQ(ops::flatten(op.b, x, 0).shape(), (Shape{1, 6}));
  EXPECT_EQ(ops::flatten(op.b, x, 3).shape(), (Shape{6, 1}));
  EXPECT_EQ(ops::squeeze(op.b, x, std::vector<int64_t>{1}).shape(), (Shape{2, 3}));
  EXPECT_EQ(ops::unsqueeze(op.b, x, std::vector<int64_t>{0, -1}).shape(), (Shape{1, 2, 1, 3, 1}));
  EXPECT_NE(error_of([&] {
              ops::squeeze(op.b, x, std::vector<int64_t>{0});
            }).find("dimension 0 of f32[2, 1, 3] is not 1"),
            std::string::npos);
}

TEST(tile, repeats) {
  Op op;
  EXPECT_EQ(op.list(ops::tile(op.b, op.f32({1, 2}, {1, 2}), std::vector<Index>{2, 2})),
            (std::vector<double>{1, 2, 1, 2, 1, 2, 1, 2}));
}

TEST(flip, axes) {
  Op op;
  EXPECT_EQ(op.list(ops::flip(op.b, op.f32({2, 3}, kSix), std::vector<int64_t>{-1})),
            (std::vector<double>{3, 2, 1, 6, 5, 4}));
}

TEST(pad, modes) {
  auto run = [](ops::PadMode mode, int64_t before, int64_t after) {
    Op op;
    return op.list(ops::pad(op.b, op.f32({3}, {1, 2, 3}), std::vector<Index>{before},
                            std::vector<Index>{after}, mode, {}));
  };
  EXPECT_EQ(run(ops::PadMode::constant, 2, 1), (std::vector<double>{0, 0, 1, 2, 3, 0}));
  EXPECT_EQ(run(ops::PadMode::edge, 2, 1), (std::vector<double>{1, 1, 1, 2, 3, 3}));
  EXPECT_EQ(run(ops::PadMode::reflect, 2, 2), (std::vector<double>{3, 2, 1, 2, 3, 2, 1}));
  EXPECT_EQ(run(ops::PadMode::wrap, 2, 1), (std::vector<double>{2, 3, 1, 2, 3, 1}));
  EXPECT_EQ(run(ops::PadMode::constant, -1, 0), (std::vector<double>{2, 3}));
}

TEST(pad, fill_from_data) {
  Op op;
  Value fill = op.f32({}, {9});
  EXPECT_EQ(op.list(ops::pad(op.b, op.f32({2}, {1, 2}), std::vector<Index>{1},
                             std::vector<Index>{1}, ops::PadMode::constant, fill)),
            (std::vector<double>{9, 1, 2, 9}));
}

TEST(split, parts_and_errors) {
  Op op;
  std::vector<Value> parts = ops::split(op.b, op.f32({2, 3}, kSix), 1, std::vector<Index>{1, 2});
  EXPECT_EQ(op.list(parts[1]), (std::vector<double>{2, 3, 5, 6}));
  std::string text =
      error_of([&] { ops::split(op.b, op.f32({2, 3}), 1, std::vector<Index>{1, 1}); });
  EXPECT_NE(text.find("the parts sum to 2, dimension 1 of f32[2, 3] has 3"), std::string::npos)
      << text;
}

TEST(depth_to_space, orders) {
  std::vector<double> x = {0, 1, 2, 3, 4, 5, 6, 7};  // [1, 8, 1, 1]
  Op depth, columns, back;
  Value y = ops::depth_to_space(depth.b, depth.f32({1, 8, 1, 1}, x), 2, false);
  EXPECT_EQ(depth.list(y), (std::vector<double>{0, 2, 4, 6, 1, 3, 5, 7}));
  EXPECT_EQ(columns.list(ops::depth_to_space(columns.b, columns.f32({1, 8, 1, 1}, x), 2, true)), x);
  Value z = ops::space_to_depth(
      back.b, ops::depth_to_space(back.b, back.f32({1, 8, 1, 1}, x), 2, false), 2, false);
  EXPECT_EQ(back.list(z), x);
}

TEST(gather, negative_and_out_of_range) {
  Op op;
  Value index = op.of(DType::i64, {3}, {-1, 0, 7});
  EXPECT_EQ(op.list(ops::take(op.b, op.f32({3, 2}, kSix), index, 0)),
            (std::vector<double>{5, 6, 1, 2, 0, 0}));
}

TEST(gather_elements, along_an_axis) {
  Op op;
  Value index = op.of(DType::i32, {2, 2}, {0, -1, 1, 0});
  EXPECT_EQ(op.list(ops::gather_elements(op.b, op.f32({2, 3}, kSix), index, 1)),
            (std::vector<double>{1, 3, 5, 4}));
}

TEST(gather_nd, with_batches) {
  Op plain, batched;
  EXPECT_EQ(plain.list(ops::gather_nd(plain.b, plain.f32({2, 3}, kSix),
                                      plain.of(DType::i64, {2, 2}, {0, 2, -1, 0}), 0)),
            (std::vector<double>{3, 4}));
  EXPECT_EQ(batched.list(ops::gather_nd(batched.b, batched.f32({2, 3}, kSix),
                                        batched.of(DType::i64, {2, 1}, {1, 2}), 1)),
            (std::vector<double>{2, 6}));
}

TEST(scatter, replaces_or_combines) {
  Op last, sum, nd;
  Value index = last.of(DType::i64, {1, 3}, {0, 2, -1});
  EXPECT_EQ(last.list(ops::scatter_elements(last.b, last.f32({1, 4}, {1, 2, 3, 4}), index,
                                            last.f32({1, 3}, {10, 20, 30}), 1, Combiner::last)),
            (std::vector<double>{10, 2, 20, 30}));
  Value twice = sum.of(DType::i64, {3}, {1, 1, 9});
  EXPECT_EQ(sum.list(ops::scatter_elements(sum.b, sum.f32({2}, {1, 2}), twice,
                                           sum.f32({3}, {10, 20, 30}), 0, Combiner::add)),
            (std::vector<double>{1, 32}));
  Value rows = nd.of(DType::i64, {1, 1}, {1});
  EXPECT_EQ(nd.list(ops::scatter_nd(nd.b, nd.f32({2, 2}, {1, 2, 3, 4}), rows,
                                    nd.f32({1, 2}, {8, 9}), Combiner::last)),
            (std::vector<double>{1, 2, 8, 9}));
}

TEST(one_hot, axis_and_negative_index) {
  Op op;
  Value y = ops::one_hot(op.b, op.of(DType::i64, {3}, {1, -1, 5}), 3,
                         ops::scalar(op.b, DType::f32, 0), ops::scalar(op.b, DType::f32, 2), 0);
  EXPECT_EQ(op.list(y), (std::vector<double>{0, 0, 0, 2, 0, 0, 0, 2, 0}));
}

TEST(trilu, keeps_a_triangle) {
  auto run = [](int64_t k, bool upper) {
    Op op;
    return op.list(ops::trilu(op.b, op.f32({2, 3}, kSix), k, upper));
  };
  EXPECT_EQ(run(0, true), (std::vector<double>{1, 2, 3, 0, 5, 6}));
  EXPECT_EQ(run(1, true), (std::vector<double>{0, 2, 3, 0, 0, 6}));
  EXPECT_EQ(run(0, false), (std::vector<double>{1, 0, 0, 4, 5, 0}));
  EXPECT_EQ(run(-5, false), std::vector<double>(6, 0));
  EXPECT_EQ(run(-5, true), kSix);
}

TEST(range, symbolic_count) {
  Op op;
  Index n = op.symbol("n");
  op.in(tensor(DType::f32, {3}, {0, 0, 0}), {n});
  EXPECT_EQ(op.list(ops::range(op.b, DType::i64, 5, n, -2)), (std::vector<double>{5, 3, 1}));
}

TEST(resize, nearest_and_linear) {
  Op twice, linear, down;
  ops::ResizeAttr attr;
  attr.coordinates = "asymmetric";
  attr.nearest = "floor";
  Value y = ops::resize(twice.b, twice.f32({1, 1, 2}, {1, 2}), Shape{1, 1, 4},
                        std::vector<double>{1, 1, 2}, attr);
  EXPECT_EQ(twice.list(y), (std::vector<double>{1, 1, 2, 2}));
  attr = {};
  attr.mode = ops::ResizeMode::linear;
  Value z = ops::resize(linear.b, linear.f32({1, 1, 2}, {0, 4}), Shape{1, 1, 4},
                        std::vector<double>{1, 1, 2}, attr);
  EXPECT_EQ(linear.list(z), (std::vector<double>{0, 1, 3, 4}));
  attr = {};
  Value w = ops::resize(down.b, down.f32({1, 1, 4}, {1, 2, 3, 4}), Shape{1, 1, 2},
                        std::vector<double>{1, 1, 0.5}, attr);
  EXPECT_EQ(down.list(w), (std::vector<double>{1, 3}));
}

TEST(reverse_sequence, up_to_each_length) {
  Op op;
  Value y = ops::reverse_sequence(op.b, op.f32({2, 3}, kSix), op.of(DType::i64, {2}, {2, 3}), 0, 1);
  EXPECT_EQ(op.list(y), (std::vector<double>{2, 1, 3, 6, 5, 4}));
}

}  // namespace
}  // namespace mintor::test
