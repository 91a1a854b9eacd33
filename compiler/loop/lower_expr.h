// SPDX-License-Identifier: Apache-2.0
// Values of a group as expressions: inlines element-wise and index nodes at given indices.
// Takes a value and one Index per dimension; gives an Expr, and the Lets that it needs before it.
// Keeps true: a node that several nodes of the group read is bound by a Let once per statement;
// what lies under a Guard is never hoisted out of it, except integers that addresses need, whose
// own addresses are clamped into range and read only where there is something to read.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "compiler/graph/fusion.h"
#include "compiler/loop/ir.h"

namespace mintor {

// A C identifier for a value, the same wherever the value occurs.
std::string value_name(const Graph& graph, const Value& value);
// The axis of a loop over dimension `dim` of a value of that name.
std::string axis_name(const std::string& value, size_t dim);

// Adds 0 <= value < extent to a condition (null: none yet), unless the ranges prove it.
void require(const Ranges& ranges, const Index& value, const Index& extent, Expr& cond);

class ExprLowering {
 public:
  // `before` has lowered another part of the same kernel: its names are taken.
  ExprLowering(const Graph& graph, const Group& group, const ExprLowering* before = nullptr);

  // Starts a statement: forgets Lets and bindings; `ranges` holds every variable in scope.
  void begin(Ranges ranges);
  // Value `v` at these indices is `expr` (an accumulator) in this statement. To ask for it at
  // others is an InternalError: nothing holds it there.
  void bind(const Value& v, std::vector<Index> indices, Expr expr);
  // `concat` at `index` along its dim is its `part` at `within`, in this statement.
  struct Choice {
    size_t part = 0;
    Index index, within;
  };
  void choose(const Node* concat, Choice choice) { chosen_[concat] = std::move(choice); }
  Expr at(const Value& v, const std::vector<Index>& indices);
  // Computes `v`, which has a buffer, under a name that stands for it at these indices in this
  // statement.
  Expr held(const Value& v, const std::vector<Index>& indices);
  // The same for a value that has a buffer: what is stored there, not a load of it.
  Expr computed(const Value& v, const std::vector<Index>& indices);
  // What `make` gives, with nothing of it evaluated outside of `cond`, the condition of a guard or
  // a branch around it; null: always.
  Expr under(const Expr& cond, const std::function<Expr()>& make);
  // What the variables of a map are: i0, i1, .. the indices; l0, l1, .. what it loads.
  std::map<std::string, Index> variables(const IndexMap& map, std::span<const Value> operands,
                                         const std::vector<Index>& indices);
  // The Lets since the last call; they hold for the statements right behind them, so what they
  // named is forgotten.
  std::vector<Stmt> take_lets();

  Ranges& ranges() { return ranges_; }
  std::string fresh(std::string_view wish);
  bool is_stored(const Value& v) const;  // has a buffer: an input or materialised

 private:
  using Key = std::pair<std::pair<const Node*, int32_t>, std::vector<Index>>;
  Expr reindexed(const Value& v, const std::vector<Index>& indices);
  Expr concatenated(const Value& v, const std::vector<Index>& indices);
  Expr packed(const Value& v, const std::vector<Index>& indices);
  Expr unpacked(const Value& v, const std::vector<Index>& indices);
  Index loaded_index(const Value& v, std::vector<Index> coords);
  bool shared(const Node* node) const;

  const Graph& graph_;
  const Group& group_;
  std::map<std::pair<const Node*, int32_t>, std::string> stored_;
  std::map<const Node*, int> uses_;
  std::map<std::string, int> names_;
  Ranges ranges_;
  std::map<Key, Expr> memo_;
  struct Bound {
    std::vector<Index> indices;
    Expr expr;
  };
  const Expr* bound(const Value& v, const std::vector<Index>& indices) const;

  std::map<std::pair<const Node*, int32_t>, Bound> bound_;
  std::map<const Node*, Choice> chosen_;
  std::vector<Stmt> lets_;
  int guarded_ = 0;
  int64_t written_ = 0;
};

// Inlines a graph of scalars (a custom combiner's body): its results for these operand expressions.
std::vector<Expr> inline_scalars(const Graph& body, const std::vector<Expr>& operands);

}  // namespace mintor
