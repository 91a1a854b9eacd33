// SPDX-License-Identifier: Apache-2.0
// The check of passes checks: it finds what differs, at sizes that the model takes, and says when
// it did not look. Takes pairs of graphs as text.
#include "compiler/graph/check_bits.h"

#include <gtest/gtest.h>

#include "compiler/graph/pipeline.h"
#include "compiler/ir/text.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

// `rest` elements of x behind the first five, through one function.
Graph behind_five(const std::string& function, int hint, const std::string& rest = "n - 5") {
  return parse_graph("graph g (n: 0.. ~ " + std::to_string(hint) + ") {\n  x = input f32[n]\n" +
                     "  y = reindex f32[" + rest + "] (x) [i0 + 5] fill 0\n  z = " + function +
                     " f32[" + rest + "] (y)\n  results z\n}\n");
}

std::string message_of(const Graph& before, const Graph& after) {
  try {
    return "compared: " + check_bits("pass", before, after);
  } catch (const InternalError& error) {
    return error.what();
  }
}

TEST(CheckBits, FindsWhatDiffersAtSizesThatTheModelTakes) {
  // Three elements are too few; the hint is not.
  EXPECT_EQ(message_of(behind_five("neg", 9), behind_five("neg", 9)), "compared: ");
  EXPECT_NE(message_of(behind_five("neg", 9), behind_five("abs", 9)).find("has other bits"),
            std::string::npos);
}

TEST(CheckBits, SaysWhenNothingIsCompared) {
  const std::string reason = check_bits("pass", behind_five("neg", 4), behind_five("abs", 4));
  EXPECT_NE(reason, "");
  CompileContext context;
  context.options.verify_passes = true;
  run_pipeline(context, behind_five("neg", 4));
  ASSERT_EQ(context.warnings.size(), 1u);
  EXPECT_EQ(context.warnings[0], "verify-passes: the bits are not compared: " + reason);
}

TEST(CheckBits, SaysWhichGraphsAreTooLarge) {
  const Graph large = parse_graph(
      "graph g {\n  x = input f32[4000, 4000]\n  y = neg f32[4000, 4000] (x)\n  results y\n}\n");
  EXPECT_EQ(check_bits("pass", large, large), "the graph has more than 10000000 scalar operations");
}

TEST(CheckBits, FailsWhereOnlyTheGraphBeforeCanBeEvaluated) {
  const std::string text = message_of(behind_five("neg", 9, "n"), behind_five("neg", 9));
  EXPECT_NE(text.find("can no longer be evaluated"), std::string::npos) << text;
}

}  // namespace
}  // namespace mintor
