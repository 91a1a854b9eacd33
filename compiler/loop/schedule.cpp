// SPDX-License-Identifier: Apache-2.0
// Takes a kernel; gives its loops as lists, and steps that may refuse.
// Keeps true: a refused step leaves the kernel as it was and says why in `because`.
#include "compiler/loop/schedule.h"

#include "compiler/loop/step.h"

namespace mintor {

std::optional<int64_t> LoopInfo::trip() const {
  const Index count = end - begin;
  if (!count.is_const()) return std::nullopt;
  return count.value();
}

namespace {

void collect(const Stmt& stmt, int depth, std::vector<LoopInfo>& out) {
  if (stmt == nullptr) return;
  if (auto* block = std::get_if<Block>(&stmt->node)) {
    for (const Stmt& s : block->body) collect(s, depth, out);
  } else if (auto* branch = std::get_if<If>(&stmt->node)) {
    collect(branch->then_body, depth, out);
    collect(branch->else_body, depth, out);
  } else if (auto* loop = std::get_if<For>(&stmt->node)) {
    const size_t self = out.size();
    out.push_back({loop->var, loop->begin, loop->end, loop->kind, depth, true});
    collect(loop->body, depth + 1, out);
    out[self].innermost = out.size() == self + 1;
  }
}

}  // namespace

std::vector<LoopInfo> loops_of(const Kernel& kernel) {
  std::vector<LoopInfo> out;
  collect(kernel.body, 0, out);
  return out;
}

std::vector<std::string> copies_of(const Kernel& kernel, const std::string& base) {
  static const std::vector<std::string> kSuffixes = {"_t", "_first", "_last"};
  std::vector<std::string> out;
  for (const LoopInfo& loop : loops_of(kernel)) {
    std::string_view rest = loop.var;
    if (rest.substr(0, base.size()) != base) continue;
    rest.remove_prefix(base.size());
    bool copy = true;
    while (copy && !rest.empty()) {
      copy = false;
      for (const std::string& suffix : kSuffixes)
        if (rest.substr(0, suffix.size()) == suffix) {
          rest.remove_prefix(suffix.size());
          copy = true;
          break;
        }
    }
    if (copy) out.push_back(loop.var);
  }
  return out;
}

bool try_step(Kernel& kernel, const std::string& name, const std::vector<std::string>& args) {
  const Refusal refusal = apply_step(kernel, name, args);
  if (!refusal) return true;
  kernel.because.push_back(print(StepCall{name, args}) + " refused: " + refusal.reason);
  return false;
}

std::vector<LoopInfo> outer_nest(const Kernel& kernel) {
  std::vector<LoopInfo> nest;
  const Stmt* at = &kernel.body;
  while (*at != nullptr) {
    if (auto* block = std::get_if<Block>(&(*at)->node)) {
      if (block->body.size() != 1) break;
      at = &block->body[0];
      continue;
    }
    auto* loop = std::get_if<For>(&(*at)->node);
    if (loop == nullptr || loop->kind != LoopKind::serial) break;
    nest.push_back(
        {loop->var, loop->begin, loop->end, loop->kind, static_cast<int>(nest.size()), false});
    at = &loop->body;
  }
  return nest;
}

void parallelise_outer(Kernel& kernel, size_t most_loops) {
  std::vector<LoopInfo> nest = outer_nest(kernel);
  if (nest.size() > most_loops) nest.resize(most_loops);
  if (nest.empty()) return;
  std::string var = nest[0].var;
  for (size_t n = 1; n < nest.size(); ++n) {
    // Enough tasks for any machine: what is left inside stays a plain loop.
    const auto trip = nest[0].trip();
    if (n == 1 && trip && *trip >= 64) break;
    const std::string joined = fresh_name(kernel, "task");
    if (!try_step(kernel, "fuse", {var, nest[n].var, joined})) break;
    var = joined;
  }
  try_step(kernel, "parallelize", {var});
}

}  // namespace mintor
