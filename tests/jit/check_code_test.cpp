// SPDX-License-Identifier: Apache-2.0
// User code and clang. Takes texts; compares errors, and what the cache remembers.
// tests/python/test_code.py has the list of what is refused.
#include "compiler/jit/check_code.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "compiler/codegen/emit_code.h"
#include "compiler/ir/builder.h"
#include "compiler/jit/llvm_library.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

struct CheckCode : testing::Test {
  CompileContext context;
  fs::path folder;

  void SetUp() override {
    if (llvm_library_path().empty()) GTEST_SKIP() << "built without LLVM";
    std::string path = (fs::temp_directory_path() / "mintor-check-test.XXXXXX").string();
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    folder = path;
    context.options.cache_dir = path + "/cache";
  }
  void TearDown() override { fs::remove_all(folder); }

  static CodeToCheck scale(const std::string& body) {
    const Type type{DType::f32, {2, 3}};
    return {{{"in0"}, {"out0"}, body}, {type}, {type}, "model.py:7"};
  }
  std::string error_of(const CodeToCheck& code) const {
    try {
      check_code(context, code);
    } catch (const CompileError& error) {
      return error.what();
    }
    return "";
  }
  int remembered() const {
    int count = 0;
    for (const auto& file : fs::directory_iterator(context.options.cache_dir))
      count += file.path().extension() == ".checked";
    return count;
  }
};

TEST_F(CheckCode, TellsLinePlaceAndHelp) {
  EXPECT_EQ(error_of(scale("\n  out(0, 3) = in0(1, 1);")),
            "error: code: line 2, column 10 of the source: this index of out is not known to be "
            "inside of 0 to 2: it is 3\n  at model.py:7\n  help: let a loop count to out_shape1, "
            "test the index with if, or clamp it: mt_imax(0, mt_imin(index, out_shape1 - 1))");
  EXPECT_EQ(error_of(scale("out(0) = 1;")),
            "error: code: line 1, column 1 of the source: 'out0' has 2 dimensions, and takes as "
            "many indices\n  at model.py:7");
  EXPECT_EQ(remembered(), 0);
}

TEST_F(CheckCode, WhatPassesIsRemembered) {
  EXPECT_EQ(error_of(scale("out(1, 2) = in0(0, 0);")), "");
  EXPECT_EQ(remembered(), 1);
  EXPECT_EQ(error_of(scale("out(1, 2) = in0(0, 0);")), "");
  EXPECT_EQ(error_of(scale("out(1, 1) = in0(0, 0);")), "");
  EXPECT_EQ(remembered(), 2);
}

TEST_F(CheckCode, LooksIntoBodies) {
  auto body = std::make_shared<Graph>("body");
  Builder inside(*body);
  const Value a = inside.input("a", DType::f32, {2});
  body->results = {{"r", inside.code({&a, 1}, {a.type()}, "out(2) = 1;", "")[0]}};
  Graph graph;
  Builder b(graph);
  const Value x = b.input("x", DType::f32, {2}), yes = b.input("yes", DType::boolean, {});
  graph.results = {{"r", b.if_(yes, {&x, 1}, body, body)[0]}};
  EXPECT_THROW(check_code(context, graph), CompileError);
}

}  // namespace
}  // namespace mintor
