// SPDX-License-Identifier: Apache-2.0
// Sizes that only a branch needs: below 0 they are no error where it is not taken, and one where it
// is. Takes a Graph as text; compares evaluator, Program interpreter, JIT and package.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/seeded.h"
#include "compiler/ir/text.h"
#include "compiler/package/builder.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

// Beside the branch lives `a`, which must not be overlapped; inside of it is another branch.
constexpr const char* kText = R"(graph tails (n: 0..40 ~ 17) {
  x = input f32[n]
  p = input bool[]
  q = input bool[]
  a = scan f32[n] (x) add dims = [0] identity 0
  y = if f32[] (p, x, q) {
    graph then (n: 0..40 ~ 17) {
      x = input f32[n]
      q = input bool[]
      s = reindex f32[n - 10] (x) [i0 + 10] fill 0
      c = scan f32[n - 10] (s) add dims = [0] identity 0
      t = tanh f32[n - 10] (c)
      d = scan f32[n - 10] (t) add dims = [0] identity 0
      z = if f32[] (q, d) {
        graph then (n: 0..40 ~ 17) {
          d = input f32[n - 10]
          u = reindex f32[n - 20] (d) [i0 + 10] fill 0
          v = scan f32[n - 20] (u) add dims = [0] identity 0
          w = scan f32[n - 20] (v) add dims = [0] identity 0
          r = reduce f32[] (w) add dims = [0] identity -0
          results r
        }
        graph else (n: 0..40 ~ 17) {
          d = input f32[n - 10]
          r = reduce f32[] (d) add dims = [0] identity -0
          results r
        }
      }
      results z
    }
    graph else (n: 0..40 ~ 17) {
      x = input f32[n]
      q = input bool[]
      r = reduce f32[] (x) add dims = [0] identity -0
      results r
    }
  }
  b = broadcast f32[n] (y) dims = []
  e = add f32[n] (a, b)
  results e
})";

class BranchSizes : public testing::Test {
 protected:
  BranchSizes() {
    std::string path = (fs::temp_directory_path() / "mintor-branch-test.XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = path;
    context.options.cache_dir = (folder / "cache").string();
    graph.emplace(optimise(context, parse_graph(kText)));
    program = build_program(context, *graph, {"v3"});
  }
  ~BranchSizes() override { fs::remove_all(folder); }

  static Tensor flag(bool value) {
    return Tensor::scalar(Scalar::of_int(DType::boolean, value ? 1 : 0));
  }

  // Runs for sizes and branches: what is wanted, or why there is nothing.
  template <class Run>
  void compare(const std::string& who, const Run& run) {
    for (const int64_t n : {25, 20, 19, 10, 9, 0, 3, 40}) {
      for (const int bits : {0, 1, 3}) {
        const std::vector<Tensor> inputs{seeded_tensor(DType::f32, {n}, 1), flag((bits & 1) != 0),
                                         flag((bits & 2) != 0)};
        const std::string where =
            who + " at n = " + std::to_string(n) + ", branches " + std::to_string(bits);
        const int64_t least = bits == 0 ? 0 : bits == 1 ? 10 : 20;
        if (n < least) {
          EXPECT_THROW(run(inputs), CompileError) << where;
          continue;
        }
        const std::vector<Tensor> wanted =
            evaluate(*graph, {{"x", inputs[0]}, {"p", inputs[1]}, {"q", inputs[2]}}).results;
        std::vector<Tensor> got;
        ASSERT_NO_THROW(got = run(inputs)) << where;
        EXPECT_TRUE(same_bits(got[0], wanted[0])) << where;
      }
    }
  }

  fs::path folder;
  CompileContext context;
  std::optional<Graph> graph;
  Program program;
};

TEST_F(BranchSizes, TheInterpreterChecksThoseOfTheBranchThatIsTaken) {
  compare("interpreter", [&](const auto& inputs) { return interpret(program, inputs, 0); });
  const std::string text = print(program);
  EXPECT_NE(text.find("in_branch"), std::string::npos);
  EXPECT_EQ(print(parse_program(text, {})), text);
}

TEST_F(BranchSizes, TheJitToo) {
  for (const int threads : {1, 3}) {
    LoadOptions load;
    load.threads = threads;
    const auto model = jit(context, program, load);
    compare("jit", [&](const auto& inputs) { return model->run(inputs); });
    try {
      model->run({seeded_tensor(DType::f32, {9}, 1), flag(true), flag(false)});
    } catch (const CompileError& error) {
      EXPECT_NE(std::string(error.what()).find("n - 10 is -1, must be 0 or at least 1 (n = 9)"),
                std::string::npos)
          << error.what();
    }
  }
}

TEST_F(BranchSizes, ThePackageToo) {
  const std::string directory = (folder / "package").string();
  write_program_package(context, program, {}, directory);
  BuildOptions build;
  build.extra_flags = {"-Wall", "-Wextra", "-Werror"};
  build_package(directory, build);
  const auto model = open_package(directory, {});
  compare("package", [&](const auto& inputs) { return model->run(inputs); });
}

}  // namespace
}  // namespace mintor
