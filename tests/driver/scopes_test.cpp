// SPDX-License-Identifier: Apache-2.0
// What layers are called leaves schedules alone. Takes one graph under several scopes, some of
// which read like the names that steps make or like a role; fails where a kernel differs in more
// than names, or its schedule in a step.
#include <gtest/gtest.h>

#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/ir/builder.h"
#include "compiler/ops/library.h"
#include "compiler/program/canonical.h"

namespace mintor {
namespace {

// Products with a tail, rows, a reduction over outer dimensions, a convolution, parts of a concat.
Graph layers(const std::string& scope) {
  Graph graph("layers");
  graph.add_symbol({"rows", 1, 100, 1, 50});
  Builder b(graph);
  const Index rows = Index::var("rows");
  const Value x = b.input("x", DType::f32, {rows, 40}), w = b.input("w", DType::f32, {40, 70});
  const Value image = b.input("image", DType::f32, {1, 5, 12, 12});
  const Value taps = b.input("taps", DType::f32, {18, 5, 3, 3});
  const Builder::Scope in(b, scope);
  const Value product = b.apply(ScalarOp::relu, {ops::matmul(b, x, w)});
  ops::ConvAttr same;
  same.pad_before = same.pad_after = {1, 1};
  graph.results = {
      {"softmax", ops::softmax(b, product, {1})},
      {"sums", b.reduce(Combiner::add, b.apply(ScalarOp::tanh, {x}), {0})},
      {"conv", ops::conv(b, image, taps, Value{}, same)},
      {"parts", b.concat(std::vector<Value>{x, b.apply(ScalarOp::exp, {x}), product}, 1)}};
  return graph;
}

// Each kernel of each level without its names, then its steps.
std::vector<std::string> kernels_of(const std::string& scope) {
  CompileContext context;
  std::vector<std::string> texts;
  for (const Target* target : all_targets()) {
    std::vector<std::string> levels;
    for (const TargetInfo& level : target->levels()) levels.push_back(level.level);
    const Program program = build_program(context, optimise(context, layers(scope)), levels);
    for (const LevelKernels& kernel : program.kernels)
      for (const Kernel& level : kernel.levels) {
        texts.push_back(canonical_text(level));
        for (const StepCall& call : level.schedule) texts.back() += " " + call.name;
      }
  }
  return texts;
}

TEST(Scopes, LeaveSchedulesAlone) {
  const std::vector<std::string> want = kernels_of("plain");
  EXPECT_GE(want.size(), 12u);
  for (const char* scope : {"lm_logits", "x_o", "m", "n_o", "out_i_t", "acc", "lane", "k_first"})
    EXPECT_EQ(kernels_of(scope), want) << scope;
}

}  // namespace
}  // namespace mintor
