// SPDX-License-Identifier: Apache-2.0
// The steps of one graph, of the whole program or of a region: launches, branches, loops, copies.
// Takes the groups of a graph and their kernels, and buffers of its inputs and results; appends to
// a list of steps and to the draft of the Program. Keeps true: launches follow the plan's order of
// groups; buffers are made in the order in which launches first name them; a view comes after what
// it views.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compiler/ir/open_sizes.h"
#include "compiler/program/plan.h"
#include "compiler/program/program_draft.h"

namespace mintor {

class GraphPlanner {
 public:
  // `depth`: of loops and branches around it.
  GraphPlanner(ProgramDraft& draft, const FusionPlan& fusion, const GroupKernels& kernels,
               HostSteps& steps, size_t depth);

  // Those of the graph beside `known`, which hold outside of it: checked where its steps begin, or
  // where what it binds itself, or is given as `bound`, is bound.
  void add_conditions(const std::vector<Condition>& known, std::vector<std::string> bound = {});
  void bind(const Node& input, int32_t buffer) { buffers_[{input.id, 0}] = buffer; }
  // `homes`: where the graph's results shall lie.
  void run(const std::vector<int32_t>& homes);
  // The new values of states, once nothing reads the old ones any more. place_updates leaves out
  // copies that need not be.
  void update();

 private:
  using Key = std::pair<int32_t, int32_t>;  // node id, result
  struct LoopPlan;                          // a loop while it is planned

  static Key key_of(const Value& value) { return {value.node->id, value.result}; }
  Value root(Value value) const;
  // Which group stores a value, and whether anything in `forward` reads it.
  void find_producers();
  // A value that the steps compute lies in the first home of a result that is it, or a view of it.
  void give_homes(const std::vector<int32_t>& homes);
  int32_t buffer_of(const Value& value);
  void launch_group(const Group& group);
  void take_prepared(const Group& group, const std::vector<int32_t>& made);
  // Over flat arrays: views of both sides.
  void copy(int32_t from, int32_t to, HostSteps& steps);
  void plan_branch(const Group& group);
  // Results of a size that the branch decides are copied once that size is bound.
  void plan_arm(const Node& node, const FusionPlan& body, const std::vector<int32_t>& captures,
                const std::vector<int32_t>& results, HostSteps& steps);
  // The number itself is passed on.
  void plan_bind(const Group& group);
  void plan_body(const FusionPlan& body, const std::vector<int32_t>& inputs,
                 const std::vector<int32_t>& homes, HostSteps& steps,
                 std::vector<std::string> bound = {});
  // The size in the result of a region.
  static Index result_size(const FusionPlan& body, size_t result, size_t dim);
  // Where a region leaves a result whose size is its own.
  int32_t next_buffer(const FusionPlan& body, size_t result, int32_t like);

  // Loops: plan_loop.cpp.
  void plan_loop(const Group& group);
  // What the body reads of carried values, and where it leaves them.
  void give_carried(LoopPlan& plan, const Index& step);
  // One whose size changes.
  void give_resized(LoopPlan& plan, size_t i, int32_t given);
  // Where slices go. Those of an open size are put there once it is bound; no iteration binds 0.
  void give_stacks(LoopPlan& plan, const Index& step);
  void plan_iteration(LoopPlan& plan, Loop& loop);
  // Slices of an open size, which the first iteration says for all of them.
  void stack_resized(const LoopPlan& plan, Loop& loop);
  // What carried values are after the loop.
  void take_carried(const LoopPlan& plan, const Index& step);
  // The size of carried values between iterations.
  Index kept(const OpenSize& size) { return Index::var(draft_.kept_size(*size.outside.as_var())); }
  // The buffer of a body's first input, which a kernel fills; -1 where nothing reads it.
  int32_t number_of_iteration(const FusionPlan& body, Loop& loop);
  // Two places for a carried value; the first holds what the loop is given.
  int32_t carried_pair(const Value& value, int32_t given);
  int32_t turn(int32_t pair, const Type& type, const Index& which);
  // The slice of a buffer that belongs to an iteration.
  int32_t part(int32_t whole, const Type& slice, const Index& step);
  // What a carried value is after the loop: where it lies, or a copy where it has a home.
  void take(const Value& value, int32_t last);

  ProgramDraft& draft_;
  Program& program_;
  const Graph& graph_;
  const FusionPlan& fusion_;
  const GroupKernels& kernels_;
  HostSteps& steps_;
  size_t depth_;                       // of loops and branches around it
  std::vector<Condition> conditions_;  // that hold here
  std::map<Key, Value> views_;
  std::map<Key, const Group*> producer_;
  std::set<Key> read_in_forward_;
  std::map<Key, int32_t> buffers_;
  std::vector<std::pair<size_t, int32_t>> copies_;  // results that are copied to their homes
};

}  // namespace mintor
