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
  EXPECT_EQ(compiled(rows("", "48")), 0u);
  EXPECT_EQ(compiled(rows("(n: 2..4096 ~ 48) ", "n")), 1u);  // the sum over rows has a rest
}

// What a gradient of weights is: a sum over the batch, in blocks where it is long; beside it a
// scatter, row by row.
std::string slopes(const std::string& symbol, const std::string& n) {
  return "graph slopes " + symbol + "{\n  x = input f32[" + n + ", 24]\n  y = input f32[" + n +
         ", 48]\n  to = input i64[48]\n  c = contract f32[24, 48] (x, y) m = 24, c: n = 48, k = " +
         n + " | x[k, m] y[k, c]\n  z = constant f32[] 0\n  b = broadcast f32[" + n +
         ", 7] (z) dims = []\n  r = reindex_reduce f32[" + n +
         ", 7] (b, y, to) add [i0, l0] where l0 = 2[i1]\n  results c, r\n}";
}

TEST_F(Shared, LengthsOfLoopsAreNoPartOfAKernel) {
  std::vector<int64_t> columns;
  for (int64_t i = 0; i < 48; ++i) columns.push_back(i * i % 7);
  const Tensor to = Tensor::copy_of(DType::i64, {48}, columns.data());
  const std::string some = "(n: 2..1048576 ~ 70) ";
  for (const int64_t first : {64, 20000}) {
    context.options.cache_dir = (folder / std::to_string(first)).string();
    const auto check_one = [&](const std::string& symbol, int64_t rows, size_t most_new) {
      const std::string text = slopes(symbol, symbol.empty() ? std::to_string(rows) : "n");
      const Program made = program(text, {find_level("native").level});
      EXPECT_LE(jit_compile(context, emit_shared(made)).compiled_kernels, most_new) << text;
      const std::vector<Tensor> inputs{seeded_tensor(DType::f32, {rows, 24}, 1),
                                       seeded_tensor(DType::f32, {rows, 48}, 2), to};
      const auto wanted = evaluate(optimise(context, parse_graph(text)),
                                   {{"x", inputs[0]}, {"y", inputs[1]}, {"to", to}})
                              .results;
      const auto got = jit(context, made, {})->run(inputs);
      for (size_t i = 0; i < wanted.size(); ++i)
        EXPECT_TRUE(same_bits(got[i], wanted[i])) << text << " " << rows << " " << i;
    };
    check_one("", first, 2);
    check_one("", first - 13, 0);
    check_one(some, 2, 1);  // tiles of rows may be the tasks where nobody knows how long panels are
    check_one(some, first + 9, 0);
  }
}

// Of no item there is no last one: that no loop needs it is no reason to refuse the run.
TEST_F(Shared, SizesThatMayBeZero) {
  const std::string text = R"(graph flip (n: 0..4096 ~ 40) {
  x = input f32[n, 7]
  i = iota i64[n] dim 0
  r = reindex i64[n] (i) [n - 1 - i0] fill 0
  y = reindex f32[n, 7] (x, r) [l0, i1] where l0 = 1[i0] fill 0
  results y
})";
  const Program made = program(text, {find_level("native").level});
  for (const int64_t n : {0, 1, 40}) {
    const Tensor x = seeded_tensor(DType::f32, {n, 7}, 1);
    const auto wanted = evaluate(optimise(context, parse_graph(text)), {{"x", x}}).results;
    const auto got = jit(context, made, {})->run(std::vector<Tensor>{x});
    for (size_t i = 0; i < wanted.size(); ++i) EXPECT_TRUE(same_bits(got[i], wanted[i])) << n;
  }
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
