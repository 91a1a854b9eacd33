// SPDX-License-Identifier: Apache-2.0
// Programs that share compiled kernels: only new ones are compiled, and what is shared is right.
// Takes graphs as text; gives pass or fail. Keeps true: each test has its own cache.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "compiler/codegen/program_emitter.h"
#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/seeded.h"
#include "compiler/ir/text.h"
#include "compiler/jit/jit.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

// rows = the sums of f(x), scaled; `tail` is what else is done.
std::string graph(const std::string& name, const std::string& function, const std::string& tail,
                  int n = 40) {
  const std::string type = "f32[6, " + std::to_string(n) + "]";
  return "graph " + name + " {\n  " + name + "_x = input " + type + "\n  a = " + function + " " +
         type + " (" + name + "_x)\n  s = reduce f32[6] (a) add dims = [1] identity -0 @ " + name +
         "/sum\n  t = " + tail + " f32[6] (s)\n  results s, t\n}";
}

struct Shared : testing::Test {
  fs::path folder;
  CompileContext context;

  Shared() {
    std::string path = (fs::temp_directory_path() / "mintor-shared-test.XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = path;
    context.options.cache_dir = path + "/cache";
  }
  ~Shared() override { fs::remove_all(folder); }

  Program program(const std::string& text, const std::vector<std::string>& levels) {
    return build_program(context, optimise(context, parse_graph(text)), levels);
  }
  // How many of its kernels were compiled; checks what it computes.
  size_t compiled(const std::string& text,
                  const std::vector<std::string>& levels = {find_level("native").level}) {
    const Program made = program(text, levels);
    Program unnamed = made;
    unnamed.name = "model";
    unnamed.numerics_hash.clear();
    const size_t count = jit_compile(context, emit_shared(unnamed)).compiled_kernels;
    const Tensor x = seeded_tensor(DType::f32, {6, made.buffers[0].shape[1].value()}, 1);
    const Graph optimised = optimise(context, parse_graph(text));
    const auto wanted = evaluate(optimised, {{made.buffers[0].name, x}}).results;
    for (const std::string& level : levels) {
      LoadOptions load;
      load.level = level;
      const auto got = jit(context, made, load)->run(std::vector<Tensor>{x});
      for (size_t i = 0; i < wanted.size(); ++i) EXPECT_TRUE(same_bits(got[i], wanted[i])) << text;
    }
    return count;
  }
  std::vector<fs::path> records() const {
    std::vector<fs::path> found;
    for (const auto& item : fs::directory_iterator(context.options.cache_dir))
      if (item.path().extension() == ".kernel" || item.path().extension() == ".object")
        found.push_back(item.path());
    return found;
  }
};

TEST_F(Shared, ANewProgramCompilesItsNewKernelsOnly) {
  EXPECT_EQ(compiled(graph("one", "tanh", "exp")), 2u);
  EXPECT_EQ(compiled(graph("one", "tanh", "exp")), 0u);    // found whole
  EXPECT_EQ(compiled(graph("two", "tanh", "exp")), 0u);    // other names, linked anew
  EXPECT_EQ(compiled(graph("two", "tanh", "sqrt")), 1u);   // the sums are there
  EXPECT_EQ(compiled(graph("three", "exp", "sqrt")), 1u);  // the roots are there
  EXPECT_EQ(compiled(graph("three", "exp", "sqrt", 41)), 1u);
}

// Rows that are computed on their own, and sums over them.
std::string rows(const std::string& symbol, const std::string& n) {
  const std::string type = "f32[" + n + ", 16, 40]";
  return "graph rows " + symbol + "{\n  x = input " + type + "\n  a = tanh " + type +
         " (x)\n  s = reduce f32[" + n +
         ", 16] (a) add dims = [2] identity -0\n  t = reduce f32[16, 40]"
         " (a) add dims = [0] identity -0\n  results a, s, t\n}";
}

TEST_F(Shared, KernelsOfOneBatchAreThoseOfAll) {
  const auto compiled = [&](const std::string& text) {
    return jit_compile(context, emit_shared(program(text, {find_level("native").level})))
        .compiled_kernels;
  };
  EXPECT_EQ(compiled(rows("", "64")), 3u);
  EXPECT_EQ(compiled(rows("", "48")), 1u);                   // the sum over the rows
  EXPECT_EQ(compiled(rows("(n: 2..4096 ~ 48) ", "n")), 1u);  // the same
}

TEST_F(Shared, KernelsOfSeveralObjectsMeet) {
  compiled(graph("one", "tanh", "exp"));
  compiled(graph("two", "exp", "sqrt"));
  EXPECT_EQ(compiled(graph("both", "tanh", "sqrt")), 0u);
}

TEST_F(Shared, LevelsHaveKernelsOfTheirOwn) {
  const std::string native = find_level("native").level;
  if (native == "reference") GTEST_SKIP() << "one level only";
  EXPECT_EQ(compiled(graph("one", "tanh", "exp"), {"reference", native}), 4u);
  EXPECT_EQ(compiled(graph("two", "tanh", "exp"), {"reference", native}), 0u);
}

TEST_F(Shared, WhatIsDamagedOrGoneIsCompiledAgain) {
  EXPECT_EQ(compiled(graph("one", "tanh", "exp")), 2u);
  for (const fs::path& record : records()) fs::resize_file(record, fs::file_size(record) / 2);
  EXPECT_EQ(compiled(graph("two", "tanh", "exp")), 2u);
  for (const fs::path& record : records())
    if (record.extension() == ".object") fs::remove(record);
  EXPECT_EQ(compiled(graph("three", "tanh", "exp")), 2u);
}

// Two processes may compile one kernel at one time: it is in two objects then.
TEST_F(Shared, AKernelMayBeInTwoObjects) {
  compiled(graph("one", "tanh", "exp"));
  const fs::path first = folder / "first";
  fs::rename(context.options.cache_dir, first);
  compiled(graph("two", "tanh", "sqrt"));  // the sums again, with the roots
  // The record of the sums leads to the second object, that of exp to the first: both are linked.
  for (const auto& item : fs::directory_iterator(first)) {
    const fs::path to = fs::path(context.options.cache_dir) / item.path().filename();
    if (!fs::exists(to)) fs::rename(item.path(), to);
  }
  EXPECT_EQ(compiled(graph("three", "tanh", "exp")), 0u);
}

}  // namespace
}  // namespace mintor
