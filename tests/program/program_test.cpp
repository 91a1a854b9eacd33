// SPDX-License-Identifier: Apache-2.0
// Text, verifier and interpreter of a hand-written Program. Takes nothing; gives pass or fail.
// Keeps true: each broken rule is checked by its message.
#include "compiler/program/program.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/program/canonical.h"
#include "compiler/program/legal_names.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

Tensor floats(std::vector<int64_t> shape, const std::vector<float>& values) {
  return Tensor::copy_of(DType::f32, std::move(shape), values.data());
}

const Tensor& weight() {
  static const Tensor kWeight = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  return kWeight;
}

// packed = transpose(w); h = x * packed; y = relu(h) in place of h's bytes; y is the output.
std::string text() {
  return R"(program "toy" {
  numerics "00ff"
  level "plain" "none" vector 0 registers 0 l1 32768 l2 1048576 features [] flags ["a \"b\""]
  symbol batch 0..8 % 1 ~ 4
  buffer "x" = input 0 f32[batch, 2]
  buffer "w" = weights f32[2, 3] at 0
  buffer "t" = packed f32[3, 2] at 0
  buffer "h" = arena f32[batch, 3] at 0
  buffer "g" = arena f32[batch, 3] at 0
  buffer "flat" = view "g" f32[3*batch]
  buffer "y" = output 0 f32[3*batch]
  weight "w" in "w" f32[2, 3] sha256 )" +
         weight().sha256() + R"(
  sizes weights 64 packed [64]
  report "forward: arena"
  entry prepare () -> () arena [0] {
    turn("w", "t";) tasks [1]
  }
  entry forward ("x") -> ("y") arena [64*batch] {
    dense("x", "t", "h"; batch) tasks [batch]
    relu("h", "g"; batch) tasks [1] in_place 1 <- 0 @ "net/relu", "out"
    copy("flat", "y"; 3*batch) tasks [1]
  }
  kernel turn {
kernel turn (w: f32[2, 3], t: out f32[3, 2]) {
  for i in 0..3 {
    for j in 0..2 {
      t[i, j] = w[j, i]
    }
  }
}
---
  }
  kernel dense {
kernel dense (x: f32[batch, 2], t: f32[3, 2], h: out f32[batch, 3]; batch: 0..8) {
  parallel i in 0..batch {
    for j in 0..3 {
      h[i, j] = fma(x[i, 1], t[j, 1], mul(x[i, 0], t[j, 0]))
    }
  }
}
---
  }
  kernel relu {
kernel relu (h: f32[batch, 3], g: out f32[batch, 3]; batch: 0..8) {
  for i in 0..batch {
    for j in 0..3 {
      g[i, j] = relu(h[i, j])
    }
  }
}
---
  }
  kernel copy {
kernel copy (x: f32[n], y: out f32[n]; n: 0..) {
  for i in 0..n {
    y[i] = x[i]
  }
}
---
  }
}
)";
}

Program parsed(std::string changed = text()) {
  return parse_program(changed, {{weight().sha256(), weight()}});
}

std::string replaced(const std::string& from, const std::string& to) {
  std::string changed = text();
  const size_t at = changed.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return changed.replace(at, from.size(), to);
}

TEST(Program, PrintsAndParsesBack) {
  const std::string once = print(parsed());
  EXPECT_EQ(print(parsed(once)), once);
  EXPECT_NE(once.find(R"(flags ["a \"b\""])"), std::string::npos);
  EXPECT_NE(once.find("relu(\"h\", \"g\"; batch) tasks [1] in_place 1 <- 0"), std::string::npos);
}

TEST(Program, NamesAreQuotedAsInOtherTexts) {
  Program program = parsed();
  program.name = "a\tb\x01\n\"\\";
  const std::string once = print(program);
  EXPECT_NE(once.find("program \"a\\tb\\x01\\n\\\"\\\\\" {"), std::string::npos) << once;
  EXPECT_EQ(parsed(once).name, program.name);
  EXPECT_EQ(print(parsed(once)), once);
}

TEST(Program, ErrorsNameThePlaceInTheWholeText) {
  const auto error = [](const std::string& changed) {
    try {
      parsed(changed);
    } catch (const CompileError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  std::string changed = replaced("copy (x: f32[n]", "copy (x: f33[n]");
  const size_t at = changed.find("f33");
  const auto line = 1 + std::count(changed.begin(), changed.begin() + static_cast<long>(at), '\n');
  EXPECT_EQ(error(changed), "error: program text: 'f33' is no dtype\n  at line " +
                                std::to_string(line) + ", column 20");
  EXPECT_NE(error("program \"p\" { level 3").find("expected a level, found '3'"),
            std::string::npos);
  EXPECT_NE(error("program \"p\" {").find("no part of a program starts here"), std::string::npos);
  EXPECT_NE(error("program \"p").find("a string is not closed"), std::string::npos);
}

TEST(Program, Interprets) {
  const Program program = parsed();
  const Tensor x = floats({2, 2}, {1, 1, 1, -1});
  const std::vector<Tensor> outputs = interpret(program, {x}, 0);
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_TRUE(same_bits(outputs[0], floats({6}, {5, 7, 9, 0, 0, 0})));
  EXPECT_TRUE(same_bits(interpret(program, {floats({0, 2}, {})}, 0)[0], floats({0}, {})));
}

TEST(Program, InterpreterChecksInputs) {
  try {
    interpret(parsed(), {floats({2, 3}, {1, 2, 3, 4, 5, 6})}, 0);
    FAIL();
  } catch (const CompileError& error) {
    EXPECT_NE(std::string(error.what()).find("'x' has 3 in dimension 1, not 2"), std::string::npos);
  }
}

// A plan that lets two live buffers overlap gives wrong values here: the interpreter lays them out.
TEST(Program, InterpreterShowsAWrongPlan) {
  const std::string wrong =
      replaced("relu(\"h\", \"g\"; batch) tasks [1] in_place 1 <- 0",
               "relu(\"h\", \"g\"; batch) tasks [1]\n      relu(\"g\", \"h\"; batch) "
               "tasks [1]\n      dense(\"x\", \"t\", \"g\"; batch) tasks [batch]");
  EXPECT_NO_THROW(interpret(parsed(wrong), {floats({1, 2}, {1, 1})}, 0));
  const Tensor x = floats({1, 2}, {1, -1});
  EXPECT_FALSE(same_bits(interpret(parsed(wrong), {x}, 0)[0], interpret(parsed(), {x}, 0)[0]));
}

void expect_broken(const std::string& changed, const std::string& message) {
  try {
    parsed(changed);
    FAIL() << "no error; expected: " << message;
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
  }
}

std::string with_condition() {
  std::string changed = replaced("symbol batch 0..8 % 1 ~ 4\n",
                                 "symbol batch 0..8 % 1 ~ 4\n"
                                 "  symbol twice 0..-1 % 1 ~ 0 = 2*batch\n");
  const std::string head = "arena [64*batch]";
  return changed.replace(changed.find(head), head.size(),
                         head +
                             "\n    needs left_or_one [batch, 4] \"node '/Add' (Add)\""
                             "\n    needs equal [twice, 2*batch] \"\""
                             "\n    needs left_or_positive [batch, 7] \"\"");
}

TEST(Program, ConditionsAreReadAndChecked) {
  const std::map<std::string, Tensor> blobs{{weight().sha256(), weight()}};
  const Program program = parse_program(with_condition(), blobs);
  EXPECT_EQ(print(program), with_condition());
  for (const int64_t batch : {1, 4}) {
    const Tensor x = floats({batch, 2}, std::vector<float>(2 * batch, 1));
    EXPECT_EQ(interpret(program, {x}, 0).size(), 1u);
  }
  try {
    interpret(program, {floats({3, 2}, std::vector<float>(6, 1))}, 0);
    FAIL();
  } catch (const CompileError& e) {
    EXPECT_STREQ(e.what(), "error: run: batch is 3, must be 4 or 1: node '/Add' (Add)");
  }
  expect_broken(replaced("arena [64*batch]", "arena [64*batch] needs equal [rows, 4] \"\""),
                "condition rows == 4: 'rows' is no symbol before it");
}

TEST(Program, VerifierNamesTheRule) {
  expect_broken(replaced("dense(\"x\", \"t\", \"h\"; batch)", "dense(\"x\", \"t\"; batch)"),
                "launch of dense: argument count");
  expect_broken(
      replaced("dense(\"x\", \"t\", \"h\"; batch)", "dense(\"x\", \"t\", \"h\"; 2*batch)"),
      "is not 2*batch of buffer 'x'");
  expect_broken(replaced("dense(\"x\", \"t\", \"h\"; batch) tasks [batch]\n", ""),
                "reads 'h' before it is written");
  expect_broken(replaced("turn(\"w\", \"t\";)", "turn(\"w\", \"w\";)"), "");
  expect_broken(replaced("buffer \"flat\" = view \"g\" f32[3*batch]",
                         "buffer \"flat\" = view \"g\" f32[2*batch]"),
                "a view has the bytes of 'g'");
  expect_broken(replaced("at 0\n  buffer \"t\"", "at 4\n  buffer \"t\""), "multiple of 64");
  expect_broken(replaced("in_place 1 <- 0", "in_place 0 <- 1"), "in_place does not name");
  expect_broken(replaced("copy(\"flat\", \"y\"; 3*batch) tasks [1]", ""), "is never written");
  expect_broken(replaced("tasks [batch]", "tasks [batch, 1]"), "not one per level");
}

TEST(Program, ParserSaysWhere) {
  expect_broken(replaced("output 0 f32", "output 0 f31"), "'f31' is no dtype");
  expect_broken(replaced("view \"g\"", "view \"nobody\""), "there is no buffer 'nobody'");
  expect_broken(replaced("sizes weights", "sizez weights"), "line 13");
}

TEST(Canonical, EqualUpToNames) {
  const Kernel one = parse_kernel(
      "kernel a (x: f32[n], y: out f32[n]; n: 0..) {\n  for i in 0..n {\n"
      "    let v = add(x[i], f32(1))\n    y[i] = mul(v, v)\n  }\n}\n");
  const Kernel two = parse_kernel(
      "kernel b (p: f32[m], q: out f32[m]; m: 0..) {\n  for z in 0..m {\n"
      "    let add_ = add(p[z], f32(1))\n    q[z] = mul(add_, add_)\n  }\n}\n");
  const Kernel other = parse_kernel(
      "kernel b (p: f32[m], q: out f32[m]; m: 0..) {\n  for z in 0..m {\n"
      "    let v = add(p[z], f32(2))\n    q[z] = mul(v, v)\n  }\n}\n");
  EXPECT_EQ(canonical_text(one), canonical_text(two));
  EXPECT_NE(canonical_text(one), canonical_text(other));
}

TEST(LegalNames, KeywordsAndThePreludesNamesAreChanged) {
  EXPECT_EQ(legal_name("relu"), "relu");
  EXPECT_EQ(legal_name("double"), "double_");
  EXPECT_EQ(legal_name("layer/1"), "layer_1");
  EXPECT_EQ(legal_name("3x3"), "k_3x3");
  EXPECT_EQ(legal_name("mt_fma"), "kmt_fma");
  const Kernel kernel = with_legal_names(parse_kernel(
      "kernel a (int: f32[n], y: out f32[n]; n: 0..) {\n  for lane_ in 0..n {\n"
      "    y[lane_] = int[lane_]\n  }\n}\n"));
  EXPECT_EQ(kernel.params[0].name, "int_");
  EXPECT_NE(print(kernel).find("int_[lane_]"), std::string::npos);
}

}  // namespace
}  // namespace mintor
