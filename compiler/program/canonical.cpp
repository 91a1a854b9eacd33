// SPDX-License-Identifier: Apache-2.0
// Renaming of everything that a kernel binds. Takes a Kernel; gives one with neutral names, rebuilt
// through the Index and tree rewriters, so that the canonical order of terms is that of the new
// names. Keeps true: the number and order of parameters and symbols.
#include "compiler/program/canonical.h"

namespace mintor {
namespace {

using Names = std::map<std::string, std::string>;

std::string renamed(const Names& names, const std::string& name) {
  const auto found = names.find(name);
  return found == names.end() ? name : found->second;
}

// Everything bound, in order of appearance, with a letter for its sort.
Names neutral_names(const Kernel& kernel) {
  Names names;
  const auto add = [&](const std::string& name, const char* sort) {
    names.emplace(name, sort + std::to_string(names.size()));
  };
  for (const Param& param : kernel.params) add(param.name, "p");
  for (const SymbolParam& symbol : kernel.symbols) add(symbol.name, "s");
  visit(kernel.body, [&](const Stmt& stmt) {
    if (const auto* loop = std::get_if<For>(&stmt->node)) add(loop->var, "i");
    if (const auto* let = std::get_if<Let>(&stmt->node)) add(let->name, "v");
    if (const auto* alloc = std::get_if<Alloc>(&stmt->node)) add(alloc->name, "b");
  });
  return names;
}

}  // namespace

Kernel rename(const Kernel& kernel, const std::map<std::string, std::string>& names) {
  std::map<std::string, Index> variables;
  for (const auto& [from, to] : names) variables[from] = Index::var(to);
  const auto fix = [&](const Index& e) { return e.substitute(variables); };

  Kernel out = kernel;
  for (Param& param : out.params) {
    param.name = renamed(names, param.name);
    for (Index& extent : param.shape) extent = fix(extent);
  }
  for (SymbolParam& symbol : out.symbols) symbol.name = renamed(names, symbol.name);
  out.body = rename(kernel.body, names);
  return out;
}

Kernel neutral(const Kernel& kernel) {
  Kernel out = rename(kernel, neutral_names(kernel));
  out.name = "kernel";
  out.schedule.clear();
  out.because.clear();
  out.computes.clear();
  return out;
}

std::string canonical_text(const Kernel& kernel) {
  Kernel canonical = neutral(kernel);
  canonical.body = rewrite(canonical.body, nullptr, [](const Stmt& s) -> Stmt {
    const auto* loop = std::get_if<For>(&s->node);
    return loop ? k::loop(loop->var, loop->begin, loop->end, loop->body, loop->kind) : nullptr;
  });
  return print(canonical);
}

}  // namespace mintor
