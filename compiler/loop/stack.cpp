// SPDX-License-Identifier: Apache-2.0
// Takes a kernel; counts its Allocs with the ranges of the loops around them. Keeps true: arrays in
// registers are counted, for they may be spilled, but never moved.
#include "compiler/loop/stack.h"

#include <algorithm>

#include "compiler/support/error.h"

namespace mintor {
namespace {

constexpr int64_t kLine = 64;

using Visit = std::function<void(const Alloc&, const std::optional<int64_t>&)>;

// Each Alloc with its most bytes.
void visit_allocs(const Stmt& stmt, Ranges& ranges, const Visit& fn) {
  if (stmt == nullptr) return;
  if (auto* block = std::get_if<Block>(&stmt->node)) {
    for (const Stmt& s : block->body) visit_allocs(s, ranges, fn);
  } else if (auto* branch = std::get_if<If>(&stmt->node)) {
    visit_allocs(branch->then_body, ranges, fn);
    visit_allocs(branch->else_body, ranges, fn);
  } else if (auto* loop = std::get_if<For>(&stmt->node)) {
    ranges.set(loop->var, loop->begin, loop->end - 1);
    visit_allocs(loop->body, ranges, fn);
    ranges.erase(loop->var);
  } else if (auto* alloc = std::get_if<Alloc>(&stmt->node)) {
    Index bytes = size_of(alloc->dtype);
    for (const Index& e : alloc->shape) bytes = bytes * e;
    std::optional<int64_t> most = ranges.upper(bytes);
    if (most) most = (std::max<int64_t>(1, *most) + kLine - 1) / kLine * kLine;
    fn(*alloc, most);
  }
}

void visit_allocs(const Kernel& kernel, const Visit& fn) {
  Ranges ranges = ranges_at(kernel);
  visit_allocs(kernel.body, ranges, fn);
}

}  // namespace

std::map<std::string, std::optional<int64_t>> local_bytes(const Kernel& kernel) {
  std::map<std::string, std::optional<int64_t>> bytes;
  visit_allocs(kernel, [&](const Alloc& alloc, const std::optional<int64_t>& most) {
    bytes[alloc.name] = most;
  });
  return bytes;
}

int64_t stack_bytes(const Kernel& kernel) {
  int64_t sum = 0;
  visit_allocs(kernel, [&](const Alloc& alloc, const std::optional<int64_t>& most) {
    if (alloc.space != Space::scratch) sum += most.value_or(0);
  });
  return sum;
}

ScratchLayout scratch_layout(const Kernel& kernel) {
  ScratchLayout layout;
  visit_allocs(kernel, [&](const Alloc& alloc, const std::optional<int64_t>& most) {
    if (alloc.space != Space::scratch) return;
    check(most.has_value(), "scratch", "an array without a bound");
    layout.offsets[alloc.name] = layout.bytes;
    layout.bytes += *most;
  });
  return layout;
}

bool has_scratch(const Kernel& kernel) { return !scratch_layout(kernel).offsets.empty(); }

void fit_stack(Kernel& kernel) {
  int64_t left = stack_bytes(kernel);
  if (left <= kMostStackBytes) return;
  std::vector<std::pair<int64_t, std::string>> locals;
  visit_allocs(kernel, [&](const Alloc& alloc, const std::optional<int64_t>& most) {
    if (alloc.space == Space::local && most) locals.push_back({*most, alloc.name});
  });
  std::ranges::stable_sort(locals, std::ranges::greater{}, &std::pair<int64_t, std::string>::first);
  std::set<std::string> moved;
  for (size_t n = 0; n < locals.size() && left > kMostStackBytes; ++n) {
    moved.insert(locals[n].second);
    left -= locals[n].first;
  }
  check(left <= kMostStackBytes, "stack", "arrays in registers do not fit the stack");
  kernel.body = rewrite(
      kernel.body, nullptr, [&](const Stmt& stmt) -> Stmt {
        const auto* alloc = std::get_if<Alloc>(&stmt->node);
        if (alloc == nullptr || !moved.contains(alloc->name)) return nullptr;
        return k::alloc(alloc->name, alloc->dtype, alloc->shape, Space::scratch);
      });
}

}  // namespace mintor
