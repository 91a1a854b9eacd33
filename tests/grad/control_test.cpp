// SPDX-License-Identifier: Apache-2.0
// Gradients through regions: if, loop with carried, scanned, stacked and captured values, and one
// in the other; to second order.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/ops/library.h"
#include "tests/grad/check.h"
#include "tests/ir/graph_helper.h"

namespace mintor::test {
namespace {

using Values = std::span<const Value>;

std::shared_ptr<const Graph> region(const std::vector<Type>& inputs,
                                    const std::function<std::vector<Value>(Builder&, Values)>& f) {
  auto graph = std::make_shared<Graph>("region");
  Builder b(*graph);
  std::vector<Value> given;
  for (const Type& type : inputs)
    given.push_back(b.input("v" + std::to_string(given.size()), type.dtype, type.shape));
  for (const Value& v : f(b, given))
    graph->results.push_back({"r" + std::to_string(graph->results.size()), v});
  return graph;
}

const Type kRow = {DType::f64, {2}}, kCount = {DType::i64, {}};

TEST(GradControl, If) {
  for (double condition : {0, 1})
    check_gradients({{DType::boolean, {}, {condition}}, f64({2}), f64({2})},
                    [](Builder& b, Values x) {
                      const auto product = region({kRow, kRow}, [](Builder& in, Values v) {
                        return std::vector<Value>{ops::mul(in, v[0], v[1]), v[0]};
                      });
                      const auto sines = region({kRow, kRow}, [](Builder& in, Values v) {
                        return std::vector<Value>{ops::apply(in, ScalarOp::sin, {v[1]}), v[1]};
                      });
                      return b.if_(x[0], x.subspan(1), product, sines);
                    });
}

// s' = tanh(w * s + x[t]) * (1 + t); stacked: s' * w.
std::shared_ptr<const Graph> cell() {
  return region({kCount, kRow, kCount, kRow, kRow}, [](Builder& in, Values v) {
    const Value t = in.broadcast(in.cast(v[0], DType::f64), {2}, {});
    const Value sum = ops::add(in, ops::mul(in, v[4], v[1]), v[3]);
    const Value next = ops::mul(in, ops::apply(in, ScalarOp::tanh, {sum}),
                                ops::add(in, t, ops::scalar(in, DType::f64, 1)));
    const Value count = ops::add(in, v[2], in.constant_int(DType::i64, 1));
    return std::vector<Value>{next, count, ops::mul(in, next, v[4])};
  });
}

TEST(GradControl, Loop) {
  check_gradients({f64({2}), i64({}, {5}), f64({3, 2}), f64({2})}, [](Builder& b, Values x) {
    return b.loop(3, x.first(2), x.subspan(2, 1), x.subspan(3), cell());
  });
}

// s' = tanh(w * tanh(w * s)) of a matrix w, a contract each.
std::shared_ptr<const Graph> matrix_cell() {
  const Type matrix = {DType::f64, {2, 2}};
  return region({kCount, matrix, matrix}, [](Builder& in, Values v) {
    Value s = v[1];
    for (int times = 0; times < 2; ++times)
      s = ops::apply(in, ScalarOp::tanh, {ops::matmul(in, v[2], s)});
    return std::vector<Value>{s};
  });
}

TEST(GradControl, LoopOfContracts) {
  check_gradients({f64({2, 2}), f64({2, 2})}, [](Builder& b, Values x) {
    return b.loop(3, x.first(1), {}, x.subspan(1), matrix_cell());
  });
}

// The way back computes the gradients of the contracts, two each, and not the contracts again.
TEST(GradControl, ALoopKeepsItsContracts) {
  Graph g;
  Builder b(g);
  const Value s = b.input("s", DType::f64, {2, 2}), w = b.input("w", DType::f64, {2, 2});
  const Value y = b.loop(3, {&s, 1}, {}, {&w, 1}, matrix_cell())[0];
  const Value ones = b.full(DType::f64, {2, 2}, 1);
  const Value xs[] = {s, w};
  const std::vector<Value> grads = gradients(b, {&y, 1}, {&ones, 1}, xs);
  g.results = {{"gs", grads[0]}, {"gw", grads[1]}};
  const Node* back = nullptr;
  for (const Node* node : live_nodes(g))
    if (node->kind == Kind::loop) back = node;
  ASSERT_NE(back, nullptr);
  const auto& body = *back->as<RegionAttr>().regions[0];
  EXPECT_EQ(std::ranges::count(live_nodes(body), Kind::contract, &Node::kind), 4);
}

TEST(GradControl, LoopOfSymbolicLength) {
  for (int64_t length : {1, 4})
    check_gradients({f64({2}),
                     i64({}, {5}),
                     {DType::f64, {length, 2}, {}, -1, 1, {Index::var("time"), 2}},
                     f64({2})},
                    [](Builder& b, Values x) {
                      return b.loop(Index::var("time"), x.first(2), x.subspan(2, 1), x.subspan(3),
                                    cell());
                    });
}

// s' = s * w + sin(s), k' = k + s * s, while s is below the limit.
std::shared_ptr<const Graph> growing_cell() {
  const Type flag = {DType::boolean, {}}, number = {DType::f64, {}};
  return region({kCount, flag, number, number, number, number}, [](Builder& in, Values v) {
    const Value next =
        ops::add(in, ops::mul(in, v[2], v[4]), ops::apply(in, ScalarOp::sin, {v[2]}));
    const Value sum = ops::add(in, v[3], ops::mul(in, v[2], v[2]));
    return std::vector<Value>{in.apply(ScalarOp::lt, {next, v[5]}), next, sum};
  });
}

TEST(GradControl, ConditionalLoop) {
  const auto number = [](double value) { return Given{DType::f64, {}, {value}, 0, 0, {}}; };
  for (double limit : {0.1, 3.0, 20.0})
    for (int64_t most : {RegionAttr::kNoBound, int64_t{2}, int64_t{0}})
      check_gradients(
          {{DType::boolean, {}, {1}}, number(0.7), number(0.2), number(1.6), number(limit)},
          [&](Builder& b, Values x) {
            const auto made = b.while_(x.first(3), x.subspan(3), growing_cell(), most);
            return std::vector<Value>(made.begin() + 1, made.end());
          });
}

// A conditional loop in a loop, and one after the other: each has a count of its own.
TEST(GradControl, ConditionalLoopsInALoop) {
  const Type number = {DType::f64, {}};
  const auto step = region({kCount, number, number, number}, [](Builder& in, Values v) {
    Value s = v[1];
    for (double limit : {1.5, 4.0}) {
      const Value carried[] = {in.constant_int(DType::boolean, 1), s, v[2]};
      const Value captured[] = {v[3], in.constant(DType::f64, limit)};
      s = ops::div(in, ops::scalar(in, DType::f64, 1),
                   in.while_(carried, captured, growing_cell())[1]);
    }
    return std::vector<Value>{s, ops::add(in, v[2], s)};
  });
  const auto given = [](double value) { return Given{DType::f64, {}, {value}, 0, 0, {}}; };
  check_gradients({given(0.4), given(0.1), given(1.3)}, [&](Builder& b, Values x) {
    const Value again[] = {b.loop(3, x.first(2), {}, x.subspan(2), step)[0], x[1]};
    return b.loop(2, again, {}, x.subspan(2), step);
  });
}

// x * stop(x) in a region: half of the slope, as outside.
TEST(GradControl, StopsHoldInsideRegions) {
  const auto body = [](Builder& in, Value v) { return ops::mul(in, v, ops::stop_gradient(in, v)); };
  Graph graph;
  Builder b(graph);
  const Value x = b.input("x", DType::f64, {2}), one = b.full(DType::f64, {2}, 1);
  const auto once =
      region({kRow}, [&](Builder& in, Values v) { return std::vector<Value>{body(in, v[0])}; });
  const auto step = region(
      {kCount, kRow}, [&](Builder& in, Values v) { return std::vector<Value>{body(in, v[1])}; });
  const Value yes = b.constant_int(DType::boolean, 1);
  for (const Value& y : {b.call({&x, 1}, once)[0], b.if_(yes, {&x, 1}, once, once)[0],
                         b.loop(1, {&x, 1}, {}, {}, step)[0]}) {
    graph.results = {{"g", gradients(b, {&y, 1}, {&one, 1}, {&x, 1})[0]}};
    const auto found = evaluate(graph, {{"x", tensor(DType::f64, {2}, {3, 5})}});
    EXPECT_EQ(values(found.results[0]), (std::vector<double>{3, 5}));
  }
}

}  // namespace
}  // namespace mintor::test
