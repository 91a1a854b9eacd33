// SPDX-License-Identifier: Apache-2.0
// Parameters that runs update: a training step as a program with states. Takes graphs as text, run
// several times; the evaluator with the parameters of the step before is the oracle, bits equal.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "compiler/driver/driver.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/seeded.h"
#include "compiler/ir/text.h"
#include "compiler/package/builder.h"
#include "compiler/support/error.h"
#include "tests/golden/same_bits.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

// Momentum and a counter; the old weight is a result, so its update is copied.
constexpr const char* kStep = R"(graph step (batch: 1..8 ~ 3) {
  x = input f32[batch, 4]
  y = input f32[batch, 16]
  w = parameter f32[4, 16] random 1
  v = parameter f32[4, 16] random 2
  n = parameter i64[] 0
  p = contract f32[batch, 16] (x, w) m = batch, n = 16, k = 4 | x[m, k] y[k, n]
  e = sub f32[batch, 16] (p, y)
  g = contract f32[4, 16] (x, e) m = 4, n = 16, k = batch | x[k, m] y[k, n]
  c = constant f32[] 0.5
  b = broadcast f32[4, 16] (c) dims = []
  h = mul f32[4, 16] (v, b)
  v2 = add f32[4, 16] (h, g)
  s = mul f32[4, 16] (v2, b)
  w2 = sub f32[4, 16] (w, s)
  one = constant i64[] 1
  n2 = add i64[] (n, one)
  results e, old = w
  updates w := w2, v := v2, n := n2
})";

// Two states change places, one keeps a value of an input.
constexpr const char* kSwap = R"(graph swap {
  x = input f32[20]
  a = parameter f32[20] random 1
  b = parameter f32[20] random 2
  c = parameter f32[20] random 3
  s = add f32[20] (a, c)
  results s
  updates a := b, b := a, c := x
})";

// States that become what no run changes: `prepare` makes it, or it is a weight.
constexpr const char* kClear = R"(graph clear {
  x = input f32[20]
  w = parameter f32[20] random 4
  a = parameter f32[20] random 1
  b = parameter f32[20] random 2
  zero = constant f32[] 0
  z = broadcast f32[20] (zero) dims = []
  d = mul f32[20] (w, w)
  s = add f32[20] (a, x)
  t = add f32[20] (b, s)
  results s, t
  updates a := z, b := d
})";

Graph with_parameters(const Graph& graph, const std::vector<Tensor>& values) {
  return rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value>) {
    std::optional<std::vector<Value>> made;
    for (size_t u = 0; u < values.size(); ++u) {
      if (old.kind != Kind::parameter || old.as<ParameterAttr>().name != graph.updates[u].parameter)
        continue;
      made = {b.parameter(graph.updates[u].parameter, values[u])};
    }
    return made;
  });
}

struct States : testing::TestWithParam<const char*> {
  fs::path folder;
  CompileContext context;
  States() {
    std::string path = (fs::temp_directory_path() / "mintor-state-test.XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = path;
    context.options.cache_dir = path + "/cache";
    context.options.verify_passes = context.options.explain = true;
  }
  ~States() override { fs::remove_all(folder); }

  static std::vector<Tensor> inputs_of_run(const Program& program, int run) {
    std::vector<Tensor> inputs;
    for (const int32_t id : program.entries[0].inputs) {
      std::vector<int64_t> shape;
      for (const Index& e : program.buffers[id].shape)
        shape.push_back(e.evaluate([&](std::string_view) { return 1 + run; }));
      inputs.push_back(seeded_tensor(DType::f32, shape, static_cast<uint64_t>(10 * id + run)));
    }
    return inputs;
  }
};

void expect_same(const std::vector<Tensor>& got, const std::vector<Tensor>& wanted,
                 const std::string& who) {
  ASSERT_EQ(got.size(), wanted.size()) << who;
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_TRUE(same_bits(got[i], wanted[i])) << who << ", " << i;
}

// In the order of Program::states.
std::vector<Tensor> in_order(const Graph& graph, const Program& program,
                             const std::vector<Tensor>& updates) {
  std::vector<Tensor> ordered;
  for (const State& state : program.states) {
    const auto at =
        std::ranges::find(graph.updates, program.buffers[state.buffer].name, &Update::parameter);
    ordered.push_back(updates[static_cast<size_t>(at - graph.updates.begin())]);
  }
  return ordered;
}

TEST_P(States, RunsGoOnWhereTheLastOneEnded) {
  const Graph graph = optimise(context, parse_graph(GetParam()));
  const Program program = build_program(context, graph, {"reference", "v3"});
  EXPECT_EQ(print(parse_program(print(program),
                                [&] {
                                  std::map<std::string, Tensor> blobs;
                                  for (const Weight& weight : program.weights)
                                    blobs[weight.value.sha256()] = weight.value;
                                  return blobs;
                                }())),
            print(program));
  std::vector<std::pair<std::string, std::unique_ptr<LoadedModel>>> models;
  for (const std::string compiler : {"gcc", "clang-16"}) {
    const std::string directory = (folder / compiler).string();
    write_program_package(context, program, {}, directory);
    BuildOptions build;
    build.compiler = compiler;
    build_package(directory, build);
    models.emplace_back("package by " + compiler, open_package(directory));
  }
  LoadOptions two;
  two.threads = 2;
  models.emplace_back("two threads", jit(context, program, two));
  models.emplace_back("jit", jit(context, program));
  std::vector<Tensor> now, interpreted;
  for (int run = 0; run < 4; ++run) {
    const std::vector<Tensor> inputs = inputs_of_run(program, run);
    std::map<std::string, Tensor> named;
    for (size_t i = 0; i < inputs.size(); ++i)
      named[program.buffers[program.entries[0].inputs[i]].name] = inputs[i];
    const Evaluation wanted = evaluate(with_parameters(graph, now), named);
    now = wanted.updates;
    const std::vector<Tensor> states = in_order(graph, program, now);
    const std::string at = " in run " + std::to_string(run);
    expect_same(interpret(program, inputs, 0, &interpreted), wanted.results, "interpreter" + at);
    expect_same(interpreted, states, "states of the interpreter" + at);
    for (const auto& [who, model] : models) {
      expect_same(model->run(inputs), wanted.results, who + at);
      expect_same(model->context().states(), states, "states of " + who + at);
    }
  }
  models.back().second->context().reset();
  const std::vector<Tensor> first = inputs_of_run(program, 0);
  expect_same(models.back().second->run(first), jit(context, program)->run(first), "after a reset");
}

INSTANTIATE_TEST_SUITE_P(Graphs, States, testing::Values(kStep, kSwap, kClear));

TEST(StatesInPlace, UpdatesAreWrittenWhereTheStateLies) {
  CompileContext context;
  context.options.explain = true;
  const Graph graph = optimise(context, parse_graph(kStep));
  build_program(context, graph, {"reference"});
  const auto said = [&](const std::string& line) {
    return std::ranges::find(context.explanations, line) != context.explanations.end();
  };
  EXPECT_TRUE(said("update of n: written in place"));
  EXPECT_TRUE(said("update of v: written in place"));
  EXPECT_TRUE(said("update of w: copied: the old value is read later"));
}

// The new value is known before the size is that may end the run.
constexpr const char* kEnds = R"(graph ends {
  x = input f32[20]
  k = input i64[]
  a = parameter f32[20] random 1
  s = add f32[20] (a, x)
  m = bind i64[] (k) symbol m 0..7
  i = iota f32[m] dim 0
  results i
  updates a := s
})";

TEST(StatesOfFailedRuns, AreWhatTheyWere) {
  CompileContext context;
  Graph graph = parse_graph(kEnds);
  const auto model = jit(context, graph, {"reference"});
  const Tensor x = seeded_tensor(DType::f32, {20}, 1);
  const auto inputs = [&](int64_t k) {
    return std::vector{x, Tensor::copy_of(DType::i64, {}, &k)};
  };
  EXPECT_EQ(model->run(inputs(3))[0].shape, std::vector<int64_t>{3});
  const std::vector<Tensor> once = model->context().states();
  EXPECT_THROW(model->run(inputs(8)), CompileError);
  expect_same(model->context().states(), once, "after a size outside of its range");
  const int64_t k = 5;
  mt_tensor given[2] = {};
  given[0] = {const_cast<std::byte*>(x.data), 80, MT_F32, 1, {20}};
  given[1] = {const_cast<int64_t*>(&k), 8, MT_I64, 0, {}};
  float room[4];
  mt_tensor output{};
  output.data = room;
  output.bytes = sizeof room;
  EXPECT_THROW(model->context().run(given, &output), CompileError);
  expect_same(model->context().states(), once, "after an output that is too small");
  model->run(inputs(0));
  EXPECT_FALSE(same_bits(model->context().states()[0], once[0]));
}

}  // namespace
}  // namespace mintor
