// SPDX-License-Identifier: Apache-2.0
// Orders, the largest, distinct values, places: with ties, zeros of both signs and infinities.
// Takes short lists; gives what was written by hand. Keeps true: every order here is stable.
#include "compiler/ops/order.h"

#include <limits>

#include "tests/ops/ops_helper.h"

namespace mintor::test {
namespace {

const double kInfinity = std::numeric_limits<double>::infinity();

TEST(order, ties_stay_as_they_lie) {
  Op op;
  const Value x = op.f32({5}, {2, -0.0, 2, 0, -kInfinity});
  EXPECT_EQ(op.list(ops::order_along(op.b, x, 0, false)), (std::vector<double>{4, 1, 3, 0, 2}));
  EXPECT_EQ(op.list(ops::order_along(op.b, x, 0, true)), (std::vector<double>{0, 2, 1, 3, 4}));
}

TEST(order, nan_is_the_largest) {
  Op op;
  const Value x = op.f32({3}, {kInfinity, std::numeric_limits<double>::quiet_NaN(), 1});
  EXPECT_EQ(op.list(ops::order_along(op.b, x, 0, false)), (std::vector<double>{2, 0, 1}));
}

TEST(order, top_k_along_an_axis) {
  Op op;
  const ops::TopK top = ops::top_k(op.b, op.f32({3, 2}, {1, 6, 5, 2, 3, 4}), 2, 0, true);
  EXPECT_EQ(op.list(top.values), (std::vector<double>{5, 6, 3, 4}));
  EXPECT_EQ(op.list(top.indices), (std::vector<double>{1, 0, 2, 2}));
  EXPECT_NE(error_of([&] { ops::top_k(op.b, op.f32({3}), 4, 0, true); }).find("k is 4"),
            std::string::npos);
}

// Few of many: ties in their order, the ends of lines that no block fills, both directions; and no
// line is sorted as a whole.
TEST(order, top_k_of_few_of_many) {
  constexpr int64_t kLong = 1003;
  for (const bool largest : {false, true})
    for (const int64_t k : {1, 5, 60}) {
      Op op;
      std::vector<double> numbers;
      for (int64_t i = 0; i < 2 * kLong; ++i)
        numbers.push_back(static_cast<double>(i * i * 7919 % 211) * (i % 3 == 0 ? -1 : 1));
      const Value x = op.f32({2, kLong}, numbers);
      const ops::TopK top = ops::top_k(op.b, x, k, 1, largest);
      for (const auto& node : op.b.graph().nodes())
        if (node->kind == Kind::sort) {
          EXPECT_LT(node->results[0].shape[1].value(), kLong / 2);
        }
      const std::vector<double> order = op.list(ops::order_along(op.b, x, 1, largest));
      std::vector<double> first;
      for (int64_t line = 0; line < 2; ++line)
        first.insert(first.end(), order.begin() + line * kLong, order.begin() + line * kLong + k);
      EXPECT_EQ(op.list(top.indices), first);
    }
}

ops::BindSize bind_in(Op& op, const std::string& name) {
  return [&op, name](Value size) {
    op.b.bind(size, name, 0, -1);
    return Index::var(name);
  };
}

TEST(order, places) {
  Op op;
  const Value mask = op.of(DType::boolean, {5}, {0, 1, 0, 1, 1});
  EXPECT_EQ(op.list(ops::places_of(op.b, mask, bind_in(op, "count"))),
            (std::vector<double>{1, 3, 4}));
}

TEST(order, unique_in_both_orders) {
  for (const bool sorted : {true, false}) {
    Op op;
    const Value x = op.f32({5}, {3, 1, 3, 2, 1});
    const ops::Unique u = ops::unique(op.b, x, std::nullopt, sorted, bind_in(op, "kinds"));
    EXPECT_EQ(op.list(u.values),
              (sorted ? std::vector<double>{1, 2, 3} : std::vector<double>{3, 1, 2}));
    EXPECT_EQ(op.list(u.inverse),
              (sorted ? std::vector<double>{2, 0, 2, 1, 0} : std::vector<double>{0, 1, 0, 2, 1}));
    EXPECT_EQ(op.list(u.counts),
              (sorted ? std::vector<double>{2, 1, 2} : std::vector<double>{2, 2, 1}));
  }
}

TEST(order, unique_rows) {
  Op op;
  const Value x = op.f32({3, 2}, {1, 2, 0, 5, 1, 2});
  const ops::Unique u = ops::unique(op.b, x, 0, true, bind_in(op, "kinds"));
  EXPECT_EQ(op.list(u.values), (std::vector<double>{0, 5, 1, 2}));
  EXPECT_EQ(op.list(u.first), (std::vector<double>{1, 0}));
}

}  // namespace
}  // namespace mintor::test
