// SPDX-License-Identifier: Apache-2.0
// Gradients compiled: evaluator on the graph after its passes == JIT, bit for bit, for a network
// with convolution, pooling, normalisation, gather and attention, first and second order.
// Takes nothing; skipped where this machine cannot compile.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "compiler/driver/driver.h"
#include "compiler/grad/grad.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/seeded.h"
#include "compiler/ops/library.h"

namespace mintor {
namespace {

struct Inputs {
  Builder& b;
  std::map<std::string, Tensor> data = {};
  std::vector<Value> wanted = {};

  Value f32(std::vector<int64_t> shape) {
    const std::string name = "x" + std::to_string(data.size());
    data[name] = seeded_tensor(DType::f32, shape, data.size() + 1);
    wanted.push_back(b.input(name, DType::f32, Shape(shape.begin(), shape.end())));
    return wanted.back();
  }
};

Value sum(Builder& b, Value x) { return ops::reduce(b, ops::Reduction::sum, x, {}, false); }

Value image_network(Inputs& in) {
  Builder& b = in.b;
  const ops::ConvAttr attr = {{2, 2}, {}, {1, 1}, {1, 1}, 1};
  Value x = ops::conv(b, in.f32({2, 3, 12, 12}), in.f32({16, 3, 3, 3}), in.f32({16}), attr);
  x = ops::group_norm(b, x, in.f32({16}), in.f32({16}), 4, 1e-5);
  x = ops::max_pool(b, ops::relu(b, x), {{3, 3}, {2, 2}, {}, {1, 1}, {1, 1}});
  x = ops::matmul(b, ops::flatten(b, x, 1), in.f32({144, 10}));
  return sum(b, ops::mul(b, ops::log_softmax(b, x, {1}), x));
}

Value text_network(Inputs& in) {
  Builder& b = in.b;
  const Value words = b.constant_i64({1, 5, 1, 0, 6});
  const Value x = ops::layer_norm(b, ops::take(b, in.f32({7, 24}), words, 0), in.f32({24}),
                                  in.f32({24}), 1, 1e-5);
  const Value q = ops::matmul(b, x, in.f32({24, 24})), k = ops::matmul(b, x, in.f32({24, 24}));
  const Value scores = ops::softmax(b, ops::matmul(b, q, b.transpose(k, {1, 0})), {1});
  return sum(b, ops::gelu(b, ops::matmul(b, scores, x), false));
}

std::vector<Value> gradients_of(Builder& b, Value y, std::span<const Value> xs) {
  const Value one = b.constant(y.dtype(), 1);
  return gradients(b, {&y, 1}, {&one, 1}, xs);
}

void check(Value (*network)(Inputs&)) {
  Graph graph("network");
  Builder b(graph);
  Inputs in{b};
  const Value loss = network(in);
  graph.results = {{"loss", loss}};
  Value norm = b.constant(DType::f32, 0);
  for (const Value& g : gradients_of(b, loss, in.wanted)) {
    graph.results.push_back({"g" + std::to_string(graph.results.size()), g});
    norm = ops::add(b, norm, sum(b, ops::mul(b, g, g)));
  }
  for (const Value& g : gradients_of(b, norm, in.wanted))
    graph.results.push_back({"second" + std::to_string(graph.results.size()), g});

  CompileContext context;
  context.options.cache_dir =
      (std::filesystem::temp_directory_path() / ("gradients." + std::to_string(getpid()))).string();
  const Graph optimised = optimise(context, std::move(graph));
  const std::vector<Tensor> want = evaluate(optimised, in.data).results;
  const Program program = build_program(context, optimised, {"v3"});
  std::vector<Tensor> given;
  for (const int32_t id : program.entries[0].inputs)
    given.push_back(in.data.at(program.buffers[id].name));
  const std::vector<Tensor> got = jit(context, program)->run(given);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_TRUE(same_bits(got[i], want[i])) << optimised.results[i].name;
  std::filesystem::remove_all(context.options.cache_dir);
}

TEST(CompiledGradients, ImageNetwork) { check(image_network); }
TEST(CompiledGradients, TextNetwork) { check(text_network); }

}  // namespace
}  // namespace mintor
