// SPDX-License-Identifier: Apache-2.0
// Takes code nodes; gives what libmintor_jit says of them as an error. Keeps true: the first error
// is the one that is told, at the user's line, also where clang's own lies in our headers.
#include "compiler/jit/check_code.h"

#include <regex>
#include <sstream>

#include "compiler/codegen/emit_code.h"
#include "compiler/codegen/target.h"
#include "compiler/jit/llvm_library.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

struct Diagnostic {
  std::string line, column, level, text;
};

// Those at a line of the user's.
std::vector<Diagnostic> in_user_text(const std::string& diagnostics) {
  static const std::regex kForm("^" + std::string(kUserFile) +
                                ":([0-9]+):([0-9]+): (?:fatal )?(error|note): (.*)$");
  std::vector<Diagnostic> found;
  std::istringstream lines(diagnostics);
  for (std::string line; std::getline(lines, line);) {
    std::smatch parts;
    if (std::regex_match(line, parts, kForm))
      found.push_back({parts[1], parts[2], parts[3], parts[4]});
  }
  return found;
}

// clang speaks of the type of a view where the number of indices is wrong.
std::string in_our_words(const std::string& text, const Node& node, const UserFunction& function) {
  const auto words = [&](const std::string& name, size_t rank) -> std::string {
    if (text != "no matching function for call to object of type 'const mt_" + name + "'")
      return "";
    return "'" + name + "' has " + std::to_string(rank) + " dimensions, and takes as many indices";
  };
  for (size_t i = 0; i < function.inputs.size(); ++i)
    if (auto own = words(function.inputs[i], node.operands[i].shape().size()); !own.empty())
      return own;
  for (size_t r = 0; r < function.outputs.size(); ++r)
    if (auto own = words(function.outputs[r], node.results[r].shape.size()); !own.empty())
      return own;
  return text;
}

[[noreturn]] void fail(const std::string& diagnostics, const Node& node,
                       const UserFunction& function, const std::string& place) {
  const std::vector<Diagnostic> found = in_user_text(diagnostics);
  if (found.empty()) throw CompileError("code", "clang refuses the source: " + diagnostics, place);
  const bool gradient = function.outputs.size() == 1 && function.outputs[0].starts_with("din");
  const std::string where = "line " + found[0].line + ", column " + found[0].column +
                            " of the source" + (gradient ? " of " + function.outputs[0] : "");
  const bool helped = found.size() > 1 && found[0].level == "error" && found[1].level == "note" &&
                      found[1].line == found[0].line && found[1].column == found[0].column;
  throw CompileError("code", where + ": " + in_our_words(found[0].text, node, function), place,
                     helped ? found[1].text : "");
}

std::vector<Type> types_of(const std::vector<Value>& values) {
  std::vector<Type> types;
  for (const Value& value : values) types.push_back(value.type());
  return types;
}

}  // namespace

void check_code(const Node& node, const std::string& place) {
  const UserFunction function = user_function(node);
  check_views(node, function, place);
  const TargetInfo reference = find_level("reference");
  const SourceFile unit{
      "user_code.cpp", unit_to_check(function, types_of(node.operands), node.results), {}};
  const std::string problems = llvm_check({{unit}, prelude_headers(reference)});
  if (!problems.empty()) fail(problems, node, function, place);
}

void check_code(const Graph& graph) {
  for (const Node* node : live_nodes(graph)) {
    const auto& scopes = graph.scopes(node);
    if (node->kind == Kind::code) check_code(*node, scopes.empty() ? "" : scopes.front());
    if (const auto* region = std::get_if<RegionAttr>(&node->attr))
      for (const auto& body : region->regions) check_code(*body);
  }
}

}  // namespace mintor
