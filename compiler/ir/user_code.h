// SPDX-License-Identifier: Apache-2.0
// The text of a `code` node: C++17 statements of the user's own, over views of whole values. Takes
// the strings of a CodeAttr; gives functions with the names that their operands and results have in
// the statements. A signature is a line of its own, before the statements that it is for:
//
//   @ in0, in1 -> out0
//   for (int64_t i = 0; i < in0_shape0; ++i) out0(i) = in0(i) * in1(i);
//
// Without one, operands are in0, in1, ... and results out0, out1, ...; a gradient has one function
// for each operand that has a gradient: its result is din0 for the first operand, and it takes the
// node's operands, its results (out0, ...) and their gradients (dout0, ...), in this order.
// Keeps true: no name is used twice; line n of the body is line n of what the user wrote.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"

namespace mintor {

struct UserFunction {
  std::vector<std::string> inputs, outputs;
  std::string body;
};

// in0, in1, ...
std::vector<std::string> numbered(std::string_view stem, size_t count);
std::string print(const UserFunction& function);
// The function of a node. CompileError where its names do not fit the operands and results.
UserFunction user_function(const Node& node);
// Of each operand; none where there is no gradient of it. CompileError as above.
std::vector<std::optional<UserFunction>> user_gradients(const Node& node);
// CompileError where a view cannot show an operand or result: a dtype that C++ does not compute in.
void check_views(const UserFunction& function, const std::vector<Type>& inputs,
                 const std::vector<Type>& outputs, const std::string& place);
std::vector<Type> types_of(const std::vector<Value>& values);
// One result also goes by its name without the number: out for out0.
std::string short_name(const UserFunction& function);

}  // namespace mintor
