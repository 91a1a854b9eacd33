// SPDX-License-Identifier: Apache-2.0
// Signatures and statements of user code as text.
// Takes the text of a `code` node; gives its functions. Keeps true: hostile text is a CompileError.
#include "compiler/ir/user_code.h"

#include <algorithm>
#include <set>

#include "compiler/support/error.h"
#include "compiler/support/lexer.h"

namespace mintor {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::vector<std::string> read_names(Lexer& lexer) {
  std::vector<std::string> names;
  if (lexer.peek().kind != Token::Kind::name) return names;
  do names.emplace_back(lexer.name("an operand"));
  while (lexer.accept(","));
  return names;
}

UserFunction read_signature(std::string_view line) {
  UserFunction function;
  Lexer lexer(line, "signature of user code");
  function.inputs = read_names(lexer);
  lexer.expect("->");
  function.outputs = read_names(lexer);
  if (!lexer.at_end()) lexer.fail("text after the names");
  std::set<std::string> seen;
  for (const auto* names : {&function.inputs, &function.outputs})
    for (const std::string& name : *names) {
      if (name.starts_with("mt_")) lexer.fail("'" + name + "' is a name of the compiler's");
      if (!seen.insert(name).second) lexer.fail("'" + name + "' is named twice");
    }
  return function;
}

// Each signature with the lines up to the next one; lines before the first have none.
std::vector<UserFunction> read_functions(std::string_view text, UserFunction without) {
  std::vector<UserFunction> functions;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.starts_with("@"))
      functions.push_back(read_signature(line.substr(1)));
    else if (functions.empty())
      functions.push_back(without);
    if (!line.starts_with("@")) functions.back().body += std::string(line) + "\n";
  }
  if (functions.empty()) functions.push_back(std::move(without));
  return functions;
}

void check_counts(const UserFunction& function, size_t inputs, size_t outputs) {
  if (function.inputs.size() == inputs && function.outputs.size() == outputs) return;
  throw CompileError("code", "the signature '" + listed(function.inputs) + " -> " +
                                 listed(function.outputs) + "' names " +
                                 std::to_string(function.inputs.size()) + " operands and " +
                                 std::to_string(function.outputs.size()) + " results, there are " +
                                 std::to_string(inputs) + " and " + std::to_string(outputs));
}

}  // namespace

std::vector<std::string> numbered(std::string_view stem, size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(std::string(stem) + std::to_string(i));
  return names;
}

std::string print(const UserFunction& function) {
  return "@ " + listed(function.inputs) + " -> " + listed(function.outputs) + "\n" + function.body;
}

UserFunction user_function(const Node& node) {
  const size_t inputs = node.operands.size(), outputs = node.results.size();
  std::vector<UserFunction> functions = read_functions(
      node.as<CodeAttr>().source, {numbered("in", inputs), numbered("out", outputs), ""});
  if (functions.size() != 1)
    throw CompileError("code", "the source has " + std::to_string(functions.size()) +
                                   " signatures, a node has one function");
  check_counts(functions[0], inputs, outputs);
  return std::move(functions[0]);
}

std::vector<std::optional<UserFunction>> user_gradients(const Node& node) {
  std::vector<std::optional<UserFunction>> gradients(node.operands.size());
  const std::string& text = node.as<CodeAttr>().gradient;
  if (text.empty()) return gradients;
  size_t inputs = node.operands.size() + node.results.size();
  for (const Type& type : node.results) inputs += is_float(type.dtype) ? 1 : 0;
  for (UserFunction& function : read_functions(text, {})) {
    check_counts(function, inputs, 1);
    const std::vector<std::string> names = numbered("din", gradients.size());
    const auto at = std::ranges::find(names, function.outputs[0]);
    if (at == names.end())
      throw CompileError("code", "a gradient gives '" + function.outputs[0] +
                                     "', expected din0 to " +
                                     (names.empty() ? "nothing" : names.back()));
    gradients[static_cast<size_t>(at - names.begin())] = std::move(function);
  }
  return gradients;
}

void check_views(const UserFunction& function, const std::vector<Type>& inputs,
                 const std::vector<Type>& outputs, const std::string& place) {
  const auto check_one = [&](const std::string& name, const Type& type) {
    const std::string what = "'" + name + "' is " + to_string(type);
    if (is_storage_float(type.dtype))
      throw CompileError("code", what + ", a dtype for storage alone", place,
                         "cast it to f32, and the result back");
  };
  for (size_t i = 0; i < inputs.size(); ++i) check_one(function.inputs[i], inputs[i]);
  for (size_t r = 0; r < outputs.size(); ++r) check_one(function.outputs[r], outputs[r]);
}

std::vector<Type> types_of(const std::vector<Value>& values) {
  std::vector<Type> types;
  for (const Value& value : values) types.push_back(value.type());
  return types;
}

std::string short_name(const UserFunction& function) {
  if (function.outputs.size() != 1) return "";
  std::string name = function.outputs[0];
  while (!name.empty() && name.back() >= '0' && name.back() <= '9') name.pop_back();
  return name == function.outputs[0] ? "" : name;
}

}  // namespace mintor
