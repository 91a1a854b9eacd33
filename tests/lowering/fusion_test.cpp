// SPDX-License-Identifier: Apache-2.0
// Which nodes become one kernel, and what that may cost. Takes graphs of the shapes that fusion has
// to bound; fails where a group holds what it may not, or where time or stack grow with the graph.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "compiler/graph/from_parameters.h"
#include "compiler/graph/fusion.h"
#include "compiler/ir/builder.h"
#include "compiler/loop/lower.h"
#include "compiler/ops/library.h"
#include "tests/lowering/check_chain.h"
#include "tests/lowering/run_groups.h"

namespace mintor {
namespace {

constexpr int kDeep = 1'000'000;

TEST(Fusion, TakesAChainOfAMillionNodes) {
  Graph g;
  Builder b(g);
  Value x = b.input("x", DType::f32, {4});
  for (int n = 0; n < kDeep; ++n) x = b.apply(n % 2 == 0 ? ScalarOp::exp : ScalarOp::relu, {x});
  g.results = {{"r", x}};
  FromParameters from_parameters(b.graph());
  EXPECT_FALSE(from_parameters(x));
  CompileContext context;
  const FusionPlan plan = fuse(g);
  EXPECT_EQ(plan.groups.size(), size_t{kDeep / 64});
  for (size_t n = 1; n < plan.groups.size(); ++n)
    ASSERT_EQ(plan.groups[n].inputs[0], plan.groups[n - 1].outputs[0]);
}

TEST(Fusion, AValueOfAnySizeIsNotMadeOnce) {
  Graph g;
  Builder b(g);
  g.add_symbol({"n", 1, 9, 1, 4});
  const Value one = b.full(DType::f32, {}, 1.0);
  FromParameters from_parameters(b.graph());
  EXPECT_TRUE(from_parameters(b.broadcast_to(one, {3})));
  EXPECT_FALSE(from_parameters(b.broadcast_to(one, {Index::var("n")})));
  EXPECT_TRUE(from_parameters(b.iota(DType::i32, {3}, 0)));
  EXPECT_FALSE(from_parameters(b.input("x", DType::f32, {3})));
  const Value three = b.parameter("w", Tensor::make(DType::f32, {12}).first);
  EXPECT_TRUE(from_parameters(b.slice(three, {2}, {3}, {1})));
  EXPECT_FALSE(from_parameters(b.slice(three, {Index::var("n")}, {3}, {1})));  // at a place
}

// A broadcast that is a result is in the group: what it reads is computed once a row, not once an
// element. Any other broadcast is computed wherever it is read.
TEST(Fusion, WhatAResultBroadcastsIsKeptARow) {
  Graph g;
  Builder b(g);
  const Value x = b.input("x", DType::f32, {4, 40});
  const Value row = b.apply(ScalarOp::exp, {b.reduce(Combiner::max, x, {1})});
  g.results = {{"r", b.broadcast(row, {4, 40}, {0})}};
  const FusionPlan plan = fuse(g);
  ASSERT_EQ(plan.groups.size(), 1u);
  EXPECT_EQ(std::ranges::count(plan.groups[0].materialised, row), 1);
  check_chain(std::move(g));
}

// Each element of t[i, places[j]] is compared with all of a line: it is read once at its place.
TEST(Fusion, WhatIsReadAtComputedPlacesIsNotReadAgainForEachPair) {
  Graph g;
  Builder b(g);
  const Value t =
      b.gather(b.input("t", DType::f32, {3, 50}), b.input("places", DType::i64, {20}), 1);
  const Value below = b.apply(
      ScalarOp::min, {b.broadcast(t, {3, 20, 20}, {0, 1}), b.broadcast(t, {3, 20, 20}, {0, 2})});
  g.results = {{"r", b.reduce(Combiner::max, below, {2})}};
  const FusionPlan plan = fuse(g);
  ASSERT_EQ(plan.groups.size(), 2u);
  EXPECT_EQ(plan.groups[0].outputs[0], t);
}

// Windows of x, read by two kernels: each reads them where they lie.
TEST(Fusion, WindowsAreNotCopied) {
  Graph g;
  Builder b(g);
  const Value x = b.apply(ScalarOp::exp, {b.input("x", DType::f32, {3, 20})});
  IndexMap map;
  map.coords = {Index::var("i0"), Index::var("i1") + Index::var("i2") - 1};
  const Value windows = b.reindex(x, {3, 20, 3}, map, Scalar::of(DType::f32, 0));
  const Value largest = b.reduce(Combiner::max, windows, {2});
  const Value sums = b.reduce(Combiner::add, b.apply(ScalarOp::neg, {windows}), {0, 2});
  g.results = {{"largest", largest}, {"sums", sums}};
  const FusionPlan plan = fuse(g);
  ASSERT_EQ(plan.groups.size(), 3u);  // x, and one for each result
  for (const Group& group : plan.groups)
    for (const Value& out : group.outputs) EXPECT_NE(out, windows);
  check_chain(std::move(g));
}

// m and s are results, and what p is made of: the kernel that computes p stores them.
TEST(Fusion, OneKernelStoresWhatItComputesAnyway) {
  Graph g;
  Builder b(g);
  const Value grad = b.input("grad", DType::f32, {40});
  const auto mixed = [&](const std::string& name, const Value& with) {
    return b.apply(ScalarOp::add,
                   {b.apply(ScalarOp::neg, {b.input(name, DType::f32, {40})}), with});
  };
  const Value m = mixed("m", grad);
  const Value s = mixed("s", b.apply(ScalarOp::mul, {grad, grad}));
  const Value p = mixed("p", b.apply(ScalarOp::div, {m, b.apply(ScalarOp::sqrt, {s})}));
  g.results = {{"m", m}, {"s", s}, {"p", p}};
  const FusionPlan plan = fuse(g);
  ASSERT_EQ(plan.groups.size(), 1u);
  EXPECT_EQ(plan.groups[0].outputs.size(), 3u);
  check_chain(std::move(g));
}

// Two kernels that read the same exp, and nothing of each other, become one: it needs no bytes.
TEST(Fusion, ReadersOfOneValueBecomeOneKernel) {
  Graph g;
  Builder b(g);
  const Value shared = b.apply(ScalarOp::exp, {b.input("x", DType::f32, {5, 40})});
  g.results = {{"a", b.apply(ScalarOp::sqrt, {shared})}, {"b", b.apply(ScalarOp::neg, {shared})}};
  const FusionPlan plan = fuse(g);
  ASSERT_EQ(plan.groups.size(), 1u);
  EXPECT_EQ(plan.groups[0].outputs.size(), 2u);
  check_chain(std::move(g));
}

// Where one reader waits for a sum that the other ends up in, they cannot be one kernel.
TEST(Fusion, SeveralOutputsMakeNoCircle) {
  Graph g;
  Builder b(g);
  const Value shared = b.apply(ScalarOp::exp, {b.input("x", DType::f32, {40, 6})});
  const Value first = b.apply(ScalarOp::sqrt, {shared});
  const Value sum = b.reduce(Combiner::add, first, {0});
  const Value last = b.apply(ScalarOp::mul, {shared, b.broadcast(sum, {40, 6}, {1})});
  g.results = {{"first", first}, {"last", last}};
  const FusionPlan plan = fuse(g);
  for (const Group& group : plan.groups)
    EXPECT_LT(std::ranges::count(group.outputs, first) + std::ranges::count(group.outputs, last),
              2);
  check_chain(std::move(g));
}

// The kernel of x and y, which are stored together, lies between z and t, whose ids are between
// those of y and x: z and t cannot be one kernel.
TEST(Fusion, SeveralOutputsMakeNoCircleThroughEachOther) {
  Graph g;
  Builder b(g);
  const auto input = [&](const std::string& name) { return b.input(name, DType::f32, {40}); };
  const auto flipped = [&](const Value& v) { return b.slice(v, {39}, {40}, {-1}); };
  const Value n = b.apply(ScalarOp::add, {input("a"), input("b")});
  const Value y = b.apply(ScalarOp::mul, {input("c"), input("d")});
  const Value t = b.apply(ScalarOp::add, {n, flipped(y)});
  const Value z = b.apply(ScalarOp::exp, {n});
  const Value x = b.apply(ScalarOp::add, {y, flipped(z)});
  g.results = {{"t", t}, {"z", z}, {"x", x}};
  check_chain(std::move(g));
}

std::vector<std::string> names_for(const std::vector<std::string>& scopes) {
  Graph g;
  Builder b(g);
  Value x = b.input("x", DType::f32, {4, 4});
  for (const std::string& scope : scopes) {
    const Builder::Scope place(b, scope);
    x = b.scan(Combiner::max, std::vector<Value>{x}, 0, {identity_of(Combiner::max, x.dtype())},
               false, false)[0];
  }
  g.results = {{"r", x}};
  CompileContext context;
  std::vector<std::string> names;
  for (const Group& group : fuse(g).groups) names.push_back(group.name);
  return names;
}

TEST(Fusion, NamesSayAsMuchOfAPlaceAsTellsItFromOthers) {
  EXPECT_EQ(names_for({"jit/net/a/norm/sum", "jit/net/b/norm/sum"}),
            (std::vector<std::string>{"a_norm_sum_scan", "b_norm_sum_scan"}));
  EXPECT_EQ(names_for({"jit/net/last/sum"}), std::vector<std::string>{"last_sum_scan"});
  EXPECT_EQ(names_for({"sum", "net/sum"}), (std::vector<std::string>{"sum_scan", "net_sum_scan"}));
}

// x doubled again and again: each step reads the last one twice.
Value doubled(Builder& b, Value x, int times) {
  for (int n = 0; n < times; ++n) x = b.apply(ScalarOp::add, {x, x});
  return x;
}

Value padded(Builder& b, Value x, const std::vector<Index>& before,
             const std::vector<Index>& after) {
  return ops::pad(b, x, before, after, ops::PadMode::constant, Value{});
}

// Values that read a chain of doublings under a condition, at several positions, or twice.
using Ending = std::function<Value(Builder&, Value)>;
const std::vector<std::pair<std::string, Ending>> kEndings = {
    {"gather", [](Builder& b, Value x) { return b.gather(x, b.input("at", DType::i64, {3}), 0); }},
    {"gather of a broadcast",
     [](Builder& b, Value x) {
       return b.gather(b.broadcast(x, {2, 8, 6}, {1, 2}), b.input("at", DType::i64, {3}), 1);
     }},
    {"pad", [](Builder& b, Value x) { return padded(b, x, {1, 0}, {1, 0}); }},
    {"transpose", [](Builder& b, Value x) { return b.transpose(x, {1, 0}); }},
    {"concat", [](Builder& b, Value x) { return b.concat(std::vector<Value>{x, x}, 1); }},
    {"concat and more",
     [](Builder& b, Value x) { return doubled(b, b.concat(std::vector<Value>{x, x}, 1), 9); }},
    {"centred columns",
     [](Builder& b, Value x) {
       const int64_t axes[] = {0};
       return ops::sub(b, x, ops::reduce(b, ops::Reduction::max, x, axes, true));
     }},
    {"few items", [](Builder& b, Value x) { return b.reduce(Combiner::add, x, {1}); }},
};

TEST(Fusion, BoundsWhatAKernelWrites) {
  for (const auto& [name, ending] : kEndings) {
    SCOPED_TRACE(name);
    Graph g;
    Builder b(g);
    g.results = {{"y", ending(b, doubled(b, b.input("x", DType::f32, {8, 6}), 40))}};
    EXPECT_LT(kernels_text(g, {}).size(), 300'000u);
    check_chain(std::move(g));
  }
}

// It reads and writes memory: what stands around it has kernels of its own, and what others compute
// again has bytes.
TEST(Fusion, TheUsersCodeStandsAlone) {
  Graph g;
  Builder b(g);
  const Value x = b.apply(ScalarOp::exp, {b.input("x", DType::f32, {4})});
  const Value operands[] = {x, b.iota(DType::i64, {4}, 0)};
  const std::vector<Value> made = b.code(operands, {x.type(), x.type()}, "", "");
  g.results = {{"r", b.apply(ScalarOp::relu, {made[0]})}};
  const FusionPlan plan = fuse(g);
  ASSERT_EQ(plan.groups.size(), 4u);
  const Group& code = plan.groups[2];
  EXPECT_EQ(code.nodes, std::vector<const Node*>{made[0].node});
  EXPECT_EQ(code.inputs, (std::vector<Value>{operands[0], operands[1]}));
  EXPECT_EQ(code.outputs, made);
  const Kernel kernel = lower(g, code);
  verify(kernel);
  EXPECT_EQ(kernel.params.size(), 4u);
}

TEST(Fusion, BoundsReadsAtManyPositions) {  // each step reads the last one at two elements
  Graph g;
  Builder b(g);
  Value x = b.input("x", DType::f32, {40});
  for (int n = 0; n < 20; ++n) {
    const Value at = b.input("at" + std::to_string(n), DType::i64, {});
    const Value one = b.broadcast_to(b.gather(x, at, 0), {40});
    x = b.apply(ScalarOp::add, {padded(b, b.slice(x, {1}, {39}, {1}), {0}, {1}), one});
  }
  g.results = {{"y", x}};
  EXPECT_LT(kernels_text(g, {}).size(), 300'000u);
  check_chain(std::move(g));
}

TEST(Fusion, LongRowsAreDoubledWithoutABuffer) {
  Graph g;
  Builder b(g);
  const Value x = doubled(b, b.input("x", DType::f32, {2, 20000}), 40);
  const int64_t axes[] = {1};
  g.results = {{"y", ops::sub(b, x, ops::reduce(b, ops::Reduction::max, x, axes, true))}};
  check_chain(std::move(g));
}

}  // namespace
}  // namespace mintor
