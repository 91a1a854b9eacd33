// SPDX-License-Identifier: Apache-2.0
// reduce and scan of the reference evaluator: values by hand, and the order of lanes against a
// plain second writing of the rule. Sizes are the borders of lanes and blocks.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/ir/graph_helper.h"

namespace mintor {
namespace {

using test::first;
using test::run;
using test::tensor;
using List = std::vector<double>;

const double kInf = std::numeric_limits<double>::infinity();

// The body of a graph g, with `results y`.
std::string graph(const std::string& body, const std::string& symbols = "") {
  return "graph g " + symbols + "{\n" + body + "\nresults y\n}";
}

TEST(Reduce, ReduceNamed) {
  const std::map<std::string, Tensor> x{{"x", tensor(DType::f32, {2, 3}, {1, -2, 3, 4, 5, -6})}};
  auto reduce = [&](const std::string& type, const std::string& rest) {
    return first(graph("x = input f32[2, 3]\n y = reduce " + type + " (x) " + rest), x);
  };
  EXPECT_EQ(reduce("f32[2]", "add dims = [1] identity -0"), (List{2, 3}));
  EXPECT_EQ(reduce("f32[3]", "mul dims = [0] identity 1"), (List{4, -10, -18}));
  EXPECT_EQ(reduce("f32[]", "max dims = [0, 1] identity -inf"), (List{5}));
  EXPECT_EQ(reduce("f32[2]", "min dims = [1] identity inf"), (List{-2, -6}));
  EXPECT_EQ(reduce("i64[2]", "argmax dims = [1] identity -inf"), (List{2, 1}));
  EXPECT_EQ(reduce("i64[]", "argmin dims = [1, 0] identity inf"),
            (List{5}));  // dimension 1 is the outer one
  EXPECT_EQ(
      first(graph("x = constant u8[3] {6, 3, 5}\n y = reduce u8[] (x) xor dims = [0] identity 0")),
      (List{0}));
  EXPECT_EQ(first(graph("x = constant bool[3] {true, true, false}\n y = reduce bool[] (x) and dims "
                        "= [0] identity true")),
            (List{0}));
  EXPECT_EQ(
      first(graph("x = constant i8[2] {100, 100}\n y = reduce i8[] (x) add dims = [0] identity 0")),
      (List{-56}));
}

TEST(Reduce, ReduceEdges) {
  auto y = run(graph("x = constant f32[0] {}\n y = reduce f32[] (x) add dims = [0] identity -0"))
               .results[0];
  EXPECT_FALSE(std::signbit(y.at(0).f));  // nothing sums to +0
  y = run(graph("x = constant f32[2] {-0, -0}\n y = reduce f32[] (x) add dims = [0] identity -0"))
          .results[0];
  EXPECT_TRUE(std::signbit(y.at(0).f));  // -0 + -0
  EXPECT_EQ(
      first(graph("x = constant f32[0] {}\n y = reduce f32[] (x) max dims = [0] identity -inf")),
      (List{-kInf}));
  EXPECT_TRUE(std::isnan(first(graph(
      "x = constant f32[3] {1, nan, 2}\n y = reduce f32[] (x) max dims = [0] identity -inf"))[0]));
  EXPECT_EQ(first(graph("x = constant f32[5] {1, 7, nan, 7, nan}\n y = reduce i64[] (x) argmax "
                        "dims = [0] identity -inf")),
            (List{2}));
  EXPECT_EQ(first(graph("x = constant f32[4] {7, 1, 1, 7}\n y = reduce i64[] (x) argmin dims = [0] "
                        "identity inf")),
            (List{1}));
  EXPECT_EQ(
      first(graph(
          "x = constant f32[2] {0, -0}\n y = reduce i64[] (x) argmin dims = [0] identity inf")),
      (List{0}));
}

// The order of lanes, written out once more in the plainest way.
float lanes_sum(std::vector<float> v, size_t block, size_t lanes) {
  while (v.size() > 1) {
    std::vector<float> blocks;
    for (size_t b = 0; b < v.size(); b += block) {
      std::vector<float> lane(lanes, -0.0f);
      for (size_t i = b; i < v.size() && i < b + block; ++i) lane[(i - b) % lanes] += v[i];
      for (; lane.size() > 4; lane.resize(lane.size() / 2))
        for (size_t l = 0; l < lane.size() / 2; ++l) lane[l] += lane[l + lane.size() / 2];
      blocks.push_back((lane[0] + lane[2]) + (lane[1] + lane[3]));
    }
    v = blocks;
  }
  return v[0];
}

TEST(Reduce, ReduceLanesOrder) {
  for (int64_t n : {1, 15, 16, 17, 4095, 4096, 4097, 70000}) {
    std::vector<double> list;
    std::vector<float> plain;
    for (int64_t i = 0; i < n; ++i) {
      plain.push_back(1.0f / static_cast<float>(3 + i * 7 % 1013) * (i % 3 == 0 ? -1.f : 1.f));
      list.push_back(plain.back());
    }
    const auto sum = [&](const std::string& order) {
      const std::string text =
          graph("x = input f32[n]\n y = reduce f32[] (x) add dims = [0] identity -0 order " + order,
                "(n: 0..) ");
      EXPECT_NE(print(parse_graph(text)).find("order " + order), std::string::npos) << order;
      return first(text, {{"x", tensor(DType::f32, {n}, list)}})[0];
    };
    EXPECT_EQ(sum("lanes(4096)"), lanes_sum(plain, 4096, 16)) << n;
    EXPECT_EQ(sum("lanes(64, across 8)"), lanes_sum(plain, 64, 8)) << n;
    EXPECT_EQ(sum("lanes(64, across 64)"), lanes_sum(plain, 64, 64)) << n;
  }
  // Serial differs from lanes where rounding does.
  const std::string serial = graph(
      "x = constant f32[3] {1, 16777216, 1}\n y = reduce f32[] (x) add dims = [0] identity -0 "
      "order serial");
  EXPECT_EQ(first(serial), (List{16777216}));
  std::string lanes = serial;
  lanes.replace(lanes.find("serial"), 6, "lanes(4096)");
  EXPECT_EQ(first(lanes), (List{16777218}));  // (a + c) + b: lane 0 takes lane 2, then lane 1
}

TEST(Reduce, CustomCombiners) {
  const std::string body = R"( {
    graph both {
      a0 = input f32[]
      a1 = input f32[]
      b0 = input f32[]
      b1 = input f32[]
      s = add f32[] (a0, b0)
      t = mul f32[] (a1, b1)
      results s, t
    }
  })";
  const std::string x = "x = constant f32[4] {1, 2, 3, 4}\n";
  EXPECT_EQ(
      first(graph(x + "y, p = reduce f32[], f32[] (x, x) custom dims = [0] identity 0, 1" + body)),
      (List{10}));
  EXPECT_EQ(
      first(graph(x + "q, y = scan f32[4], f32[4] (x, x) custom dims = [0] identity 0, 1" + body)),
      (List{1, 2, 6, 24}));
}

TEST(Reduce, Scan) {
  const std::string x = "x = constant i32[2, 3] {1, 2, 3, 4, 5, 6}\n";
  EXPECT_EQ(first(graph(x + "y = scan i32[2, 3] (x) add dims = [1] identity 0")),
            (List{1, 3, 6, 4, 9, 15}));
  EXPECT_EQ(first(graph(x + "y = scan i32[2, 3] (x) add dims = [0] identity 0")),
            (List{1, 2, 3, 5, 7, 9}));
  EXPECT_EQ(first(graph(x + "y = scan i32[2, 3] (x) add dims = [1] reverse identity 0")),
            (List{6, 5, 3, 15, 11, 6}));
  EXPECT_EQ(first(graph(x + "y = scan i32[2, 3] (x) add dims = [1] exclusive identity 10")),
            (List{10, 11, 13, 10, 14, 19}));
  EXPECT_EQ(first(graph(x + "y = scan i32[2, 3] (x) max dims = [1] reverse exclusive identity -1")),
            (List{3, 3, -1, 6, 6, -1}));
}

}  // namespace
}  // namespace mintor
