// SPDX-License-Identifier: Apache-2.0
// Concat as placement: parts that are results, parameters, computed, empty, of symbolic size,
// moved, nested, many. Takes graphs; fails where a level differs from the evaluator in a bit, or
// where the text chooses between parts.
#include <gtest/gtest.h>

#include <functional>

#include "compiler/graph/fusion.h"
#include "compiler/ir/builder.h"
#include "compiler/loop/cut.h"
#include "compiler/loop/lower.h"
#include "compiler/ops/library.h"
#include "tests/lowering/check_chain.h"
#include "tests/lowering/run_groups.h"

namespace mintor {
namespace {

Value input(Builder& b, Shape shape) {
  static int number = 0;
  return b.input("x" + std::to_string(number++), DType::f32, std::move(shape));
}

// Along each dim of a shape, in parts of every length around a vector's.
TEST(Concat, AlongEachDim) {
  for (const Shape& shape : {Shape{5}, Shape{3, 4}, Shape{1, 2, 5, 6}, Shape{2, 20, 3}})
    for (int32_t dim = 0; dim < static_cast<int32_t>(shape.size()); ++dim) {
      Graph g;
      Builder b(g);
      std::vector<Value> parts;
      for (const int64_t size : {1, 0, 3, 16, 17, 40}) {
        Shape own = shape;
        own[dim] = size;
        parts.push_back(input(b, own));
      }
      g.results = {{"y", b.concat(parts, dim)}};
      EXPECT_EQ(kernels_text(g, {}).find("where "), std::string::npos);
      EXPECT_EQ(kernels_text(g, {}).find("guard"), std::string::npos);
      check_chain(std::move(g));
    }
}

TEST(Concat, LargeOnesAreSharedOut) {
  for (const int32_t dim : {0, 1}) {
    Graph g;
    Builder b(g);
    const Shape one = dim == 0 ? Shape{300, 50} : Shape{1, 20000};
    const Shape two = dim == 0 ? Shape{401, 50} : Shape{1, 30001};
    g.results = {
        {"y", b.concat(std::vector<Value>{input(b, one), input(b, two), input(b, one)}, dim)}};
    EXPECT_NE(kernels_text(g, {}).find("_task"), std::string::npos);
    check_chain(std::move(g));
  }
}

TEST(Concat, SymbolicSizes) {
  for (const int64_t n : {0, 1, 5, 33})
    for (const int32_t dim : {0, 1}) {
      Graph g;
      Builder b(g);
      g.add_symbol({"n", 0, -1, 1, 9});
      const Index size = Index::var("n");
      const Value x = input(b, {size, size}), y = input(b, {size, size});
      const Value twice = b.apply(ScalarOp::add, {y, y});
      g.results = {{"y", b.concat(std::vector<Value>{x, twice, x, y}, dim)}};
      check_chain(std::move(g), {{"n", n}});
    }
}

// Parts that are results, used elsewhere, weights, reductions, contracts with tails, moved, filled.
TEST(Concat, PartsOfEveryKind) {
  Graph g;
  Builder b(g);
  const Value x = input(b, {6, 8}), y = input(b, {6, 8});
  const Value result = b.apply(ScalarOp::exp, {x});
  const Value shared = b.apply(ScalarOp::relu, {y});
  const Value turned = b.transpose(b.reshape(shared, {8, 6}), {1, 0});
  const Value product = b.apply(ScalarOp::relu, {ops::matmul(b, x, input(b, {8, 8}))});
  const Value sum =
      b.broadcast(b.reduce(Combiner::add, b.apply(ScalarOp::tanh, {y}), {1}), {6, 8}, {0});
  const Value padded = ops::pad(b, b.slice(x, {0, 1}, {6, 4}, {1, 2}), std::vector<Index>{0, 2},
                                std::vector<Index>{0, 2}, ops::PadMode::constant, Value{});
  const Value line = b.cast(b.iota(DType::i32, {6, 8}, 1), DType::f32);
  const std::vector<Value> parts{
      result, shared, turned, product, sum, padded, line, b.full(DType::f32, {6, 8}, 2.0), result};
  for (const int32_t dim : {0, 1}) {
    const Value joined = b.concat(parts, dim);
    g.results.push_back({"joined" + std::to_string(dim), joined});
    const Value after = b.apply(ScalarOp::sub, {joined, b.apply(ScalarOp::exp, {joined})});
    g.results.push_back({"after" + std::to_string(dim), after});
  }
  g.results.push_back({"exp", result});
  g.results.push_back({"tanh", b.apply(ScalarOp::tanh, {shared})});
  check_chain(std::move(g));
}

// A tail of a concat is computed for each part where that is not much text, else behind it.
TEST(Concat, TailsOfManyParts) {
  for (const int parts : {3, 12, 80}) {
    Graph g;
    Builder b(g);
    std::vector<Value> all;
    for (int n = 0; n < parts; ++n)
      all.push_back(b.apply(ScalarOp::relu, {input(b, {2, 3, 1 + n % 4})}));
    const Value joined = b.concat(all, 2);
    Value tail = b.apply(ScalarOp::exp, {joined});
    for (int n = 0; n < 9; ++n) tail = b.apply(ScalarOp::sub, {tail, joined});
    g.results = {{"y", tail}};
    check_chain(std::move(g));
  }
}

TEST(Concat, NestedOnes) {
  for (const bool same : {true, false}) {
    Graph g;
    Builder b(g);
    Value x = input(b, {3, 2});
    for (int n = 0; n < 12; ++n) {
      const int32_t dim = same || n % 2 == 0 ? 1 : 0;
      Shape shape = x.shape();
      shape[dim] = 1 + n % 3;
      x = b.concat(std::vector<Value>{input(b, shape), x, input(b, shape)}, dim);
    }
    g.results = {{"y", x}};
    CompileContext context;
    EXPECT_EQ(fuse(g).groups.size() == 1, same);
    check_chain(std::move(g));
  }
}

TEST(Concat, AThousandParts) {
  Graph g;
  Builder b(g);
  std::vector<Value> parts;
  for (int n = 0; n < 1000; ++n) {
    const Value x = input(b, {2, 1 + n % 3});
    parts.push_back(n % 2 == 0 ? x : b.apply(ScalarOp::relu, {x}));
  }
  g.results = {{"y", b.concat(parts, 1)}};
  check_chain(std::move(g));
}

// Whatever lies around many parts is one loop of tasks, so that they are cut into functions: rows
// that are tasks, more rows than tasks need, rows beside shares.
TEST(Concat, ManyPartsHaveOneLoopAround) {
  const std::pair<Shape, int32_t> cases[] = {
      {{3, 1}, 1}, {{70, 2, 3, 1}, 3}, {{2, 4, 110}, 2}, {{2, 110, 9}, 1}};
  for (const auto& [first, dim] : cases) {
    Graph g;
    Builder b(g);
    std::vector<Value> parts;
    for (int n = 0; n < 40; ++n) {
      Shape shape = first;
      shape[dim] = shape[dim] + n % 3;
      parts.push_back(input(b, shape));
    }
    g.results = {{"y", b.concat(parts, dim)}};
    const std::vector<Group> groups = fuse(g).groups;
    ASSERT_EQ(groups.size(), 1u);
    EXPECT_GT(cut(lower(g, groups[0])).size(), 1u) << kernels_text(g, {});
    check_chain(std::move(g));
  }
}

// Two parts in a chain of element-wise nodes, as rotary embeddings have them.
TEST(Concat, TwoPartsStayAnExpression) {
  Graph g;
  Builder b(g);
  const Value x = input(b, {4, 16}), c = input(b, {4, 16});
  const Value left = b.slice(x, {0, 0}, {4, 8}, {1, 1}), right = b.slice(x, {0, 8}, {4, 8}, {1, 1});
  const Value turned = b.concat(std::vector<Value>{right, left}, 1);
  g.results = {{"y", b.apply(ScalarOp::add, {b.apply(ScalarOp::mul, {turned, c}), x})}};
  CompileContext context;
  EXPECT_EQ(fuse(g).groups.size(), 1u);
  check_chain(std::move(g));
}

}  // namespace
}  // namespace mintor
