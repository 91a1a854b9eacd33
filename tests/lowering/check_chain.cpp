// SPDX-License-Identifier: Apache-2.0
// Takes a graph; compares two sets of inputs at every level. Keeps true: nothing is run that the
// passes did not check.
#include "tests/lowering/check_chain.h"

#include <gtest/gtest.h>

#include "compiler/codegen/target.h"
#include "compiler/graph/pipeline.h"
#include "compiler/ir/evaluate.h"
#include "tests/lowering/run_groups.h"

namespace mintor {
namespace {

void expect_same(const std::vector<Tensor>& want, const std::vector<Tensor>& have,
                 const Graph& graph, const std::string& level,
                 const std::optional<TargetInfo>& target) {
  ASSERT_EQ(want.size(), have.size());
  for (size_t n = 0; n < want.size(); ++n)
    EXPECT_TRUE(same_bits(want[n], have[n])) << level << ", result " << n << "\n"
                                             << kernels_text(graph, target);
}

}  // namespace

void check_chain(Graph graph, const std::map<std::string, int64_t>& symbols,
                 std::optional<int64_t> l2_bytes) {
  CompileContext context;
  context.options.verify_passes = true;
  const Graph optimised = run_pipeline(context, std::move(graph));
  EXPECT_EQ(context.warnings, std::vector<std::string>{});  // the passes were compared, too
  for (uint32_t seed : {1u, 2u}) {
    const auto inputs = sample_inputs(optimised, symbols, seed);
    const std::vector<Tensor> want = evaluate(optimised, inputs).results;
    expect_same(want, run_groups(optimised, inputs, {}), optimised, "as lowered", {});
    for (const std::string level : {"reference", "v3", "v4", "v4-vnni", "v4-bf16"}) {
      TargetInfo target = find_level(level);
      if (l2_bytes) target.l2_bytes = *l2_bytes;
      expect_same(want, run_groups(optimised, inputs, target), optimised, level, target);
    }
  }
}

}  // namespace mintor
