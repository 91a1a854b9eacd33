// SPDX-License-Identifier: Apache-2.0
// Values that are read at another element than that of the output, with broadcasts in between that
// no kernel holds. Takes small graphs; fails where a kernel took the element of its own row, and
// where an expression is asked for at an index at which nothing holds it.
#include <gtest/gtest.h>

#include "compiler/graph/fusion.h"
#include "compiler/ir/builder.h"
#include "compiler/loop/lower_expr.h"
#include "compiler/ops/library.h"
#include "compiler/support/error.h"
#include "tests/lowering/check_chain.h"

namespace mintor {
namespace {

// relu(x @ w): a contract with a tail, [4, 8] or square.
Value tail_of_contract(Builder& b, int64_t columns) {
  const Value x = b.input("x", DType::f32, {4, 6});
  const Value w = b.input("w", DType::f32, {6, columns});
  return b.apply(ScalarOp::relu, {ops::matmul(b, x, w)});
}

TEST(Positions, GatherByARunTimeIndexBehindABroadcast) {
  using Dims = std::vector<int32_t>;
  for (const Dims& dims : {Dims{0, 2}, Dims{1, 2}}) {
    Graph g;
    Builder b(g);
    const Value wide = b.broadcast(tail_of_contract(b, 8), {4, 4, 8}, dims);
    g.results = {{"y", b.gather(wide, b.input("at", DType::i64, {}), 1)}};
    check_chain(std::move(g));
  }
}

TEST(Positions, GatherNdBehindTwoBroadcasts) {
  Graph g;
  Builder b(g);
  const Value once = b.broadcast(tail_of_contract(b, 8), {4, 4, 8}, {0, 2});
  const Value twice = b.broadcast(once, {4, 4, 4, 8}, {0, 2, 3});
  g.results = {{"y", ops::gather_nd(b, twice, b.input("at", DType::i64, {4, 2}), 0)}};
  check_chain(std::move(g));
}

TEST(Positions, ABroadcastThatTurnsASquare) {
  Graph g;
  Builder b(g);
  const Value square = tail_of_contract(b, 4);
  const Value turned = b.broadcast(square, {4, 4}, {1, 0});
  g.results = {{"y", b.apply(ScalarOp::sub, {b.apply(ScalarOp::exp, {turned}), square})}};
  check_chain(std::move(g));
}

TEST(Positions, RowsReadAtTheirColumn) {
  Graph g;
  Builder b(g);
  const Value x = b.input("x", DType::f32, {5, 5});
  const Value most = b.apply(ScalarOp::exp, {b.reduce(Combiner::max, x, {1})});
  const Value down = b.broadcast(most, {5, 5}, {1}), across = b.broadcast(most, {5, 5}, {0});
  g.results = {{"y", b.apply(ScalarOp::sub, {x, down})},
               {"z", b.apply(ScalarOp::mul, {b.apply(ScalarOp::add, {down, across}), x})}};
  check_chain(std::move(g));
}

TEST(Positions, ConcatPackAndReduceOfABroadcast) {
  Graph g;
  Builder b(g);
  const Value r = tail_of_contract(b, 8);
  const Value wide = b.broadcast(r, {2, 4, 8}, {1, 2});
  const Value joined = b.concat(std::vector<Value>{wide, wide}, 0);
  const Value sum = b.reduce(Combiner::add, b.broadcast(r, {4, 8, 3}, {0, 1}), {2});
  const Value bytes = b.cast(b.broadcast(r, {4, 8}, {0, 1}), DType::u8);
  const Type half{DType::u8, {4, 4}};
  const Value packed = b.node(Kind::pack, PackAttr{4, false}, {{bytes}}, {{half}})[0];
  g.results = {{"joined", b.slice(joined, {1, 0, 0}, {2, 4, 8}, {1, 1, 1})},
               {"sum", sum},
               {"packed", packed}};
  check_chain(std::move(g));
}

TEST(Positions, WhatIsInARegisterIsThereAtOneIndex) {
  Graph g;
  Builder b(g);
  const Value x = b.input("x", DType::f32, {4});
  const Value y = b.apply(ScalarOp::exp, {x});
  g.results = {{"y", y}};
  CompileContext context;
  const FusionPlan plan = fuse(g);
  ExprLowering exprs(g, plan.groups.at(0));
  exprs.begin(Ranges{});
  exprs.bind(y, {Index::var("i")}, k::constant(Scalar::of(DType::f32, 1.0)));
  EXPECT_NO_THROW(exprs.at(y, {Index::var("i")}));
  EXPECT_THROW(exprs.at(y, {Index::var("j")}), InternalError);
}

}  // namespace
}  // namespace mintor
