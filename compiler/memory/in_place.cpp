// SPDX-License-Identifier: Apache-2.0
// Takes a Kernel; gives whether element-wise reuse is sound, by three facts that can be read off
// the tree: one store, loads with exactly its index vector that come no later, and an index vector
// that no two iterations share. Keeps true: what cannot be shown is refused.
#include "compiler/memory/in_place.h"
#include "compiler/ir/flat_index.h"

#include <algorithm>
#include <optional>

namespace mintor {
namespace {

struct Step {
  std::string var;
  std::optional<int64_t> extent;  // largest number of values, where it is known
};

struct Access {
  const std::vector<Index>* indices = nullptr;
  std::optional<Index> count;
  int position = 0;  // of the statement, in the order of execution of one iteration
};

struct Walk {
  const std::string& output;
  const std::string& input;
  Ranges ranges;
  std::vector<Step> path, store_path;
  std::vector<Access> stores, loads;
  int32_t store_lanes = 1;
  int position = 0;
  std::string problem;

  void look_at_loads(const Stmt& stmt) {
    visit_exprs(
        stmt,
        [&](const Expr& expr) {
          const auto* load = std::get_if<LoadExpr>(&expr->node);
          if (load == nullptr) return;
          if (load->buffer == output) problem = "the output is also read";
          if (load->buffer == input) loads.push_back({&load->indices, load->count, position});
        },
        false);
  }

  void loop(const For& loop) {
    const Index extent = loop.end - loop.begin;
    path.push_back({loop.var, ranges.upper(extent)});
    ranges.set(loop.var, loop.begin, loop.end - 1);
    run(loop.body);
    path.pop_back();
  }

  void run(const Stmt& stmt) {
    ++position;
    look_at_loads(stmt);
    if (const auto* block = std::get_if<Block>(&stmt->node)) {
      for (const Stmt& inner : block->body) run(inner);
    } else if (const auto* for_ = std::get_if<For>(&stmt->node)) {
      loop(*for_);
    } else if (const auto* branch = std::get_if<If>(&stmt->node)) {
      run(branch->then_body);
      if (branch->else_body) run(branch->else_body);
    } else if (const auto* store = std::get_if<Store>(&stmt->node)) {
      if (store->buffer != output) return;
      stores.push_back({&store->indices, store->count, position});
      store_path = path;
      store_lanes = store->lanes;
    } else if (const auto* instr = std::get_if<Instr>(&stmt->node)) {
      for (const InstrOperand& operand : instr->operands) {
        if (operand.buffer == output || operand.buffer == input) {
          problem = "an instruction reads or writes it";
        }
      }
    } else if (std::holds_alternative<Code>(stmt->node)) {
      problem = "the user's code reads and writes it in an order of its own";
    }
  }
};

struct Stride {
  int64_t coefficient;
  std::optional<int64_t> extent;
};

// The part of `steps` that e tells apart: nothing when e is not affine in one of them or repeats.
std::optional<std::vector<std::string>> told_apart(const Index& e, const std::vector<Step>& steps) {
  std::vector<Stride> strides;
  std::vector<std::string> vars;
  for (const Step& step : steps) {
    const auto affine = e.affine_in(step.var);
    if (!affine) return std::nullopt;
    if (affine->first == 0) continue;
    if (affine->first < 0) return std::nullopt;
    strides.push_back({affine->first, step.extent});
    vars.push_back(step.var);
  }
  std::ranges::stable_sort(strides, {}, &Stride::coefficient);
  int64_t reach = 0;  // largest sum of the smaller strides
  for (size_t i = 0; i < strides.size(); ++i) {
    if (strides[i].coefficient <= reach) return std::nullopt;
    if (i + 1 == strides.size()) break;
    if (!strides[i].extent) return std::nullopt;
    reach += strides[i].coefficient * std::max<int64_t>(*strides[i].extent - 1, 0);
  }
  return vars;
}

bool covers(const std::vector<Step>& steps, const std::vector<std::string>& vars) {
  return std::ranges::all_of(steps, [&](const Step& step) {
    return step.extent == 1 || std::ranges::find(vars, step.var) != vars.end();
  });
}

// No two iterations (lanes included) store the same element.
bool injective(const Param& param, const Walk& walk) {
  std::vector<Step> steps = walk.store_path;
  if (walk.store_lanes > 1) steps.push_back({std::string(kLane), walk.store_lanes});
  const std::vector<Index>& indices = *walk.stores[0].indices;

  std::vector<std::string> vars;
  bool plain = true;
  for (const Index& index : indices) {
    const auto part = told_apart(walk.ranges.simplify(index), steps);
    plain = plain && part;
    if (part) vars.insert(vars.end(), part->begin(), part->end());
  }
  if (plain && covers(steps, vars)) return true;

  // A fused loop: its quotients and remainders cancel here.
  const Index flat = flat_index(indices, param.shape);
  const auto part = told_apart(walk.ranges.simplify(flat), steps);
  return part && covers(steps, *part);
}

}  // namespace

Refusal refuse_in_place(const Kernel& kernel, size_t output, size_t input) {
  const Param& to = kernel.params.at(output);
  const Param& from = kernel.params.at(input);
  if (!to.written || from.written) return {"it is not an output and an input"};
  if (to.dtype != from.dtype || to.shape != from.shape) return {"types differ"};
  Walk walk{to.name, from.name, ranges_at(kernel), {}, {}, {}, {}, 1, 0, ""};
  walk.run(kernel.body);
  if (!walk.problem.empty()) return {walk.problem};
  if (walk.stores.size() != 1) return {"more than one statement stores the output"};
  const Access& store = walk.stores[0];
  for (const Access& load : walk.loads) {
    if (*load.indices != *store.indices) return {"an element is read at another index"};
    if (load.count != store.count) return {"a partial load and store differ in their count"};
    if (load.position > store.position) return {"an element is read after it was stored"};
  }
  if (!injective(to, walk)) return {"iterations may store the same element"};
  return {};
}

}  // namespace mintor
