// SPDX-License-Identifier: Apache-2.0
// Reductions and scans of rows and lines: schedules that take them as they lie in memory, and the
// bits of the evaluator at sizes below, at and beside vectors and blocks.
#include <gtest/gtest.h>

#include "compiler/codegen/target.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "tests/lowering/check_chain.h"
#include "tests/lowering/run_groups.h"

namespace mintor {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
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

}  // namespace
}  // namespace mintor
