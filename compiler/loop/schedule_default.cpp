// SPDX-License-Identifier: Apache-2.0
// The default schedule of a group without a contract:
//| element-wise                  outer loops in parallel, the innermost in vectors
//| row block                     producers computed per row of the output (compute_at), lanes in
//|                               vectors, rows in parallel
//| reduce over outer dimensions, pools whose channels are innermost
//|                               the innermost kept dimension in vectors
//| scan along an outer dimension blocks of lines in parallel, lines in vectors
//| parts side by side            the innermost loop of each in vectors
#include <algorithm>
#include <iterator>

#include "compiler/ir/flat_index.h"
#include "compiler/ir/lanes.h"
#include "compiler/loop/analysis.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/lower_expr.h"
#include "compiler/loop/pass.h"
#include "compiler/loop/schedule.h"
#include "compiler/loop/stack.h"
#include "compiler/loop/step.h"

namespace mintor {
namespace {

// Loops over the lanes of a reduction: 16, fewer in the tree that combines them and in the items
// that are left.
bool is_lane_loop(const LoopInfo& loop) {
  return loop.origin.role == LoopRole::lane && loop.innermost;
}

// That axis, or what a tail of loops around left of it.
bool is_axis(const LoopInfo& loop, const std::string& axis) {
  return loop.origin.axis == axis &&
         std::ranges::all_of(loop.origin.parts, [](LoopPart p) { return p == LoopPart::tail; });
}

// Where items of sums are read, and the loop that walks along neighbours of them, which may be one
// of lanes. Few items have no loops.
struct Items {
  Stmt stmt;
  std::string along;
  bool lanes = true;
};
std::vector<Items> items_of(const Kernel& kernel) {
  std::vector<Items> found;
  visit(kernel.body, [&](const Stmt& s) {
    const auto* loop = std::get_if<For>(&s->node);
    if (loop == nullptr || loop->origin.role != LoopRole::reduced) return;
    const auto* lanes = std::get_if<For>(&loop->body->node);
    const bool has_lanes = lanes != nullptr && lanes->origin.role == LoopRole::lane;
    found.push_back({loop->body, has_lanes ? lanes->var : loop->var, has_lanes});
  });
  if (found.empty()) found.push_back({kernel.body, ""});
  return found;
}

// How far apart in memory neighbours are along a loop, in what is read; the least of it.
struct Strides {
  Ranges ranges;
  std::map<std::string, BufferType> buffers;

  explicit Strides(const Kernel& kernel) : ranges(ranges_at(kernel)), buffers(buffers_of(kernel)) {
    std::set<std::string> inner;
    outer_accesses(kernel, kernel.body, ranges, inner);  // adds the ranges of what is bound inside
    visit(kernel.body, [&](const Stmt& s) {
      const auto* alloc = std::get_if<Alloc>(&s->node);
      if (alloc != nullptr && alloc->space == Space::reg) buffers.erase(alloc->name);
    });
  }
  void look(const Stmt& stmt, const std::string& var, std::optional<int64_t>& least) const {
    visit_exprs(stmt, [&](const Expr& e) {
      const auto* load = std::get_if<LoadExpr>(&e->node);
      if (load == nullptr || !buffers.contains(load->buffer)) return;
      const Index at = flat_index(load->indices, buffers.at(load->buffer).shape);
      const auto affine = ranges.simplify(at).affine_in(var);
      if (affine && affine->first > 0)
        least = std::min(least.value_or(affine->first), affine->first);
    });
  }
};

bool decides(const Kernel& kernel, const std::string& var) {
  bool found = false;
  visit_exprs(kernel.body, [&](const Expr& e) {
    const auto* range = std::get_if<InRangeExpr>(&e->node);
    found |= range != nullptr && (range->value.mentions(var) || range->extent.mentions(var));
  });
  return found;
}

// The lanes of sums are vectors; else the rows are, where what is read lies closer along them: sums
// over outer dimensions, pools whose channels are innermost; or where sums have no lanes: the
// places of the largest.
bool sums_in_vectors(const Kernel& kernel, const std::string& row) {
  const Strides strides(kernel);
  std::optional<int64_t> rows, sums;
  const std::vector<Items> all = items_of(kernel);
  if (std::ranges::none_of(all, &Items::lanes)) return false;
  for (const Items& items : all) {
    if (!items.along.empty()) strides.look(items.stmt, items.along, sums);
    for (const LoopInfo& loop : loops_of(kernel))
      if (is_axis(loop, row) && !decides(kernel, loop.var))
        strides.look(items.stmt, loop.var, rows);
  }
  return !rows || (sums ? *sums <= *rows : *rows > 1);
}

// All lanes, and the upper levels of the tree: below 4 a vector is no gain.
void vectorise_lanes(Kernel& kernel, const LoopInfo& loop) {
  const auto trip = loop.trip();
  if (trip && (*trip == kLanes || *trip == kLanes / 2 || *trip == kLanes / 4))
    try_step(kernel, "vectorize", {loop.var});
}

void vectorise(Kernel& kernel, const std::vector<std::string>& element_axes, bool lanes) {
  for (const LoopInfo& loop : loops_of(kernel)) {
    if (lanes && is_lane_loop(loop)) vectorise_lanes(kernel, loop);
    if (loop.innermost && std::any_of(element_axes.begin(), element_axes.end(),
                                      [&](const std::string& axis) { return is_axis(loop, axis); }))
      vectorise_loop(kernel, loop, loop.depth > 0);
  }
}

// Parts side by side, each a kernel of its own while it is scheduled, with the parameters that it
// touches: a step takes as long as the kernel is, and there may be a thousand parts. Names that
// steps make end in a letter, those of parameters in a number.
void vectorise_part(Kernel& whole, Stmt& part, bool inside) {
  Kernel own;
  own.params = params_of(whole, part);
  own.symbols = whole.symbols;
  own.body = part;
  for (const LoopInfo& loop : loops_of(own))
    if (loop.innermost) vectorise_loop(own, loop, inside || loop.depth > 0);
  part = own.body;
  std::ranges::move(own.schedule, std::back_inserter(whole.schedule));
  std::ranges::move(own.because, std::back_inserter(whole.because));
}

// The block of parts, or the loop of the only one; `inside` the loops that lie around all parts.
Stmt vectorise_parts(Kernel& kernel, const Stmt& stmt, bool inside) {
  if (const auto* block = std::get_if<Block>(&stmt->node)) {
    std::vector<Stmt> parts = block->body;
    for (Stmt& part : parts) vectorise_part(kernel, part, inside);
    return k::block(std::move(parts));
  }
  const auto* loop = std::get_if<For>(&stmt->node);
  if (loop == nullptr) return stmt;
  bool innermost = true;
  visit(loop->body, [&](const Stmt& s) { innermost &= !std::holds_alternative<For>(s->node); });
  if (!innermost) return k::loop(*loop, vectorise_parts(kernel, loop->body, true));
  Stmt part = stmt;
  vectorise_part(kernel, part, inside);
  return part;
}

// A few rows at once: what one waits for, the trees that combine its lanes above all, another does
// meanwhile. Only where registers hold their lanes, and the innermost cache what else they keep.
void jam_rows(const TargetInfo& target, Kernel& kernel, const std::string& row) {
  constexpr int64_t kRows = 4, kMostBytes = 16 * 1024;
  if (kRows * kLanes * 4 > target.vector_registers * int64_t{target.vector_bytes}) return;
  const For* loop = find_loop(kernel.body, row);
  if (loop == nullptr) return;
  const std::set<std::string> own = bound_in(loop->body);
  int64_t bytes = 0;
  for (const auto& [name, most] : local_bytes(kernel))
    if (own.contains(name)) bytes += most.value_or(kMostBytes);
  if (bytes * kRows > kMostBytes) return;
  Kernel attempt = kernel;
  const std::optional<Halves> halves = try_split(attempt, row, kRows);
  if (!halves || halves->inner.empty()) return;
  try_step(attempt, "peel_tail", {halves->outer});
  if (try_step(attempt, "jam", {halves->inner})) kernel = attempt;
}

// Scans along an outer dimension: each line of results reads the one before. Blocks of a line are
// tasks: short enough that what is read again is in the innermost cache, and long enough that lines
// are walked as they lie. 4,096 lines of 256, in blocks of 16: 312 us, of 64: 163, of 256: 116 (AMD
// EPYC, Zen 3, one thread, 2026-12-01).
constexpr int64_t kLineBlock = 256;

// The number of loops that may be tasks; nothing where there is no such scan.
std::optional<size_t> schedule_lines(const Value& root, const TargetInfo& target, Kernel& kernel) {
  if (root.node->kind != Kind::scan) return std::nullopt;
  const std::vector<LoopInfo> nest = outer_nest(kernel);
  const auto scanned = std::ranges::find(nest, LoopRole::reduced,
                                         [](const LoopInfo& loop) { return loop.origin.role; });
  if (scanned == nest.end() || scanned + 1 == nest.end()) return std::nullopt;
  const auto whole_tasks = static_cast<size_t>(scanned - nest.begin());
  // A block is all of the innermost loops and a piece of the one around them.
  auto cut = nest.end() - 1;
  int64_t inside = 1;
  for (; cut - 1 != scanned && inside * cut->trip().value_or(kLineBlock) < kLineBlock; --cut)
    inside *= std::max<int64_t>(*cut->trip(), 1);
  const int64_t piece = (kLineBlock + inside - 1) / inside;
  Kernel attempt = kernel;
  std::vector<StepArg> order;
  for (auto loop = scanned + 1; loop != cut; ++loop) order.emplace_back(loop->var);
  if (!cut->trip() || *cut->trip() > piece)
    if (const auto halves = try_split(attempt, cut->var, piece)) order.emplace_back(halves->outer);
  const size_t tasks = whole_tasks + order.size();
  if (!order.empty()) {
    const StepArg blocks = order.back();
    order.emplace_back(scanned->var);
    if (!try_step(attempt, "reorder", order)) return whole_tasks;
    try_step(attempt, "branch_tail", {blocks});  // nothing to do where none was cut
  }
  kernel = attempt;
  if (target.vectors())
    for (const LoopInfo& loop : loops_of(kernel))
      if (loop.innermost) vectorise_loop(kernel, loop, true);
  return tasks;
}

void schedule_parts(const TargetInfo& target, Kernel& kernel) {
  if (target.vectors()) kernel.body = vectorise_parts(kernel, kernel.body, false);
}

const Node* last_reduce(const Group& group) {
  const Node* reduce = nullptr;
  for (const Node* node : group.nodes)
    if (node->kind == Kind::reduce) reduce = node;
  return reduce;
}

// The innermost loop over rows of what the group gives.
std::string row_axis(const Graph& graph, const Group& group, const Node& reduce) {
  return axis_name(value_name(graph, group.outputs.front()), reduce.results[0].shape.size() - 1);
}

}  // namespace

void place_rows(const Graph& graph, const Group& group, Kernel& kernel) {
  const Node* reduce = last_reduce(group);
  if (reduce == nullptr || reduce->results[0].shape.empty()) return;
  for (size_t n = group.materialised.size(); n-- > 0;) {
    const Value& v = group.materialised[n];
    if (v.node == group.outputs.front().node) continue;
    try_step(kernel, "compute_at",
             {value_name(graph, v),
              loop_of(kernel, {LoopRole::out, row_axis(graph, group, *reduce), {}})});
  }
}

void vectorise_rows(const Graph& graph, const Group& group, const TargetInfo& target,
                    Kernel& kernel) {
  const Node* reduce = last_reduce(group);
  const bool has_rows = reduce != nullptr && !reduce->results[0].shape.empty();
  const std::string row = has_rows ? row_axis(graph, group, *reduce) : "";
  const bool lanes = reduce != nullptr && sums_in_vectors(kernel, row);
  if (target.vectors()) {
    std::vector<std::string> elements;
    for (const Value& v : group.materialised) {
      const bool summed = v.node->kind == Kind::reduce;
      const size_t rank = v.shape().size();
      if (rank == 0 || is_walk(*v.node)) continue;
      if (!summed) elements.push_back(axis_name(value_name(graph, v), rank - 1));
    }
    if (has_rows && !lanes)
      for (const LoopInfo& loop : loops_of(kernel))
        if (is_axis(loop, row)) vectorise_loop(kernel, loop, loop.depth > 0);
    vectorise(kernel, elements, lanes);
  }
  for (const LoopInfo& loop : loops_of(kernel))
    if (is_lane_loop(loop) && loop.trip() && *loop.trip() <= kLanes)
      try_step(kernel, "unroll", {loop.var});
  if (target.vectors() && has_rows && lanes)
    for (const LoopInfo& loop : loops_of(kernel))
      if (is_axis(loop, row)) jam_rows(target, kernel, loop.var);
}

void schedule_default(CompileContext& context, const Graph& graph, const Group& group,
                      const TargetInfo& target, Kernel& kernel) {
  if (!group.placed.empty()) {
    schedule_parts(target, kernel);
    kernel = run_loop_pipeline(context, std::move(kernel));
    context.explain("schedule: " + kernel.name + " on " + target.level + ": parts side by side");
    return;
  }
  const Value& root = group.outputs.front();
  if (root.node->kind == Kind::code) {
    context.explain("schedule: " + kernel.name + " on " + target.level + ": one task, as written");
    return;
  }
  const Node* reduce = last_reduce(group);
  const size_t rows = reduce != nullptr ? reduce->results[0].shape.size() : root.shape().size();
  place_rows(graph, group, kernel);
  vectorise_rows(graph, group, target, kernel);
  const std::optional<size_t> lines = schedule_lines(root, target, kernel);
  const bool serial = root.node->kind == Kind::reindex_reduce;
  if (!serial && rows > 0) {
    // The innermost loop of an element-wise nest is the vector's; rows are whole tasks.
    const size_t nest = outer_nest(kernel).size();
    const bool whole = is_walk(*root.node) || nest == 1;  // no loop is the vector's
    parallelise_outer(kernel, lines               ? *lines
                              : reduce != nullptr ? std::min(rows, nest)
                              : whole             ? nest
                                                  : nest - 1);
  }
  kernel = run_loop_pipeline(context, std::move(kernel));
  context.explain("schedule: " + kernel.name + " on " + target.level + ": default");
}

}  // namespace mintor
