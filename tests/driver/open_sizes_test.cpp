// SPDX-License-Identifier: Apache-2.0
// Sizes that branches and loops decide, where a run finds that they do not fit: the interpreter and
// the JIT end it with the reason. What fits is in chain_test.cpp. Takes graphs as text; gives pass
// or fail.
#include <gtest/gtest.h>

#include "compiler/driver/driver.h"
#include "compiler/ir/text.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

// A branch in a branch finds out a size and needs it to be at least 3; slices of a size each.
constexpr const char* kText = R"(graph g (taken: 0.., slices: 0..) {
  c = input bool[]
  d = input bool[]
  k = input i64[]
  each = input i64[]
  y = if f32[taken] (c, d, k) {
    graph then (inner: 0..) {
      d = input bool[]
      k = input i64[]
      y = if f32[inner] (d, k) {
        graph then (few: 0..) {
          k = input i64[]
          b = bind i64[] (k) symbol few 0..
          y = iota f32[few - 3] dim 0
          results y
        }
        graph else {
          k = input i64[]
          y = iota f32[2] dim 0
          results y
        }
      }
      results y
    }
    graph else {
      d = input bool[]
      k = input i64[]
      y = iota f32[1] dim 0
      results y
    }
  }
  ys = loop f32[3, slices] (each) trip 3 carried 0 scanned 0 {
    graph body (size: 0..) {
      t = input i64[]
      each = input i64[]
      more = mul i64[] (t, each)
      b = bind i64[] (more) symbol size 0..
      y = iota f32[size] dim 0
      results y
    }
  }
  results y, ys
})";

std::vector<Tensor> inputs(bool c, bool d, int64_t k, int64_t each) {
  std::vector<Tensor> all;
  for (const bool flag : {c, d})
    all.push_back(Tensor::scalar(Scalar::of_int(DType::boolean, flag)));
  for (const int64_t number : {k, each})
    all.push_back(Tensor::scalar(Scalar::of_int(DType::i64, number)));
  return all;
}

template <class Run>
void check_runs(const Run& run) {
  const auto size_of_first = [&](const std::vector<Tensor>& given) { return run(given)[0].shape; };
  using Shape = std::vector<int64_t>;
  EXPECT_EQ(size_of_first(inputs(false, true, 0, 0)), Shape{1});
  EXPECT_EQ(size_of_first(inputs(true, false, 0, 0)), Shape{2});  // asks for nothing of k
  EXPECT_EQ(size_of_first(inputs(true, true, 9, 0)), Shape{6});
  EXPECT_THROW(run(inputs(true, true, 2, 0)), CompileError);
  try {
    run(inputs(false, true, 0, 2));
    FAIL() << "slices of other sizes are stacked";
  } catch (const CompileError& error) {
    EXPECT_NE(std::string(error.what()).find("all slices that a loop stacks are of one size"),
              std::string::npos)
        << error.what();
  }
  EXPECT_EQ(size_of_first(inputs(true, true, 3, 0)), Shape{0});  // after a run that ended
}

TEST(OpenSizes, ThoseThatDoNotFitEndTheRun) {
  CompileContext context;
  const Graph graph = optimise(context, parse_graph(kText));
  const Program program = build_program(context, graph, {"reference"});
  check_runs([&](const auto& given) { return interpret(program, given, 0); });
  for (const int threads : {1, 3}) {
    LoadOptions load;
    load.threads = threads;
    const auto model = jit(context, program, load);
    check_runs([&](const auto& given) { return model->run(given); });
  }
}

}  // namespace
}  // namespace mintor
