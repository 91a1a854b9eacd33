// SPDX-License-Identifier: Apache-2.0
// Signatures of user code: the names that a text gives to operands and results.
// Takes texts of code nodes; compares names, bodies and errors.
#include "compiler/ir/user_code.h"

#include <gtest/gtest.h>

#include "compiler/ir/builder.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

using Names = std::vector<std::string>;

struct UserCode : testing::Test {
  Graph graph;
  Builder b{graph};
  Value x = b.input("x", DType::f32, {3}), n = b.input("n", DType::i64, {});

  const Node& node(std::string source, std::string gradient = "") {
    const Value operands[] = {x, n};
    return *b.code(operands, {x.type(), n.type()}, std::move(source), std::move(gradient))[0].node;
  }
  template <class Function>
  static std::string error_of(const Function& function) {
    try {
      function();
    } catch (const CompileError& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(UserCode, HasNamesOfItsOwnOrNumberedOnes) {
  const UserFunction plain = user_function(node("a;\n\n b;"));
  EXPECT_EQ(plain.inputs, (Names{"in0", "in1"}));
  EXPECT_EQ(plain.outputs, (Names{"out0", "out1"}));
  EXPECT_EQ(plain.body, "a;\n\n b;\n");
  const UserFunction named = user_function(node("@ x, count -> y, z\nc;"));
  EXPECT_EQ(named.inputs, (Names{"x", "count"}));
  EXPECT_EQ(named.outputs, (Names{"y", "z"}));
  EXPECT_EQ(named.body, "c;\n");
  EXPECT_EQ(print(named), "@ x, count -> y, z\nc;\n");
  EXPECT_EQ(user_function(node("")).body, "");
}

TEST_F(UserCode, AGradientIsThatOfTheOperandItNames) {
  const auto gradients = user_gradients(node("", "@ in0, in1, out0, out1, dout0 -> din0\n\nd;\n"));
  ASSERT_EQ(gradients.size(), 2u);
  ASSERT_TRUE(gradients[0]);
  EXPECT_EQ(gradients[0]->body, "\nd;\n");
  EXPECT_FALSE(gradients[1]);
  EXPECT_EQ(short_name(*gradients[0]), "din");
  EXPECT_EQ(short_name(user_function(node(""))), "");  // two results
}

TEST_F(UserCode, RefusesNamesThatDoNotFit) {
  EXPECT_EQ(error_of([&] { user_function(node("@ a -> b, c\n")); }),
            "error: code: the signature 'a -> b, c' names 1 operands and 2 results, there are 2 "
            "and 2");
  EXPECT_NE(error_of([&] { user_function(node("@ a, a -> b, c\n")); }).find("'a' is named twice"),
            std::string::npos);
  EXPECT_NE(error_of([&] { user_function(node("@ mt_a, b -> c, d\n")); }).find("the compiler's"),
            std::string::npos);
  EXPECT_NE(error_of([&] { user_function(node("@ a, b c\n")); }).find("expected '->'"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              user_function(node("@ a, b -> c, d\n@ a, b -> c, d\n"));
            }).find("2 signatures"),
            std::string::npos);
  EXPECT_EQ(error_of([&] { user_gradients(node("", "@ a, b, c, d, e -> f\n")); }),
            "error: code: a gradient gives 'f', expected din0 to din1");
}

}  // namespace
}  // namespace mintor
