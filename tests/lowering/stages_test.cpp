// SPDX-License-Identifier: Apache-2.0
// Contracts over the same rows as stages of one kernel (graph/fusion/stages.cpp, strategy
// row_blocks): evaluator == plain loops == schedules of every level, bit for bit; and what is
// joined, what is not, with the reason.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/graph/fusion.h"
#include "compiler/graph/pipeline.h"
#include "compiler/ir/builder.h"
#include "compiler/ops/library.h"
#include "tests/lowering/check_chain.h"

namespace mintor {
namespace {

struct Case {
  std::string name;
  Index batch = 1, heads = 2, rows = 20, keys = 24;  // keys: of another sequence, where they differ
  int64_t depth = 16, columns = 16;
  bool mask = true, softmax = true;
  std::map<std::string, int64_t> values = {};
};

// softmax(q k^T + mask) v, with an operation behind each product.
Graph graph_of(const Case& c) {
  Graph g;
  Builder b(g);
  for (const auto& [name, value] : c.values) g.add_symbol({name, 1, 200, 1, 96});
  const Value q = b.input("q", DType::f32, {c.batch, c.heads, c.rows, c.depth});
  const Value k = b.input("k", DType::f32, {c.batch, c.heads, c.keys, c.depth});
  const Value v = b.input("v", DType::f32, {c.batch, c.heads, c.keys, c.columns});
  Value s = ops::matmul(b, q, b.transpose(k, {0, 1, 3, 2}));
  if (c.mask) {
    const Value m = b.input("m", DType::f32, {c.batch, c.keys});
    s = b.apply(ScalarOp::add, {s, b.broadcast(m, s.shape(), {0, 3})});
  }
  if (c.softmax) s = ops::softmax(b, s, {-1});
  const Value y = ops::matmul(b, s, v);
  g.results = {{"y", b.apply(ScalarOp::relu, {y})}};
  return g;
}

size_t most_stages(Graph graph) {
  CompileContext context;
  const Graph optimised = run_pipeline(context, std::move(graph));
  size_t most = 0;
  for (const Group& group : fuse(optimised).groups) most = std::max(most, group.stages.size());
  return most;
}

TEST(Stages, SchedulesKeepTheBits) {
  const Index n = Index::var("length"), t = Index::var("other"), batch = Index::var("batch");
  for (const Case& c : {
           Case{.name = "blocks that fit", .rows = 24},
           Case{.name = "a last block, a last vector", .rows = 29, .keys = 37, .depth = 20},
           Case{.name = "one head", .heads = 1, .rows = 17},
           Case{.name = "a batch", .batch = 3, .rows = 9, .keys = 9},
           Case{.name = "no mask", .mask = false},
           Case{.name = "wide", .rows = 11, .keys = 100, .depth = 8, .columns = 72},
           Case{.name = "few keys", .rows = 40, .keys = 3},
           Case{.name = "no sums between", .softmax = false},
           Case{.name = "open rows", .rows = n, .values = {{"length", 41}}},
           Case{.name = "open sequence", .rows = n, .keys = n, .values = {{"length", 35}}},
           Case{.name = "less than a block", .rows = n, .keys = n, .values = {{"length", 3}}},
           Case{.name = "open, two lengths and a batch",
                .batch = batch,
                .rows = n,
                .keys = t,
                .values = {{"length", 19}, {"other", 50}, {"batch", 2}}},
       }) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(most_stages(graph_of(c)), c.softmax ? 3 : 2);
    check_chain(graph_of(c), c.values);
    if (HasFailure()) return;
  }
}

TEST(Stages, WhatIsNoBlockOfRowsStaysApart) {
  EXPECT_EQ(most_stages(graph_of({.name = "few rows", .rows = 4})), 0);
  EXPECT_EQ(most_stages(graph_of({.name = "large", .keys = 4096, .columns = 512})), 0);
  Graph result = graph_of({.name = "the rows are wanted"});
  for (const auto& node : result.nodes())
    if (node->kind == Kind::binary && node->as<ScalarAttr>().op == ScalarOp::div)
      result.results.push_back({"p", {node.get(), 0}});
  EXPECT_LT(most_stages(std::move(result)), 3);
}

}  // namespace
}  // namespace mintor
