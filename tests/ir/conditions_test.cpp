// SPDX-License-Identifier: Apache-2.0
// Conditions between sizes: their text, what the graph knows by them, when a run is refused and
// with what message; symbols that are computed; sizes that meet in a broadcast.
#include <gtest/gtest.h>

#include <chrono>

#include "compiler/ir/broadcast.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/sizes.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "tests/ir/graph_helper.h"

namespace mintor {
namespace {

using test::compile_error;

Index v(const char* name) { return Index::var(name); }

constexpr const char* kPyramid =
    R"text(graph pyramid (h: 0.., n: 0.., m: 0.., common_n_m: 0.. = min(m, 1)*min(n, 1)*max(m, n)) {
  needs (h + 1) // 2 == 2*((h + 3) // 4)  @ "node '/Concat' (Concat)"
  needs n == 4 or n == 1
  needs n == m or n == 1 or m == 1
  x  = input   f32[h, n]
  y  = input   f32[m]
  v0 = reindex f32[2*((h + 3) // 4), common_n_m] (x)  [i0, min(i1, n - 1)] fill 0
  results v0
}
)text";

TEST(conditions, print_as_they_are_read) {
  const Graph g = parse_graph(kPyramid, {});
  EXPECT_EQ(print(g), kPyramid);
  ASSERT_EQ(g.conditions().size(), 3u);
  EXPECT_EQ(g.conditions()[0].because, "node '/Concat' (Concat)");
  EXPECT_EQ(g.ranges().simplify(floordiv(v("h") + 1, 2)), 2 * floordiv(v("h") + 3, 4));
  verify(g);
  EXPECT_EQ(print(g, Scopes::hidden).find("Concat"), std::string::npos);  // no part of the hash
}

TEST(conditions, bad_text_is_refused) {
  const auto error = [](const std::string& body) {
    return compile_error([&] { parse_graph("graph g (n: 0..) {\n  " + body + "\n}\n", {}); });
  };
  EXPECT_TRUE(error("needs n == q").find("the symbol 'q' is not declared") != std::string::npos);
  EXPECT_TRUE(error("needs n == 2 or 2 == 1").find("expected 'n == 1'") != std::string::npos);
  EXPECT_TRUE(error("needs n == 2 or n == 3").find("where it is 1") != std::string::npos);
  EXPECT_TRUE(error("x = input f32[n]\n  needs n == 2").find("before the first node") !=
              std::string::npos);
}

Tensor zeros(std::vector<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape) count *= size;
  const std::vector<float> values(static_cast<size_t>(count));
  return Tensor::copy_of(DType::f32, std::move(shape), values.data());
}

TEST(conditions, a_run_that_breaks_one_is_refused_with_both_sides) {
  const Graph g = parse_graph(kPyramid, {});
  const auto run = [&](int64_t h, int64_t n, int64_t m) {
    return compile_error([&] { evaluate(g, {{"x", zeros({h, n})}, {"y", zeros({m})}}); });
  };
  EXPECT_EQ(run(62, 4, 4),
            "error: evaluate: (h + 1) // 2 is 31 and 2*((h + 3) // 4) is 32, they must be equal: "
            "node '/Concat' (Concat)");
  EXPECT_EQ(run(63, 5, 5), "error: evaluate: n is 5, must be 4 or 1");
  EXPECT_EQ(run(63, 4, 3),
            "error: evaluate: n is 4 and m is 3, they must be equal, or one of them 1");
}

TEST(conditions, a_size_that_must_be_positive_or_another) {
  constexpr const char* kText = R"text(graph rows (h: 0.., w: 0..) {
  needs h*w == h or h*w >= 1  @ "node '/Reshape' (Reshape)"
  needs w == 12 or w >= 1
  x = input f32[h, w]
  y = relu  f32[h, w] (x)
  results y
}
)text";
  const Graph g = parse_graph(kText, {});
  EXPECT_EQ(print(g), kText);
  EXPECT_EQ(g.conditions()[0].form, Condition::Form::left_or_positive);
  EXPECT_EQ(g.ranges().simplify(v("h") * v("w")), v("h") * v("w"));  // nothing is known by it
  const auto run = [&](int64_t h, int64_t w) {
    return compile_error([&] { evaluate(g, {{"x", zeros({h, w})}}); });
  };
  EXPECT_EQ(run(3, 2), "no error");
  EXPECT_EQ(run(0, 2), "no error");
  EXPECT_EQ(run(3, 0),
            "error: evaluate: h*w is 0 and h is 3, they must be equal, or the first at least 1: "
            "node '/Reshape' (Reshape)");
  EXPECT_EQ(run(0, 0), "error: evaluate: w is 0, must be 12 or at least 1");
}

TEST(conditions, computed_symbols_follow_the_others) {
  const Graph g = parse_graph(R"(graph g (n: 0.., m: 0.., c: 0.. = min(m, 1)*min(n, 1)*max(m, n)) {
  needs n == m or n == 1 or m == 1
  x = input   f32[n]
  y = input   f32[m]
  z = reindex f32[c] (x)  [min(i0, n - 1)] fill 0
  results z
})",
                              {});
  const auto size = [&](int64_t n, int64_t m) {
    return evaluate(g, {{"x", zeros({n})}, {"y", zeros({m})}}).results[0].shape[0];
  };
  EXPECT_EQ(size(3, 3), 3);
  EXPECT_EQ(size(1, 3), 3);
  EXPECT_EQ(size(3, 1), 3);
  EXPECT_EQ(size(0, 1), 0);  // as NumPy: an empty one stays empty
  EXPECT_EQ(size(1, 0), 0);
  EXPECT_EQ(size(0, 0), 0);
}

TEST(conditions, verifier) {
  Graph g;
  Symbol early;
  early.name = "early";
  early.value = v("late");
  g.add_symbol(early);
  g.add_symbol({"late", 0, -1, 1, 0});
  EXPECT_EQ(find_fault(g), "symbol 'early' is computed from what stands behind it: late");
  Graph h;
  h.add_condition({v("n"), 2});
  EXPECT_EQ(find_fault(h), "the condition n == 2 mentions the unknown symbol 'n'");
}

// What two sizes have in common, and what the graph then needs.
std::string meeting(const Index& p, const Index& q, int64_t lo = 0) {
  Graph g;
  for (const char* name : {"n", "m"}) g.add_symbol({name, lo, -1, 1, 0});
  Builder b(g);
  const std::string size = common_extent(b, "broadcast", p, q, "").str();
  return size + (g.conditions().empty() ? "" : " needs " + to_string(g.conditions()[0]));
}

TEST(broadcast, sizes_that_meet) {
  EXPECT_EQ(meeting(v("n"), 1), "n");
  EXPECT_EQ(meeting(v("n"), v("n")), "n");
  EXPECT_EQ(meeting(v("n"), 4), "4 needs n == 4 or n == 1");
  EXPECT_EQ(meeting(4, v("n")), "4 needs n == 4 or n == 1");
  EXPECT_EQ(meeting(v("n"), v("m")), "common_n_m needs n == m or n == 1 or m == 1");
  EXPECT_EQ(meeting(v("n"), 2 * v("m")), "2*m needs n == 2*m or n == 1");
  // A table of positions: its part is 1 only where the size itself is.
  EXPECT_TRUE(compile_error([] { meeting(v("n"), min(v("n"), 512)); }).size() > 0);
  // Neither is ever 1: they have to be equal.
  EXPECT_TRUE(compile_error([] { meeting(v("n"), v("m"), 2); }).size() > 0);
}

TEST(broadcast, what_two_have_in_common_meets_one_of_them_again) {
  Graph g;
  for (const char* name : {"n", "m", "k"}) g.add_symbol({name, 0, -1, 1, 0});
  Builder b(g);
  const Index both = common_extent(b, "broadcast", v("n"), v("m"), "");
  EXPECT_EQ(common_extent(b, "broadcast", both, v("m"), ""), both);
  EXPECT_EQ(common_extent(b, "broadcast", v("n"), both, ""), both);
  EXPECT_EQ(g.conditions().size(), 1u);
  const Index all = common_extent(b, "broadcast", both, v("k"), "");
  EXPECT_EQ(common_extent(b, "broadcast", all, v("n"), ""), all);
  EXPECT_EQ(g.symbols().size(), 5u);
}

// A condition is mended by the symbols that it is made of: steps that bring others closer to what
// they need, by its numbers, used up the turns.
TEST(sizes, a_search_among_many_is_short) {
  std::vector<Symbol> symbols;
  std::vector<Condition> conditions = {{2 * v("n0"), 2 * v("n1") + 1}};  // never
  SizeValues wish;
  for (int n = 0; n < 120; ++n) {
    const std::string name = "n" + std::to_string(n);
    symbols.push_back({name, 1, -1, 1, 0});
    if (n >= 2) conditions.push_back({Index::var(name), 5});
    wish[name] = 1;
  }
  const auto begin = std::chrono::steady_clock::now();
  const SizeValues found = sizes_that_fit(symbols, conditions, wish);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(found.at("n2"), 5);
}

TEST(sizes, a_search_finds_some_that_fit) {
  const Graph g = parse_graph(kPyramid, {});
  const SizeValues found =
      sizes_that_fit(g.symbols(), g.conditions(), {{"h", 2}, {"n", 3}, {"m", 3}});
  EXPECT_FALSE(broken_condition(g.conditions(), found));
}

}  // namespace
}  // namespace mintor
