// SPDX-License-Identifier: Apache-2.0
// Takes a kernel; gives its loops as lists, and steps that may refuse.
// Keeps true: a refused step leaves the kernel as it was and says why in `because`.
#include "compiler/loop/schedule.h"

#include <algorithm>

#include "compiler/ir/lanes.h"
#include "compiler/loop/loop_inside.h"
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
    out.push_back({loop->var, loop->begin, loop->end, loop->kind, origin_of(*loop), depth, true});
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

std::optional<int64_t> trip_of(const Kernel& kernel, const std::string& var) {
  for (const LoopInfo& loop : loops_of(kernel))
    if (loop.var == var) return loop.trip();
  return std::nullopt;
}

LoopOrigin origin_of(const Kernel& kernel, const std::string& var) {
  const For* loop = find_loop(kernel.body, var);
  return loop != nullptr ? origin_of(*loop) : LoopOrigin{LoopRole::axis, var, {}};
}

std::string loop_of(const Kernel& kernel, const LoopOrigin& origin) {
  for (const LoopInfo& loop : loops_of(kernel))
    if (same_loop(loop.origin, origin)) return loop.var;
  return origin.axis;
}

std::vector<std::string> copies_of(const Kernel& kernel, const LoopOrigin& origin) {
  const auto is_copy = [](LoopPart part) {
    return part == LoopPart::first || part == LoopPart::last || part == LoopPart::tail;
  };
  std::vector<std::string> out;
  for (const LoopInfo& loop : loops_of(kernel)) {
    const auto& parts = loop.origin.parts;
    const auto own = static_cast<ptrdiff_t>(origin.parts.size());
    if (loop.origin.axis == origin.axis && parts.size() >= origin.parts.size() &&
        std::equal(origin.parts.begin(), origin.parts.end(), parts.begin()) &&
        std::all_of(parts.begin() + own, parts.end(), is_copy))
      out.push_back(loop.var);
  }
  return out;
}

bool try_step(Kernel& kernel, const std::string& name, const std::vector<StepArg>& args) {
  const Refusal refusal = apply_own_step(kernel, name, args);
  if (!refusal) return true;
  kernel.because.push_back(print(StepCall{name, args}) + " refused: " + refusal.reason);
  return false;
}

namespace {

// What a split of `var` made in `after`: the loops that stand for its parts and were not there.
Halves halves_of(const Kernel& before, const Kernel& after, const std::string& var) {
  const LoopOrigin origin = origin_of(before, var);
  Halves out;
  for (const LoopInfo& loop : loops_of(after)) {
    if (find_loop(before.body, loop.var) != nullptr) continue;
    if (same_loop(loop.origin, part_of(origin, LoopPart::outer))) out.outer = loop.var;
    if (same_loop(loop.origin, part_of(origin, LoopPart::inner))) out.inner = loop.var;
  }
  return out;
}

}  // namespace

std::optional<Halves> try_split(Kernel& kernel, const std::string& var, int64_t factor) {
  const Kernel before = kernel;
  if (!try_step(kernel, "split", {var, factor})) return std::nullopt;
  return halves_of(before, kernel, var);
}

Halves Steps::split(const std::string& var, int64_t factor) {
  const Kernel before = kernel;
  (*this)("split", {var, factor});
  return halves_of(before, kernel, var);
}

void Steps::operator()(const std::string& name, const std::vector<StepArg>& args) {
  if (refusal) return;
  if (const Refusal refused = apply_own_step(kernel, name, args))
    refusal = {"step refused: " + refused.reason};
}

namespace {

// What a split by whole vectors left over: shorter vectors, and at most 3 elements one by one. A
// function of many instructions takes as long for one element as for a vector of them; a masked
// store would cost more than what else there is.
void vectorise_tail(Kernel& kernel, const LoopOrigin& whole) {
  const LoopOrigin rest = part_of(whole, LoopPart::tail);
  for (const LoopInfo& loop : loops_of(kernel))
    if (same_loop(loop.origin, rest))
      return vectorise_loop(kernel, loop, true,
                            loop.trip() == kLanes / 2 ? kLanes / 2 : kLanes / 4);
}

}  // namespace

// Vectors over a loop whose iterations are independent. Lanes: 16, or what divides a smaller
// extent.
void vectorise_loop(Kernel& kernel, const LoopInfo& loop, bool inside, int64_t lanes) {
  const auto trip = loop.trip();
  if (!loop.begin.is_const(0) || (trip && *trip < 4)) return;
  if (trip && *trip % lanes != 0) {
    if (*trip % 8 == 0 && *trip < 4 * kLanes)
      lanes = 8;
    else if (*trip % 4 == 0 && *trip < kLanes)
      lanes = 4;
  }
  if (trip && *trip < lanes) return;
  const std::optional<Crossing> crossing = read_across(kernel, loop.var);
  Kernel attempt = kernel;
  if (trip && *trip == lanes) {
    if (crossing) block_reads(attempt, *crossing, "");
    if (try_step(attempt, "vectorize", {loop.var})) kernel = attempt;
    return;
  }
  const std::optional<Halves> halves = try_split(attempt, loop.var, lanes);
  if (!halves) return;
  if (crossing) block_reads(attempt, *crossing, halves->outer);
  // Inside other loops the tail is a loop of its own; at the top it would run in every task, so it
  // stays masked.
  const bool tail = inside && !(trip && *trip % lanes == 0);
  const bool peeled = tail && try_step(attempt, "peel_tail", {halves->outer});
  const LoopOrigin whole = origin_of(attempt, halves->inner);
  if (!try_step(attempt, "vectorize", {halves->inner})) return;
  if (peeled && lanes == kLanes) vectorise_tail(attempt, whole);
  kernel = attempt;
}

namespace {

LoopInfo info_of(const For& loop, int depth) {
  return {loop.var, loop.begin, loop.end, loop.kind, origin_of(loop), depth, false};
}

}  // namespace

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
    nest.push_back(info_of(*loop, static_cast<int>(nest.size())));
    at = &loop->body;
  }
  return nest;
}

void parallelise_outer(Kernel& kernel, size_t most_loops) {
  // Enough tasks for any machine, and of the loops inside of the outermost: that one may be the
  // batch, and what fits one batch fits all, so that it is compiled once.
  constexpr int64_t kTasks = 64, kTasksInside = 8;
  std::vector<LoopInfo> nest = outer_nest(kernel);
  if (!nest.empty()) {
    const LoopInside inside = loop_inside(*find_loop(kernel.body, nest.back().var));
    if (inside.cond) nest.push_back(info_of(*inside.loop, static_cast<int>(nest.size())));
  }
  if (nest.size() > most_loops) nest.resize(most_loops);
  if (nest.empty()) return;
  std::string var = nest[0].var;
  const int64_t outermost = nest[0].trip().value_or(kTasks);
  int64_t inside = 1;
  // One extent that is not known may be 1, a batch; of two, the second is taken to be enough: each
  // further one would cost every task a division by it.
  bool unknown = !nest[0].trip();
  for (size_t n = 1; n < nest.size(); ++n) {
    if (inside >= kTasksInside && inside * outermost >= kTasks) break;
    inside *= nest[n].trip().value_or(unknown ? kTasksInside : 1);
    unknown |= !nest[n].trip();
    const std::string joined = fresh_name(kernel, "task");
    if (!try_step(kernel, "fuse", {var, nest[n].var, joined})) break;
    var = joined;
  }
  try_step(kernel, "parallelize", {var});
}

}  // namespace mintor
