// SPDX-License-Identifier: Apache-2.0
// Takes a Program; drops parameters of its kernels and the arguments of their launches. Keeps true:
// what a text may mention is kept: names in the body, and in the extents that addresses need.
#include "compiler/codegen/idle_symbols.h"

#include <map>
#include <set>

#include "compiler/ir/flat_index.h"
#include "compiler/loop/analysis.h"

namespace mintor {
namespace {

using Names = std::set<std::string>;
using Shapes = std::map<std::string, std::vector<Index>>;

Shapes shapes_of(const Kernel& kernel) {
  Shapes shapes;
  for (const Param& param : kernel.params) shapes[param.name] = param.shape;
  visit(kernel.body, [&](const Stmt& stmt) {
    if (const auto* alloc = std::get_if<Alloc>(&stmt->node)) shapes[alloc->name] = alloc->shape;
  });
  return shapes;
}

void add_addresses(const Kernel& kernel, Names& names) {
  const Shapes shapes = shapes_of(kernel);
  const auto add = [&](const std::string& buffer, const std::vector<Index>& at) {
    names.merge(flat_index(at, shapes.at(buffer)).vars());
  };
  visit_exprs(kernel.body, [&](const Expr& expr) {
    if (const auto* load = std::get_if<LoadExpr>(&expr->node)) add(load->buffer, load->indices);
  });
  visit(kernel.body, [&](const Stmt& stmt) {
    if (const auto* store = std::get_if<Store>(&stmt->node)) add(store->buffer, store->indices);
    if (const auto* instr = std::get_if<Instr>(&stmt->node))
      for (const InstrOperand& operand : instr->operands) add(operand.buffer, operand.indices);
    if (const auto* fetch = std::get_if<Prefetch>(&stmt->node)) add(fetch->buffer, fetch->indices);
    if (const auto* code = std::get_if<Code>(&stmt->node))
      for (const auto* operands : {&code->inputs, &code->outputs})
        for (const CodeOperand& operand : *operands)
          for (const Index& extent : shapes.at(operand.buffer)) names.merge(extent.vars());
  });
}

// The parallel loop's end is the caller's to know.
Stmt without_task_count(const Stmt& body) {
  return rewrite(body, nullptr, [](const Stmt& stmt) -> Stmt {
    const auto* loop = std::get_if<For>(&stmt->node);
    if (loop == nullptr || loop->kind != LoopKind::parallel) return nullptr;
    return k::loop(*loop, loop->begin, loop->begin, loop->body);
  });
}

// For each symbol whether a level reads it.
std::vector<bool> read_symbols(const LevelKernels& kernels) {
  Names names;
  for (const Kernel& kernel : kernels.levels) {
    names.merge(mentioned_in(without_task_count(kernel.body)));
    add_addresses(kernel, names);
  }
  std::vector<bool> read;
  for (const SymbolParam& symbol : kernels.levels.front().symbols)
    read.push_back(names.contains(symbol.name));
  return read;
}

template <class T>
void keep(std::vector<T>& all, const std::vector<bool>& kept) {
  std::vector<T> left;
  for (size_t n = 0; n < all.size(); ++n)
    if (kept[n]) left.push_back(all[n]);
  all = std::move(left);
}

}  // namespace

Program without_idle_symbols(Program program) {
  std::map<std::string, std::vector<bool>> read;
  for (LevelKernels& kernels : program.kernels) {
    const std::vector<bool>& kept = read[kernels.name] = read_symbols(kernels);
    for (Kernel& kernel : kernels.levels) keep(kernel.symbols, kept);
  }
  const auto drop = [&](Entry& entry) {
    visit_launches(entry.steps, [&](Launch& launch) { keep(launch.symbols, read[launch.kernel]); });
  };
  drop(program.prepare);
  for (Entry& entry : program.entries) drop(entry);
  return program;
}

}  // namespace mintor
