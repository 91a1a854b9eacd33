// SPDX-License-Identifier: Apache-2.0
// Which nodes become one kernel, and what that may cost. Takes graphs of the shapes that fusion has
// to bound; fails where a group holds what it may not, or where time or stack grow with the graph.
#include <gtest/gtest.h>

#include "compiler/graph/from_parameters.h"
#include "compiler/graph/fusion.h"
#include "compiler/ir/builder.h"

namespace mintor {
namespace {

constexpr int kDeep = 1'000'000;

TEST(Fusion, TakesAChainOfAMillionNodes) {
  Graph g;
  Builder b(g);
  Value x = b.input("x", DType::f32, {4});
  for (int n = 0; n < kDeep; ++n) x = b.apply(n % 2 == 0 ? ScalarOp::exp : ScalarOp::relu, {x});
  g.results = {{"r", x}};
  FromParameters from_parameters;
  EXPECT_FALSE(from_parameters(x));
  CompileContext context;
  const FusionPlan plan = fuse(context, g);
  EXPECT_EQ(plan.groups.size(), size_t{kDeep / 64});
  for (size_t n = 1; n < plan.groups.size(); ++n)
    ASSERT_EQ(plan.groups[n].inputs[0], plan.groups[n - 1].outputs[0]);
}

TEST(Fusion, AValueOfAnySizeIsNotMadeOnce) {
  Graph g;
  Builder b(g);
  g.add_symbol({"n", 1, 9, 1, 4});
  const Value one = b.full(DType::f32, {}, 1.0);
  FromParameters from_parameters;
  EXPECT_TRUE(from_parameters(b.broadcast_to(one, {3})));
  EXPECT_FALSE(from_parameters(b.broadcast_to(one, {Index::var("n")})));
  EXPECT_TRUE(from_parameters(b.iota(DType::i32, {3}, 0)));
  EXPECT_FALSE(from_parameters(b.input("x", DType::f32, {3})));
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
  for (const Group& group : fuse(context, g).groups) names.push_back(group.name);
  return names;
}

TEST(Fusion, NamesSayAsMuchOfAPlaceAsTellsItFromOthers) {
  EXPECT_EQ(names_for({"jit/net/a/norm/sum", "jit/net/b/norm/sum"}),
            (std::vector<std::string>{"a_norm_sum_scan", "b_norm_sum_scan"}));
  EXPECT_EQ(names_for({"jit/net/last/sum"}), std::vector<std::string>{"last_sum_scan"});
  EXPECT_EQ(names_for({"sum", "net/sum"}),
            (std::vector<std::string>{"sum_scan", "net_sum_scan"}));
}

}  // namespace
}  // namespace mintor
