// SPDX-License-Identifier: Apache-2.0
// Contracts one after the other over the same rows, as stages of one kernel: a task is a block of
// rows, for which each stage is computed where the next one reads it.
//| s[b, m, n] = ..; p = rows of s; y[b, m, d] = ..     parallel b, m_o {
//|                                            ->         s[m_i, n] = ..   register tiles
//|                                                       p[m_i, n] = ..   lanes, a few rows at once
//|                                                       y[b, m, d] = ..  register tiles
//|                                                     }
// Takes a group of stages (graph/fusion/stages.cpp); every other strategy takes one contract.
#include <algorithm>

#include "compiler/contraction/strategy.h"
#include "compiler/contraction/tile_nest.h"
#include "compiler/graph/cost.h"
#include "compiler/ir/lanes.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/lower_expr.h"
#include "compiler/loop/schedule.h"

namespace mintor {
namespace {

constexpr int64_t kFewestRows = 4, kMostRows = 32;  // of a block

// What a contract's nest is made of: loops of its out axes, in order, and its sizes.
struct Product {
  const Contract* contract = nullptr;
  std::vector<LoopInfo> loops;  // as lowered
  int64_t columns = 1, terms = 1;
  Index columns_extent;
  std::string column_axis() const { return loops.back().origin.axis; }
};

const Node* contract_of(const Group& group) {
  const auto found = std::ranges::find(group.nodes, Kind::contract, &Node::kind);
  return found == group.nodes.end() ? nullptr : *found;
}

bool stores_to(const Stmt& stmt, const std::string& buffer) {
  bool found = false;
  visit(stmt, [&](const Stmt& s) {
    if (auto* store = std::get_if<Store>(&s->node)) found |= store->buffer == buffer;
  });
  return found;
}

// The loops of the nest that stores `buffer`, outermost first.
std::vector<LoopInfo> nest_of(const Kernel& kernel, const std::string& buffer, size_t rank) {
  const auto* block = std::get_if<Block>(&kernel.body->node);
  std::vector<LoopInfo> loops;
  for (const Stmt& s : block->body) {
    const Stmt* at = &s;
    while (std::holds_alternative<For>((*at)->node) && stores_to(*at, buffer) &&
           loops.size() < rank) {
      const auto& loop = std::get<For>((*at)->node);
      loops.push_back({loop.var, loop.begin, loop.end, loop.kind, origin_of(loop), 0, false});
      at = &loop.body;
    }
  }
  return loops;
}

Product product_of(const Contraction& c, const Group& stage, const Kernel& kernel) {
  Product product;
  const Node& node = *contract_of(stage);
  product.contract = &node.as<Contract>();
  product.loops =
      nest_of(kernel, value_name(c.graph, stage.outputs.front()), node.results[0].shape.size());
  const SymbolValues typical = typical_symbols(c.graph);
  for (const ContractAxis& a : product.contract->axes)
    if (a.role == AxisRole::k) product.terms *= value_of(a.extent, typical);
  product.columns_extent = node.results[0].shape.back();
  product.columns = value_of(product.columns_extent, typical);
  return product;
}

// The axes of the last contract that its rows have, the row itself last.
std::vector<std::string> row_axes(const Group& stages) {
  const Group& last = stages.stages.back();
  const Node& node = *contract_of(last);
  const auto& c = node.as<Contract>();
  const Node* made = stages.stages[stages.stages.size() - 2].outputs.front().node;
  std::vector<std::string> axes;
  for (const Index& e : node.operands[0].node == made ? c.x_coords : c.y_coords)
    axes.push_back(*e.as_var());
  axes.pop_back();
  return axes;
}

Tile tile_of(const Contraction& c, const Product& product, int64_t rows) {
  const TiledExtents extents{
      .rows = rows,
      .columns = product.columns_extent.is_const() ? std::optional(product.columns) : std::nullopt,
      .column_bytes = product.terms * 4};
  return tiles_by_cost(c.target, extents).front();
}

struct Plan {
  std::vector<std::string> axes;  // see row_axes
  std::vector<Product> products;  // by stage; none of a stage without a contract
  std::vector<LoopInfo> last;     // loops of the last nest
};

Plan plan_of(const Contraction& c, const Kernel& kernel) {
  Plan plan;
  plan.axes = row_axes(c.group);
  for (const Group& stage : c.group.stages)
    plan.products.push_back(contract_of(stage) ? product_of(c, stage, kernel) : Product{});
  plan.last = plan.products.back().loops;
  return plan;
}

// The loop of an axis of the last contract.
const LoopInfo& loop_of_axis(const Plan& plan, const std::string& axis) {
  size_t n = 0;
  for (const ContractAxis& a : plan.products.back().contract->axes) {
    if (a.role == AxisRole::k) continue;
    if (a.name == axis) break;
    ++n;
  }
  return plan.last[n];
}

Refusal schedule_rows(const Contraction& c, int64_t rows, Kernel& kernel, std::string& because) {
  const Plan plan = plan_of(c, kernel);
  const std::vector<Group>& stages = c.group.stages;
  for (const Group& stage : stages)
    if (contract_of(stage) == nullptr) place_rows(c.graph, stage, kernel);
  Steps step{kernel};
  const LoopInfo& row = loop_of_axis(plan, plan.axes.back());
  const Halves blocks = step.split(row.var, rows);
  std::vector<StepArg> order;
  std::vector<std::string> outer;
  for (const std::string& axis : plan.axes)
    if (axis != plan.axes.back()) outer.push_back(loop_of_axis(plan, axis).var);
  outer.push_back(blocks.outer);
  order.assign(outer.begin(), outer.end());
  order.push_back(blocks.inner);
  for (const LoopInfo& loop : plan.last)
    if (loop.var != row.var && std::ranges::find(outer, loop.var) == outer.end())
      order.push_back(loop.var);
  step("reorder", order);
  for (size_t n = stages.size() - 1; n-- > 0;)
    step("compute_at", {value_name(c.graph, stages[n].outputs.front()), blocks.outer});
  step("branch_tail", {blocks.outer});
  if (step.refusal) return step.refusal;
  if (c.target.vectors()) {
    for (size_t n = 0; n < stages.size(); ++n) {
      const Product& product = plan.products[n];
      if (product.contract == nullptr) {
        vectorise_rows(c.graph, stages[n], c.target, kernel);
        continue;
      }
      const Tile tile = tile_of(c, product, rows);
      const std::string axis = n + 1 == stages.size()
                                   ? row.origin.axis
                                   : product.loops[product.loops.size() - 2].origin.axis;
      tile_nest(step, axis, product.column_axis(), tile);
      because += (because.empty() ? "" : ", ") + std::to_string(tile.rows) + " x " +
                 std::to_string(tile.vectors * kLanes);
    }
    because = "tiles of " + because;
  }
  if (step.refusal) return step.refusal;
  parallelise_outer(kernel, outer.size());
  because = "blocks of " + std::to_string(rows) + " rows are tasks, " +
            std::to_string(stages.size()) + " stages each" +
            (because.empty() ? "" : "; " + because);
  return {};
}

// Blocks, and in each the tiles of all products, which read what all rows share once a block.
double cost_of(const Contraction& c, const Plan& plan, int64_t extent, int64_t rows) {
  constexpr double kFromSecondCache = 0.5;  // of a vector, in multiply-adds (tile.cpp)
  const auto of_block = [&](int64_t size) {
    double sum = 0;
    for (const Product& product : plan.products) {
      if (product.contract == nullptr) continue;
      const auto terms = static_cast<double>(product.terms);
      const double vectors = static_cast<double>((product.columns - 1) / kLanes + 1);
      sum += terms * (tile_of(c, product, size).cost + kFromSecondCache * vectors);
    }
    return sum;
  };
  double sum = static_cast<double>(extent / rows) * of_block(rows);
  if (extent % rows != 0) sum += of_block(extent % rows);
  return sum;
}

Refusal row_blocks(const Contraction& c, std::vector<Candidate>& candidates) {
  if (c.group.stages.empty()) return {"the kernel has one stage"};
  const Plan plan = plan_of(c, lower(c.graph, c.group));
  const LoopInfo& row = loop_of_axis(plan, plan.axes.back());
  const Index extent = row.end - row.begin;
  const int64_t typical = value_of(extent, typical_symbols(c.graph));
  const int64_t most =
      extent.is_const() ? std::clamp<int64_t>(typical / 2, 1, kMostRows) : kMostRows / 2;
  for (int64_t rows = std::min(kFewestRows, most); rows <= most; ++rows)
    candidates.push_back({"rows=" + std::to_string(rows), cost_of(c, plan, typical, rows),
                          [c, rows](Kernel& kernel, std::string& because) {
                            return schedule_rows(c, rows, kernel, because);
                          }});
  return {};
}

}  // namespace

extern const Strategy strategy_row_blocks;
const Strategy strategy_row_blocks = {"row_blocks", row_blocks, true};

}  // namespace mintor
