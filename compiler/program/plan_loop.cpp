// SPDX-License-Identifier: Apache-2.0
// Loops (graph_planner.h). Takes a group that is a loop; gives one step that holds those of its
// body. Keeps true: it is planned without copies of what its body reads: a scanned operand and a
// stacked result are parts of whole buffers that move with the counter; a carried value has two
// places, which its body reads and writes by turns. One whose size changes has one place, of a size
// of its own:
//   bind kept = n; kept_v = v; loop { bind p = kept; next = body(kept_v); bind kept = p + 1;
//   kept_v = next }  bind r = kept; result = kept_v
#include <algorithm>

#include "compiler/ir/sizes.h"
#include "compiler/loop/lower_expr.h"
#include "compiler/program/bind_sizes.h"
#include "compiler/program/graph_planner.h"

namespace mintor {
namespace {

Type slice_of(Type whole) {
  whole.shape.erase(whole.shape.begin());
  return whole;
}

}  // namespace

struct GraphPlanner::LoopPlan {
  const Node& node;
  const FusionPlan& body;
  const RegionAttr& attr = node.as<RegionAttr>();
  size_t carried = static_cast<size_t>(attr.carried);
  size_t scanned = static_cast<size_t>(attr.scanned);
  std::vector<OpenSize> open_carried = {}, open_stacked = {};
  std::vector<int32_t> inputs = {}, homes = {};  // of the body
  std::vector<int32_t> places = {};  // of carried values: for two by turns, or what is kept

  bool is_open(size_t result) const {
    const auto& open = result < carried ? open_carried : open_stacked;
    return std::ranges::find(open, result, &OpenSize::result) != open.end();
  }
  const Type& given(size_t operand) const { return node.operands[operand].type(); }
};

void GraphPlanner::plan_loop(const Group& group) {
  const Node& node = *group.nodes[0];
  LoopPlan plan{node, group.bodies[0]};
  for (const OpenSize& size : open_sizes(node))
    (size.result < plan.carried ? plan.open_carried : plan.open_stacked).push_back(size);
  Loop loop{draft_.counter(depth_), plan.attr.trip, -1, {}};
  const Index step = Index::var(loop.counter);
  plan.inputs.push_back(number_of_iteration(plan.body, loop));
  give_carried(plan, step);
  for (size_t i = plan.carried; i < node.operands.size(); ++i) {
    const int32_t given = buffer_of(node.operands[i]);
    const bool scanned = i < plan.carried + plan.scanned;
    plan.inputs.push_back(scanned ? part(given, slice_of(plan.given(i)), step) : given);
  }
  give_stacks(plan, step);
  if (plan.attr.conditional) loop.condition = plan.inputs[1];
  plan_iteration(plan, loop);
  steps_.push_back({std::move(loop)});
  take_carried(plan, step);
}

void GraphPlanner::give_carried(LoopPlan& plan, const Index& step) {
  const auto given_size = [&](const OpenSize& size) {
    return plan.given(size.result).shape[size.dim];
  };
  const auto kept_size = [&](const OpenSize& size) { return kept(size); };
  bind_sizes(draft_, plan.open_carried, kept_size, given_size, steps_);
  for (size_t i = 0; i < plan.carried; ++i) {
    const int32_t given = buffer_of(plan.node.operands[i]);
    if (plan.is_open(i)) {
      give_resized(plan, i, given);
      continue;
    }
    plan.places.push_back(carried_pair({&plan.node, static_cast<int32_t>(i)}, given));
    plan.inputs.push_back(turn(plan.places[i], plan.given(i), mod(step, 2)));
    plan.homes.push_back(turn(plan.places[i], plan.given(i), mod(step + 1, 2)));
  }
}

void GraphPlanner::give_resized(LoopPlan& plan, size_t i, int32_t given) {
  const Node& input = *inputs_of(*plan.body.graph)[1 + i];
  Type type = plan.given(i);
  for (const OpenSize& size : plan.open_carried)
    if (size.result == i) type.shape[size.dim] = kept(size);
  const std::string name = value_name(graph_, {&plan.node, static_cast<int32_t>(i)});
  const int32_t place = draft_.add_buffer(name + "_kept", type, Place::arena);
  copy_resized(draft_, given, place, steps_);
  plan.places.push_back(place);
  plan.inputs.push_back(draft_.add_part(name + "_before", input.results[0], place, 0));
  plan.homes.push_back(next_buffer(plan.body, i, place));
}

void GraphPlanner::give_stacks(LoopPlan& plan, const Index& step) {
  const auto none = [](const OpenSize&) { return Index(0); };
  bind_sizes(draft_, plan.open_stacked, outside_of, none, steps_);
  for (size_t r = plan.carried; r < plan.node.results.size(); ++r) {
    const int32_t whole = buffer_of({&plan.node, static_cast<int32_t>(r)});
    plan.homes.push_back(plan.is_open(r) ? next_buffer(plan.body, r, whole)
                                         : part(whole, slice_of(plan.node.results[r]), step));
  }
}

void GraphPlanner::plan_iteration(LoopPlan& plan, Loop& loop) {
  const auto kept_size = [&](const OpenSize& size) { return kept(size); };
  const auto next_size = [&](const OpenSize& size) {
    return result_size(plan.body, size.result, size.dim);
  };
  bind_sizes(draft_, plan.open_carried, inside_of, kept_size, loop.steps);
  plan_body(plan.body, plan.inputs, plan.homes, loop.steps, bound_inside(plan.node));
  bind_sizes(draft_, plan.open_carried, kept_size, next_size, loop.steps);
  for (const size_t i : results_of(plan.open_carried))
    copy_resized(draft_, plan.homes[i], plan.places[i], loop.steps);
  stack_resized(plan, loop);
}

void GraphPlanner::stack_resized(const LoopPlan& plan, Loop& loop) {
  const Index step = Index::var(loop.counter);
  const auto slice_size = [&](const OpenSize& size) {
    return result_size(plan.body, size.result, size.dim - 1);
  };
  for (const OpenSize& size : plan.open_stacked) {
    Condition alike{step * slice_size(size), step * size.outside};
    alike.because = "all slices that a loop stacks are of one size";
    loop.steps.push_back({Check{std::move(alike)}});
  }
  bind_sizes(draft_, plan.open_stacked, outside_of, slice_size, loop.steps);
  for (const size_t r : results_of(plan.open_stacked)) {
    const int32_t whole = buffer_of({&plan.node, static_cast<int32_t>(r)});
    copy_resized(draft_, plan.homes[r], part(whole, slice_of(plan.node.results[r]), step),
                 loop.steps);
  }
}

void GraphPlanner::take_carried(const LoopPlan& plan, const Index& step) {
  const auto kept_size = [&](const OpenSize& size) { return kept(size); };
  bind_sizes(draft_, plan.open_carried, outside_of, kept_size, steps_);
  for (size_t i = 0; i < plan.carried; ++i) {
    const Value value{&plan.node, static_cast<int32_t>(i)};
    if (plan.is_open(i))
      take(value, draft_.add_part(value_name(graph_, value), value.type(), plan.places[i], 0));
    else if (plan.attr.conditional)  // the counter says which of both until the next loop
      copy(turn(plan.places[i], value.type(), mod(step, 2)), buffer_of(value), steps_);
    else
      take(value, turn(plan.places[i], value.type(), mod(plan.attr.trip, 2)));
  }
}

int32_t GraphPlanner::number_of_iteration(const FusionPlan& body, Loop& loop) {
  const Node* number = inputs_of(*body.graph).at(0);
  if (users_of(*body.graph)[static_cast<size_t>(number->id)].empty() &&
      std::ranges::none_of(body.graph->results,
                           [&](const Result& r) { return r.value.node == number; }))
    return -1;
  const int32_t buffer = draft_.add_buffer("iteration", number->results[0], Place::arena);
  draft_.store_number(Index::var(loop.counter), buffer, loop.steps);
  return buffer;
}

int32_t GraphPlanner::carried_pair(const Value& value, int32_t given) {
  const Type& type = value.type();
  const int64_t line = 64 / size_of(type.dtype);
  const Index lines = ceildiv(count_of(type.shape), line);
  const std::string name = value_name(graph_, value);
  const int32_t pair =
      draft_.add_buffer(name + "_turns", {type.dtype, {2 * line * lines}}, Place::arena);
  copy(given, turn(pair, type, 0), steps_);
  return pair;
}

int32_t GraphPlanner::turn(int32_t pair, const Type& type, const Index& which) {
  const Index bytes = floordiv(program_.buffers[pair].bytes(), 2);
  return draft_.add_part(program_.buffers[pair].name, type, pair, which * bytes);
}

int32_t GraphPlanner::part(int32_t whole, const Type& slice, const Index& step) {
  return draft_.add_part(program_.buffers[whole].name + "_part", slice, whole,
                         step * count_of(slice.shape) * size_of(slice.dtype));
}

void GraphPlanner::take(const Value& value, int32_t last) {
  const auto home = buffers_.find(key_of(value));
  if (home == buffers_.end())
    buffers_[key_of(value)] = last;
  else
    copy(last, home->second, steps_);
}

}  // namespace mintor
