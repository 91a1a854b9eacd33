// SPDX-License-Identifier: Apache-2.0
// Takes code nodes; gives what libmintor_jit says of them as an error. Keeps true: the first error
// is the one that is told, at the user's line, also where clang's own lies in our headers.
#include "compiler/jit/check_code.h"

#include <memory>
#include <mutex>
#include <regex>
#include <set>
#include <sstream>

#include "compiler/codegen/emit_code.h"
#include "compiler/codegen/target.h"
#include "compiler/jit/backend.h"
#include "compiler/jit/cache.h"
#include "compiler/jit/llvm_library.h"
#include "compiler/support/error.h"
#include "compiler/support/key.h"

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
std::string in_our_words(const std::string& text, const CodeToCheck& code) {
  const auto words = [&](const std::string& name, const Type& type) -> std::string {
    if (text != "no matching function for call to object of type 'const mt_" + name + "'")
      return "";
    return "'" + name + "' has " + std::to_string(type.shape.size()) +
           " dimensions, and takes as many indices";
  };
  std::string own;
  for (size_t i = 0; i < code.inputs.size() && own.empty(); ++i)
    own = words(code.function.inputs[i], code.inputs[i]);
  for (size_t r = 0; r < code.outputs.size() && own.empty(); ++r)
    own = words(code.function.outputs[r], code.outputs[r]);
  return own.empty() ? text : own;
}

[[noreturn]] void fail(const std::string& diagnostics, const CodeToCheck& code) {
  const std::vector<Diagnostic> found = in_user_text(diagnostics);
  if (found.empty())
    throw CompileError("code", "clang refuses the source: " + diagnostics, code.place);
  const std::vector<std::string>& results = code.function.outputs;
  const bool gradient = results.size() == 1 && results[0].starts_with("din");
  const std::string where = "line " + found[0].line + ", column " + found[0].column +
                            " of the source" + (gradient ? " of " + results[0] : "");
  const bool helped = found.size() > 1 && found[0].level == "error" && found[1].level == "note" &&
                      found[1].line == found[0].line && found[1].column == found[0].column;
  throw CompileError("code", where + ": " + in_our_words(found[0].text, code), code.place,
                     helped ? found[1].text : "");
}

// Texts that have passed, here or in another process: a warm start opens no LLVM.
class Passed {
 public:
  bool holds(const Cache* cache, const std::string& key) {
    const std::lock_guard lock(mutex_);
    if (keys_.contains(key)) return true;
    if (!cache || !cache->find_record(key + kEnding)) return false;
    keys_.insert(key);
    return true;
  }
  void add(const Cache* cache, const std::string& key) {
    const std::lock_guard lock(mutex_);
    keys_.insert(key);
    if (cache) cache->store_record(key + kEnding, "checked");
  }

 private:
  static constexpr const char* kEnding = ".checked";
  std::mutex mutex_;
  std::set<std::string> keys_;
};

Passed& passed() {
  static Passed texts;
  return texts;
}

std::string key_of(const ProgramSource& source, const JitBackend& checker) {
  Key key;
  key.add("user code, mintor " MINTOR_VERSION);
  key.add(checker.fingerprint());
  for (const auto* files : {&source.headers, &source.units})
    for (const SourceFile& file : *files) key.add(file.text);
  return key.hex();
}

// None where there is no folder for one: whoever needs it says so.
std::unique_ptr<Cache> cache_of(const CompileContext& context) {
  try {
    return std::make_unique<Cache>(context.options.cache_dir);
  } catch (const CompileError&) {
    return nullptr;
  }
}

}  // namespace

void check_code(const CompileContext& context, const CodeToCheck& code) {
  check_views(code.function, code.inputs, code.outputs, code.place);
  const SourceFile unit{
      "user_code.cpp", unit_to_check(code.function, code.inputs, code.outputs, code.ranges), {}};
  const ProgramSource source{{unit}, prelude_headers(find_level("reference"))};
  const std::unique_ptr<JitBackend> checker = llvm_backend(PassPlugins({}));
  const std::unique_ptr<Cache> cache = cache_of(context);
  const std::string key = checker ? key_of(source, *checker) : "";
  if (checker && passed().holds(cache.get(), key)) return;
  if (const std::string problems = llvm_check(source); !problems.empty()) fail(problems, code);
  passed().add(cache.get(), key);
}

void check_code(const CompileContext& context, const Graph& graph) {
  for (const Node* node : live_nodes(graph)) {
    const auto& scopes = graph.scopes(node);
    if (node->kind == Kind::code)
      check_code(context, {user_function(*node), types_of(node->operands), node->results,
                           scopes.empty() ? "" : scopes.front(), graph.ranges()});
    if (const auto* region = std::get_if<RegionAttr>(&node->attr))
      for (const auto& body : region->regions) check_code(context, *body);
  }
}

}  // namespace mintor
