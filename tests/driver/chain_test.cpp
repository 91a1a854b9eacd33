// SPDX-License-Identifier: Apache-2.0
// The differential chain on small graphs: evaluator, Program interpreter, JIT by both compilers and
// the package by gcc and clang, at every level that this machine runs, bits equal. Takes graphs as
// text; gives pass or fail. Keeps true: a level that the machine lacks is named as skipped.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/driver/package_cases.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"
#include "compiler/jit/llvm_library.h"
#include "compiler/ops/library.h"
#include "compiler/package/builder.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

struct Named {
  const char* name;
  const char* text;      // null: made by network()
};

// What each is for: element-wise work, a matmul with its tail, rows and symbols, results that no
// kernel computes.
constexpr Named kGraphs[] = {
    {"elementwise", R"(graph elementwise {
  x = input f32[7, 33]
  y = input f32[7, 33]
  a = add f32[7, 33] (x, y)
  b = tanh f32[7, 33] (a)
  c = mul f32[7, 33] (b, y)
  results out = c
})"},
    {"dense", R"(graph dense (batch: 0..9 ~ 5) {
  x = input f32[batch, 20]
  y = input f32[20, 37]
  z = contract f32[batch, 37] (x, y) m = batch, n = 37, k = 20 | x[m, k] y[k, n]
  r = relu f32[batch, 37] (z)
  results r
})"},
    {"chain", R"(graph chain (n: 0..40 ~ 17) {
  x = input f32[n, 8]
  a = exp f32[n, 8] (x)
  s = reduce f32[n] (a) add dims = [1] identity -0
  b = broadcast f32[n, 8] (s) dims = [0]
  p = div f32[n, 8] (a, b)
  results p, again = p, given = x
})"},
    {"network", nullptr},
};

Tensor noise(std::vector<int64_t> shape, uint32_t seed) {
  auto [tensor, bytes] = Tensor::make(DType::f32, std::move(shape));
  for (int64_t i = 0; i < tensor.count(); ++i) {
    seed = seed * 1664525u + 1013904223u;
    const float value = static_cast<float>(seed >> 8) / (1 << 23) - 1.0f;
    std::memcpy(bytes + 4 * i, &value, 4);
  }
  return tensor;
}

// Weights that `prepare` packs, a residual, a symbolic batch: what a network is made of.
Graph network() {
  using namespace ops;
  Graph graph("network");
  graph.add_symbol({"batch", 0, 3, 1, 2});
  Builder b(graph);
  const Value x = b.input("x", DType::f32, {Index::var("batch"), 5, 9, 9});
  ConvAttr same;
  same.pad_before = same.pad_after = {1, 1};
  const auto parameter = [&](const char* name, std::vector<int64_t> shape) {
    return b.parameter(name, noise(std::move(shape), name[1]));
  };
  const Value first = conv(b, x, parameter("w1", {18, 5, 3, 3}), parameter("b1", {18}), same);
  const Value one = b.apply(ScalarOp::relu, {first});
  const Value two = conv(b, one, parameter("w2", {18, 18, 3, 3}), parameter("b2", {18}), same);
  const Value sum = b.apply(ScalarOp::relu, {b.apply(ScalarOp::add, {one, two})});
  const Value flat = b.reshape(sum, {Index::var("batch"), 18 * 81});
  const Value scores = matmul(b, flat, parameter("w3", {18 * 81, 7}));
  graph.results = {{"probabilities", softmax(b, scores, {1})}, {"features", flat}};
  return graph;
}

// Graph text and its side file, as a user would have them.
std::string write_model(const Named& named, const fs::path& folder) {
  const std::string file = (folder / "model.txt").string();
  if (named.text != nullptr) {
    std::ofstream(file) << named.text;
  } else {
    const Graph graph = network();
    std::ofstream(file) << print(graph);
    write_blobs(blobs_of(graph), file + ".blobs");
  }
  return file;
}

std::vector<std::string> levels_here() {
  std::vector<std::string> levels;
  for (const Target* target : all_targets()) {
    for (const TargetInfo& level : target->levels()) {
      if (target->host_supports(level)) {
        levels.push_back(level.level);
      } else {
        std::printf("level %s is skipped: this CPU lacks it\n", level.level.c_str());
      }
    }
  }
  return levels;
}

struct Chain : testing::TestWithParam<Named> {
  fs::path folder;
  CompileContext context;

  void SetUp() override {
    std::string path = (fs::temp_directory_path() / "mintor-driver-test.XXXXXX").string();
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    folder = path;
    context.options.cache_dir = path + "/cache";
    context.options.verify_passes = true;
  }
  void TearDown() override { fs::remove_all(folder); }
};

std::vector<Tensor> expected(const Graph& graph, const Program& program,
                             const std::vector<Tensor>& inputs) {
  std::map<std::string, Tensor> named;
  for (size_t i = 0; i < inputs.size(); ++i) {
    named[program.buffers[program.inputs[i]].name] = inputs[i];
  }
  return evaluate(graph, named).results;
}

void expect_same(const std::vector<Tensor>& got, const std::vector<Tensor>& wanted,
                 const std::string& who) {
  ASSERT_EQ(got.size(), wanted.size()) << who;
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(same_bits(got[i], wanted[i])) << who << ", output " << i;
  }
}

TEST_P(Chain, BitsAreEqualEverywhere) {
  const std::string file = write_model(GetParam(), folder);
  const Graph graph = optimise(context, load_model(context, file));
  EXPECT_EQ(graph.numerics_hash.size(), 64u);
  for (const std::string& level : levels_here()) {
    const Program program = build_program(context, graph, {level});
    const std::vector<Tensor> inputs = seeded_inputs(program, 7);
    const std::vector<Tensor> wanted = expected(graph, program, inputs);
    expect_same(interpret(program, inputs, 0), wanted, "interpreter at " + level);
    const std::string text = print(program);
    EXPECT_EQ(print(parse_program(text, blobs_of(graph))), text);
    for (const char* compiler : {"llvm", "system"}) {
      if (std::string(compiler) == "llvm" && llvm_library_path().empty()) continue;
      context.options.jit = compiler;
      for (const int threads : {1, 3}) {
        LoadOptions load;
        load.threads = threads;
        const std::string who =
            std::string(compiler) + " at " + level + " on " + std::to_string(threads);
        expect_same(jit(context, program, load)->run(inputs), wanted, who);
      }
    }
  }
  context.options.jit = "auto";
}

TEST_P(Chain, ThePackageHasTheSameBits) {
  const std::string file = write_model(GetParam(), folder);
  const Graph graph = optimise(context, load_model(context, file));
  const Program program = build_program(context, graph, levels_here());
  const std::vector<Tensor> inputs = seeded_inputs(program, 7);
  const std::vector<Tensor> wanted = expected(graph, program, inputs);
  for (const std::string compiler : {"gcc", "clang-16"}) {
    const std::string directory = (folder / compiler).string();
    write_program_package(context, program, {}, directory);
    BuildOptions build;
    build.compiler = compiler;
    build.extra_flags = {"-Wall", "-Wextra", "-Werror"};
    ASSERT_NO_THROW(build_package(directory, build));
    for (const TargetInfo& level : program.levels) {
      LoadOptions load;
      load.level = level.level;
      expect_same(open_package(directory, load)->run(inputs), wanted,
                  compiler + " at " + level.level);
    }
  }
}

TEST_P(Chain, EqualInputsGiveEqualText) {
  const std::string file = write_model(GetParam(), folder);
  std::string first;
  for (int i = 0; i < 2; ++i) {
    CompileContext fresh(context.options);
    const Graph graph = optimise(fresh, load_model(fresh, file));
    std::string all;
    const Program program = build_program(fresh, graph, {"v3", "v4"});
    for (const EmittedSource& source : emit_source(fresh, program)) {
      all += source.file + "\n" + source.text;
    }
    if (i == 0) first = all;
    EXPECT_EQ(all, first);
  }
}

INSTANTIATE_TEST_SUITE_P(Graphs, Chain, testing::ValuesIn(kGraphs),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Load, ErrorsSayWhatToDo) {
  CompileContext context;
  const auto message = [&](const std::string& path) {
    try {
      load_model(context, path);
    } catch (const CompileError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(message("/nowhere/model.onnx").find("'/nowhere/model.onnx' cannot be opened"),
            std::string::npos);
  EXPECT_NE(message("/tmp").find("'/tmp' is a folder"), std::string::npos);
}

}  // namespace
}  // namespace mintor
