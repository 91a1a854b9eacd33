// SPDX-License-Identifier: Apache-2.0
// Gradients of library operators against finite differences in f64, to second order.
// Takes each operator with the attributes that change its index maps; f64 where its functions have
// it.
#include <gtest/gtest.h>

#include "compiler/ops/library.h"
#include "tests/grad/check.h"

namespace mintor::test {
namespace {

using ops::ConvAttr;
using ops::PoolAttr;
using ops::Reduction;
using Values = std::span<const Value>;

void check_op(const std::vector<Given>& inputs, const std::function<Value(Builder&, Values)>& op,
              const Checks& checks = {}) {
  check_gradients(
      inputs, [&](Builder& b, Values x) { return std::vector<Value>{op(b, x)}; }, checks);
}

TEST(GradLibrary, Matmul) {
  const auto matmul = [](Builder& b, Values x) { return ops::matmul(b, x[0], x[1]); };
  check_op({f64({2, 3}), f64({3, 2})}, matmul);
  check_op({f64({3}), f64({3, 2})}, matmul);
  check_op({f64({3}), f64({3})}, matmul);
  check_op({f64({2, 2, 3}), f64({3, 2})}, matmul);
  check_op({f64({2, 1, 2, 3}), f64({3, 3, 2})}, matmul);  // both stretch
}

TEST(GradLibrary, GemmAndEinsum) {
  check_op({f64({3, 2}), f64({4, 3}), f64({4})},
           [](Builder& b, Values x) { return ops::gemm(b, x[0], x[1], x[2], 0.5, 2, true, true); });
  const auto einsum = [](const char* equation) {
    return [equation](Builder& b, Values x) { return ops::einsum(b, equation, x); };
  };
  check_op({f64({2, 3}), f64({3, 4}), f64({4, 2})}, einsum("ij,jk,kl->il"));
  check_op({f64({2, 3, 2}), f64({2, 4})}, einsum("bib,bk->ki"));
  check_op({f64({3, 3})}, einsum("ii->"));
  check_op({f64({2, 3}), f64({2, 3})}, einsum("ij,ij->j"));
}

struct ConvCase {
  std::vector<int64_t> x, weight, stride, dilation;
  std::vector<Index> before, after;
  int64_t groups = 1;
  ConvAttr attr() const { return {stride, dilation, before, after, groups}; }
};

TEST(GradLibrary, Convolutions) {
  const ConvCase cases[] = {
      {{1, 2, 6}, {3, 2, 3}, {}, {}, {1}, {1}},
      {{2, 2, 7}, {2, 2, 3}, {2}, {}, {1}, {0}},
      {{1, 1, 8}, {2, 1, 3}, {2}, {2}, {2}, {1}},  // both
      {{1, 4, 5}, {6, 2, 2}, {}, {}, {}, {}, 2},
      {{1, 3, 5}, {3, 1, 3}, {2}, {}, {1}, {1}, 3},  // depthwise
      {{1, 3, 4}, {6, 1, 2}, {}, {}, {}, {}, 3},     // depthwise, two results a channel
      {{1, 2, 6}, {2, 2, 2}, {2}, {}, {}, {}},       // windows side by side
      {{1, 2, 7}, {2, 2, 2}, {3}, {}, {1}, {}},      // gaps between windows
      {{1, 2, 4, 5}, {2, 2, 3, 2}, {2, 1}, {1, 2}, {1, 1}, {1, 0}},
      {{1, 1, 3, 3, 3}, {2, 1, 2, 2, 2}, {1, 2, 1}, {}, {0, 1, 0}, {0, 0, 1}},
  };
  for (const ConvCase& c : cases) {
    if (c.before.size() != c.after.size()) continue;
    check_op({f64(c.x), f64(c.weight), f64({c.weight[0]})},
             [&](Builder& b, Values x) { return ops::conv(b, x[0], x[1], x[2], c.attr()); });
  }
}

TEST(GradLibrary, TransposedConvolutions) {
  const ConvCase cases[] = {
      {{1, 2, 4}, {2, 3, 3}, {}, {}, {1}, {1}},
      {{1, 2, 3}, {2, 2, 3}, {2}, {}, {1}, {0}},
      {{1, 4, 3}, {4, 2, 2}, {3}, {2}, {1}, {2}, 2},
      {{1, 1, 2, 3}, {1, 2, 3, 2}, {2, 1}, {1, 2}, {1, 0}, {0, 1}},
  };
  for (const ConvCase& c : cases)
    check_op({f64(c.x), f64(c.weight)}, [&](Builder& b, Values x) {
      return ops::conv_transpose(b, x[0], x[1], {}, c.attr(), {});
    });
}

// Of a transposed convolution's weight, sums run over the input's places, none of which is left out
// (over the output's, three of four would be, for a stride of two).
TEST(GradLibrary, TransposedWeightsSumOverInputs) {
  Graph graph;
  Builder b(graph);
  const Value x = b.input("x", DType::f32, Shape{2, 8, 5, 5});
  const Value weight = b.input("weight", DType::f32, Shape{8, 3, 4, 4});
  const Value y = ops::conv_transpose(b, x, weight, {}, {{2, 2}, {}, {1, 1}, {1, 1}}, {});
  const Value ys[] = {y}, xs[] = {weight};
  const size_t before = graph.nodes().size();
  gradients(b, ys, ys, xs);
  std::vector<const Contract*> made;
  for (const auto& node : graph.nodes().subspan(before))
    if (node->kind == Kind::contract) made.push_back(&node->as<Contract>());
  ASSERT_EQ(made.size(), 1U);
  EXPECT_TRUE(made[0]->conditions.empty());
}

TEST(GradLibrary, Pools) {
  const PoolAttr cases[] = {
      {{2}, {2}, {}, {}, {}},
      {{3}, {2}, {}, {1}, {1}},
      {{2}, {}, {2}, {}, {}},
      {{3}, {2}, {}, {1}, {1}, true},
  };
  for (const PoolAttr& attr : cases) {
    check_op({f64({1, 2, 7})}, [&](Builder& b, Values x) { return ops::max_pool(b, x[0], attr); });
    check_op({f64({1, 2, 7})}, [&](Builder& b, Values x) { return ops::avg_pool(b, x[0], attr); });
    check_op({f64({1, 1, 7}, 0.5, 2)},
             [&](Builder& b, Values x) { return ops::lp_pool(b, x[0], attr, 3); });
  }
  const PoolAttr square = {{3, 2}, {2, 2}, {}, {1, 0}, {0, 1}};
  check_op({f64({1, 1, 5, 4})},
           [&](Builder& b, Values x) { return ops::max_pool(b, x[0], square); });
  check_op({f64({1, 2, 3, 2})}, [](Builder& b, Values x) { return ops::global_avg_pool(b, x[0]); });
  check_op({f64({1, 2, 3, 2})}, [](Builder& b, Values x) { return ops::global_max_pool(b, x[0]); });
}

TEST(GradLibrary, Normalisations) {
  check_op({f64({2, 4}), f64({4}), f64({4})},
           [](Builder& b, Values x) { return ops::layer_norm(b, x[0], x[1], x[2], 1, 1e-2); });
  check_op({f64({2, 4}), f64({4})},
           [](Builder& b, Values x) { return ops::rms_norm(b, x[0], x[1], 1, 1e-2); });
  check_op(
      {f64({2, 3, 2}), f64({3}), f64({3}), f64({3}), f64({3}, 0.5, 2)},
      [](Builder& b, Values x) { return ops::batch_norm(b, x[0], x[1], x[2], x[3], x[4], 1e-3); });
  check_op({f64({1, 2, 4}), f64({2}), f64({2})},
           [](Builder& b, Values x) { return ops::instance_norm(b, x[0], x[1], x[2], 1e-2); });
  check_op({f64({1, 4, 3}), f64({4}), f64({4})},
           [](Builder& b, Values x) { return ops::group_norm(b, x[0], x[1], x[2], 2, 1e-2); });
  check_op({f64({1, 4, 2})},
           [](Builder& b, Values x) { return ops::local_response_norm(b, x[0], 3, 0.3, 0.75, 1); });
  check_op({f64({2, 4})}, [](Builder& b, Values x) { return ops::softmax(b, x[0], {1}); });
  check_op({f64({2, 2, 2})}, [](Builder& b, Values x) { return ops::softmax(b, x[0], {0, 2}); });
  check_op({f64({2, 4})}, [](Builder& b, Values x) { return ops::log_softmax(b, x[0], {-1}); });
}

TEST(GradLibrary, Reductions) {
  const int64_t axes[] = {0, 2};
  for (Reduction r :
       {Reduction::sum, Reduction::mean, Reduction::max, Reduction::min, Reduction::prod,
        Reduction::sum_square, Reduction::l1, Reduction::l2, Reduction::log_sum_exp})
    check_op({f64({2, 2, 2})},
             [&](Builder& b, Values x) { return ops::reduce(b, r, x[0], axes, true); });
  check_op({f64({2, 2, 2}, 0.5, 2)}, [&](Builder& b, Values x) {
    return ops::reduce(b, Reduction::log_sum, x[0], axes, false);
  });
  for (bool exclusive : {false, true})
    for (bool reverse : {false, true})
      check_op({f64({2, 4})},
               [&](Builder& b, Values x) { return ops::cum_sum(b, x[0], 1, exclusive, reverse); });
}

TEST(GradLibrary, MovingElements) {
  const Index before[] = {1, Index(-1)}, after[] = {2, 1};
  for (ops::PadMode mode :
       {ops::PadMode::constant, ops::PadMode::edge, ops::PadMode::reflect, ops::PadMode::wrap})
    check_op({f64({3, 4})},
             [&](Builder& b, Values x) { return ops::pad(b, x[0], before, after, mode, {}); });
  check_op({f64({3, 4}), f64({})}, [&](Builder& b, Values x) {
    return ops::pad(b, x[0], before, after, ops::PadMode::constant, x[1]);
  });
  const Index repeats[] = {2, 1};
  check_op({f64({2, 3})}, [&](Builder& b, Values x) { return ops::tile(b, x[0], repeats); });
  const int64_t axes[] = {1};
  check_op({f64({2, 3})}, [&](Builder& b, Values x) { return ops::flip(b, x[0], axes); });
  check_op({f64({1, 4, 2, 2})},
           [](Builder& b, Values x) { return ops::depth_to_space(b, x[0], 2, true); });
  check_op({f64({1, 1, 4, 2})},
           [](Builder& b, Values x) { return ops::space_to_depth(b, x[0], 2, false); });
  check_op({f64({3, 3})}, [](Builder& b, Values x) { return ops::trilu(b, x[0], 0, false); });
  const Index sizes[] = {1, 2};
  check_gradients({f64({3, 2})},
                  [&](Builder& b, Values x) { return ops::split(b, x[0], 0, sizes); });
  check_op({f64({3, 2}), i64({2}, {2, 3})},
           [](Builder& b, Values x) { return ops::reverse_sequence(b, x[0], x[1], 1, 0); });
}

TEST(GradLibrary, GathersAndScatters) {
  const Given index = i64({2, 2}, {2, 0, -1, 2});
  check_op({f64({3, 2}), index}, [](Builder& b, Values x) { return ops::take(b, x[0], x[1], 0); });
  check_op({f64({3, 2}), index},
           [](Builder& b, Values x) { return ops::gather_elements(b, x[0], x[1], 0); });
  check_op({f64({3, 3}), index},
           [](Builder& b, Values x) { return ops::gather_nd(b, x[0], x[1], 0); });
  for (Combiner f : {Combiner::add, Combiner::mul, Combiner::max, Combiner::last}) {
    check_op({f64({3, 2}), index, f64({2, 2})}, [&](Builder& b, Values x) {
      return ops::scatter_elements(b, x[0], x[1], x[2], 0, f);
    });
    check_op({f64({3, 3}), index, f64({2})},
             [&](Builder& b, Values x) { return ops::scatter_nd(b, x[0], x[1], x[2], f); });
  }
}

TEST(GradLibrary, Resizes) {
  for (ops::ResizeMode mode :
       {ops::ResizeMode::nearest, ops::ResizeMode::linear, ops::ResizeMode::cubic})
    for (int64_t size : {3, 7, 8}) {
      const double scales[] = {1, 1, static_cast<double>(size) / 4, 1};
      ops::ResizeAttr attr;
      attr.mode = mode;
      check_op({f64({1, 1, 4, 2})}, [&](Builder& b, Values x) {
        return ops::resize(b, x[0], {1, 1, size, 2}, scales, attr);
      });
    }
}

// Of all results; rows that end early pass nothing back from where they have ended.
TEST(GradLibrary, RecurrentLayers) {
  const auto layer = [](auto op, ops::RecurrentAttr attr, int64_t gates) {
    const bool both = attr.direction == ops::RecurrentDirection::bidirectional;
    const int64_t d = both ? 2 : 1, rows = 2 * gates;
    std::vector<Given> given = {f64({3, 2, 1}), f64({d, rows, 1}), f64({d, rows, 2}),
                                f64({d, rows}), f64({d, rows}),    f64({d, 2, 2}),
                                f64({d, 2, 2}), f64({d, 6})};
    given.push_back({DType::i64, {2}, {3, 1}, 0, 0, {}});
    check_gradients(given, [&](Builder& b, Values x) {
      ops::RecurrentInputs in{x[0], x[1], x[2], x[3], x[4], x[8], x[5], {}, {}};
      if (gates == 4) in.c = x[6], in.peepholes = x[7];
      const ops::Recurrent out = op(b, in, attr);
      std::vector<Value> results = {out.y, out.h};
      if (out.c) results.push_back(out.c);
      return results;
    });
  };
  layer(ops::rnn, {}, 1);
  ops::RecurrentAttr reverse;
  reverse.direction = ops::RecurrentDirection::reverse;
  layer(ops::lstm, reverse, 4);
  ops::RecurrentAttr both;
  both.direction = ops::RecurrentDirection::bidirectional;
  layer(ops::gru, both, 3);
  both.linear_before_reset = true;
  layer(ops::gru, both, 3);
}

TEST(GradLibrary, Activations) {
  const Given x = f64({6}, 0.2, 2.5), both = f64({6});
  check_op({x}, [](Builder& b, Values v) { return ops::leaky_relu(b, v[0], 0.1); });
  check_op({both, f64({1})}, [](Builder& b, Values v) { return ops::prelu(b, v[0], v[1]); });
  check_op({both}, [](Builder& b, Values v) { return ops::elu(b, v[0], 1.5); });
  check_op({both}, [](Builder& b, Values v) { return ops::hard_swish(b, v[0]); });
  check_op({both}, [](Builder& b, Values v) { return ops::softsign(b, v[0]); });
  check_op({both}, [](Builder& b, Values v) { return ops::gelu(b, v[0], false); });
  check_op({both}, [](Builder& b, Values v) { return ops::gelu(b, v[0], true); });
  check_op({both, f64({}, -1, 0), f64({}, 0, 1)},
           [](Builder& b, Values v) { return ops::clip(b, v[0], v[1], v[2]); });
}

}  // namespace
}  // namespace mintor::test
