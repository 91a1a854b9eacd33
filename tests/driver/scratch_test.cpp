// SPDX-License-Identifier: Apache-2.0
// Rows that do not fit the stack of a thread lie in scratch. Takes graphs of long rows; fails where
// a kernel has more on its stack than a frame may hold, or where a level differs from the evaluator
// in a bit.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/seeded.h"
#include "compiler/loop/stack.h"
#include "compiler/ops/library.h"

namespace mintor {
namespace {

Value centred(Builder& b, Value x, ops::Reduction kind) {
  const int64_t axes[] = {1};
  return ops::sub(b, x, ops::reduce(b, kind, x, axes, true));
}

// Each value is read by the next two: all are worth keeping.
Graph chain_of_rows(DType dtype, Index rows, int64_t columns) {
  Graph g("rows");
  Builder b(g);
  if (!rows.is_const()) g.add_symbol({*rows.as_var(), 0, -1, 1, 4});
  Value before = centred(b, b.input("x", dtype, {rows, columns}), ops::Reduction::max);
  Value last = b.apply(ScalarOp::exp, {before});
  for (int n = 0; n < 40; ++n) {
    const Value next = b.apply(ScalarOp::sub, {last, before});
    before = last;
    last = next;
  }
  g.results = {{"y", centred(b, last, ops::Reduction::max)}};
  return g;
}

Graph softmax_of(DType dtype, Index rows, int64_t columns) {
  Graph g("softmax");
  Builder b(g);
  if (!rows.is_const()) g.add_symbol({*rows.as_var(), 0, -1, 1, 4});
  g.results = {{"y", ops::softmax(b, b.input("x", dtype, {rows, columns}), {1})}};
  return g;
}

void check_rows(Graph (*make)(DType, Index, int64_t), DType dtype, const Index& rows,
                int64_t columns) {
  CompileContext context;
  std::string folder = (std::filesystem::temp_directory_path() / "mintor-scratch.XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  context.options.cache_dir = folder;
  context.options.verify_passes = true;
  std::vector<std::string> levels;
  for (const Target* target : all_targets())
    for (const TargetInfo& level : target->levels())
      if (target->host_supports(level)) levels.push_back(level.level);
  const Graph original = make(dtype, rows, columns);
  const Program program = build_program(context, optimise(context, make(dtype, rows, columns)),
                                        levels);
  for (const LevelKernels& kernel : program.kernels)
    for (const Kernel& level : kernel.levels) {
      EXPECT_LE(stack_bytes(level), kMostStackBytes);
      EXPECT_TRUE(has_scratch(level));
    }
  const Tensor x = seeded_tensor(dtype, {5, columns}, 7);
  const std::vector<Tensor> want = evaluate(original, {{"x", x}}).results;
  for (size_t level = 0; level < levels.size(); ++level)
    EXPECT_TRUE(same_bits(interpret(program, {x}, level)[0], want[0])) << levels[level];
  // More threads than tasks; each has a piece.
  for (const int threads : {1, 3, 20}) {
    LoadOptions options;
    options.threads = threads;
    const auto model = jit(context, program, options);
    EXPECT_TRUE(same_bits(model->run({x})[0], want[0])) << threads;
  }
  std::filesystem::remove_all(folder);
}

TEST(Scratch, HoldsRowsThatTheStackDoesNot) {
  check_rows(softmax_of, DType::f32, 5, 16384);
  check_rows(softmax_of, DType::f64, Index::var("n"), 8000);
}

TEST(Scratch, HoldsManyRowsTogether) {
  check_rows(chain_of_rows, DType::f32, 5, 3000);
  check_rows(chain_of_rows, DType::f64, Index::var("n"), 16384);
}

}  // namespace
}  // namespace mintor
