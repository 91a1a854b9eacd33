// SPDX-License-Identifier: Apache-2.0
// Reductions and scans of rows and lines: schedules that take them as they lie in memory, and the
// bits of the evaluator at sizes below, at and beside vectors and blocks.
#include <gtest/gtest.h>

#include "compiler/codegen/target.h"
#include "compiler/graph/pipeline.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ops/library.h"
#include "tests/lowering/check_chain.h"
#include "tests/lowering/run_groups.h"

namespace mintor {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Graph scanned(const Shape& shape, int dim, bool reverse, bool exclusive) {
  Graph g;
  for (const Index& e : shape)
    if (const auto name = e.as_var()) g.add_symbol({*name, 0, -1, 1, 8});
  Builder b(g);
  const Value x = b.apply(ScalarOp::exp, {b.input("x", DType::f32, shape)});
  g.results = {{"r", b.scan(Combiner::add, std::vector<Value>{x}, dim,
                            {identity_of(Combiner::add, DType::f32)}, reverse, exclusive)[0]}};
  return g;
}

// Lines that are one block, or blocks and what is left of one: the scanned loop is inside of tasks
// and around vectors.
TEST(Rows, ScansWalkLinesInBlocks) {
  const std::string level = kernels_text(scanned({40, 600}, 0, false, false), find_level("v3"));
  EXPECT_TRUE(has(level, "outer in 0..3 {")) << level;
  EXPECT_FALSE(has(level, "_acc")) << level;
  // Of two dimensions beside it the outer one is cut, so that a block is 256 elements or more.
  const std::string two = kernels_text(scanned({9, 40, 50}, 0, false, false), find_level("v3"));
  EXPECT_TRUE(has(two, "outer in 0..7 {")) << two;
  const Index a = Index::var("a"), b = Index::var("b");
  for (const bool reverse : {false, true})
    for (const bool exclusive : {false, true}) {
      for (const Shape& shape : {Shape{5, 600}, {3, 256}, {4, 37}, {6, 3}, {5, 7, 50}, {3, 2, 300}})
        check_chain(scanned(shape, 0, reverse, exclusive));
      for (const Shape& shape : {Shape{2, 5, 20}, {2, 3, 4, 70}, {300, 2, 9}})
        check_chain(scanned(shape, 1, reverse, exclusive));
      for (const int64_t n : {0, 1, 17, 300})
        check_chain(scanned({a, b}, 0, reverse, exclusive), {{"a", 3}, {"b", n}});
    }
}

// All levels of a tree but the last two are vectors, as are the lanes.
TEST(Rows, TreesOfLanesAreVectors) {
  Graph g;
  Builder b(g);
  g.results = {{"r", b.reduce(Combiner::add, b.input("x", DType::f32, {9, 53}), {1})}};
  const std::string text = kernels_text(g, find_level("v3"));
  for (const char* lanes : {"x8 reduce_1_part[", "x4 reduce_1_part["})
    EXPECT_TRUE(has(text, lanes)) << text;
  check_chain(std::move(g));
}

// Whether lanes or rows are vectors is told by what is read, whatever stands between: rows of a
// transposed operand are neighbours, a window's taps are not.
TEST(Rows, VectorsGoAlongWhatLiesSideBySide) {
  for (const bool turned : {false, true}) {
    Graph g;
    Builder b(g);
    const Value x = b.input("x", DType::f32, {turned ? 70 : 40, turned ? 40 : 70});
    const Value y = b.apply(ScalarOp::exp, {turned ? b.transpose(x, {1, 0}) : x});
    g.results = {{"r", b.reduce(Combiner::add, y, {1})}};
    const std::string text = kernels_text(g, find_level("v3"));
    const std::string sum = turned ? "reduce_3" : "reduce_2";
    EXPECT_EQ(has(text, "vectorize(" + sum + "_0i_i)"), turned) << text;
    EXPECT_EQ(has(text, "vectorize(" + sum + "_l)"), !turned) << text;
    check_chain(std::move(g));
  }
}

// A place of the largest is found one item after the other, so that rows are vectors, however they
// lie; what is compared is computed once.
TEST(Rows, PlacesOfTheLargestAreOfRowsSideBySide) {
  const auto of = [](const Shape& shape, int dim) {
    Graph g;
    Builder b(g);
    const Value y = b.apply(ScalarOp::exp, {b.input("x", DType::f32, shape)});
    g.results = {{"r", b.reduce(Combiner::argmax, y, {dim})}};
    return g;
  };
  const std::string text = kernels_text(of({70, 21}, 1), find_level("v3"));
  EXPECT_TRUE(has(text, "vectorize(reduce_2_0i_i)")) << text;
  EXPECT_EQ(text.find("exp("), text.rfind("exp(")) << text;
  for (const Shape& shape : {Shape{70, 21}, {33, 40}, {5, 3}, {1, 9}}) check_chain(of(shape, 1));
  for (const Shape& shape : {Shape{4, 21, 35}, {2, 1, 16}, {3, 7, 5}}) {
    check_chain(of(shape, 1));
    check_chain(of(shape, 2));
  }
}

// Several runs of dimensions are summed: places in a run are whole vectors, or cross its end.
TEST(Rows, SumsOverAllButAMiddleDimension) {
  for (const Shape& shape : {Shape{3, 5, 8, 6}, {3, 5, 7, 7}, {2, 3, 4, 1}, {5, 2, 30, 32}}) {
    Graph g;
    Builder b(g);
    const Value x = b.input("x", DType::f32, shape);
    g.results = {{"sum", b.reduce(Combiner::add, x, {0, 2, 3})},
                 {"most", b.reduce(Combiner::max, x, {1, 3})}};
    check_chain(std::move(g));
  }
}

// What whole vectors leave of a row is shorter vectors, and 3 elements or fewer.
TEST(Rows, TailsAreShorterVectors) {
  const auto of = [](const Index& columns) {
    Graph g;
    if (const auto name = columns.as_var()) g.add_symbol({*name, 0, -1, 1, 8});
    Builder b(g);
    g.results = {{"r", b.apply(ScalarOp::exp, {b.input("x", DType::f32, {70, columns})})}};
    return g;
  };
  for (const int64_t columns : {20, 24, 31, 33}) {
    const std::string text = kernels_text(of(columns), find_level("v3"));
    const int64_t rest = columns % 16;
    EXPECT_EQ(has(text, "x4 exp_1["), rest >= 4 && rest != 8) << text;
    EXPECT_EQ(has(text, "x8 exp_1["), rest == 8) << text;
    check_chain(of(columns));
  }
  for (const int64_t columns : {0, 1, 16, 23}) check_chain(of(Index::var("n")), {{"n", columns}});
}

// Of a long row what takes long is kept: exp is written once. What is soon computed again is not.
TEST(Rows, LongFunctionsOfLongRowsAreKept) {
  constexpr int64_t kColumns = 20000;
  const auto of = [&](bool logarithm) {
    Graph g;
    Builder b(g);
    const Value x = b.input("x", DType::f32, {2, kColumns});
    g.results = {{"r", logarithm ? ops::log_softmax(b, x, {1}) : ops::softmax(b, x, {1})}};
    return g;
  };
  for (const bool logarithm : {false, true}) {
    CompileContext context;
    const std::string text = kernels_text(run_pipeline(context, of(logarithm)), find_level("v3"));
    EXPECT_EQ(has(text, ", 20000] in "), !logarithm) << text;
    check_chain(of(logarithm));
  }
}

}  // namespace
}  // namespace mintor
