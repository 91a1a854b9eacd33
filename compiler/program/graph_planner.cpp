// SPDX-License-Identifier: Apache-2.0
// Takes and gives what graph_planner.h says: everything but loops. Keeps true: a value that a home
// waits for is computed there; others are copied.
#include "compiler/program/graph_planner.h"

#include <algorithm>

#include "compiler/ir/sizes.h"
#include "compiler/loop/lower_expr.h"
#include "compiler/program/bind_sizes.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

bool is_weight(const Value& value) {
  return value.node->kind == Kind::parameter || value.node->kind == Kind::constant;
}

// Those of its contracts, then those of what was fused with them. A constant comes from wherever an
// equal one stands.
std::vector<std::string> scopes_of(const Graph& graph, const Group& group) {
  std::vector<std::string> scopes;
  for (const bool contracts : {true, false}) {
    for (const Node* node : group.nodes) {
      if (node->kind == Kind::constant || (node->kind == Kind::contract) != contracts) continue;
      for (const std::string& scope : graph.scopes(node))
        if (std::ranges::find(scopes, scope) == scopes.end()) scopes.push_back(scope);
    }
  }
  return scopes;
}

}  // namespace

GraphPlanner::GraphPlanner(ProgramDraft& draft, const FusionPlan& fusion,
                           const GroupKernels& kernels, HostSteps& steps, size_t depth)
    : draft_(draft),
      program_(draft.program),
      graph_(*fusion.graph),
      fusion_(fusion),
      kernels_(kernels),
      steps_(steps),
      depth_(depth) {
  for (const View& view : fusion.views) views_[key_of(view.value)] = view.of;
  find_producers();
}

void GraphPlanner::add_conditions(const std::vector<Condition>& known,
                                  std::vector<std::string> bound) {
  conditions_ = known;
  for (const Group& group : fusion_.groups)
    for (std::string& symbol : bound_by(*group.nodes[0])) bound.push_back(std::move(symbol));
  for (const Condition& condition : graph_.conditions()) {
    const auto same = [&](const Condition& other) { return says_the_same(other, condition); };
    if (std::ranges::any_of(known, same)) continue;
    conditions_.push_back(condition);
    const bool bound_here = std::ranges::any_of(bound, [&](const std::string& symbol) {
      return condition.left.mentions(symbol) || condition.right.mentions(symbol);
    });
    if (bound_here)
      draft_.entry().conditions.push_back(condition);
    else
      steps_.push_back({Check{condition}});
  }
}

void GraphPlanner::run(const std::vector<int32_t>& homes) {
  give_homes(homes);
  for (const Group& group : fusion_.groups) {
    if (group.is_kernel)
      launch_group(group);
    else if (group.nodes[0]->kind == Kind::if_)
      plan_branch(group);
    else if (group.nodes[0]->kind == Kind::loop)
      plan_loop(group);
    else
      plan_bind(group);
  }
  for (const auto& [result, home] : copies_)
    copy(buffer_of(graph_.results[result].value), home, steps_);
}

void GraphPlanner::update() {
  std::vector<std::pair<int32_t, int32_t>> copies;
  for (const Update& update : graph_.updates) {
    const int32_t to = draft_.state_of(update.parameter);
    int32_t from = buffer_of(update.value);
    if (root_of(program_, from) == to) continue;
    if (program_.buffers[root_of(program_, from)].place == Place::state) {  // an old value
      const int32_t kept =
          draft_.add_buffer(update.parameter + "_kept", update.value.type(), Place::arena);
      copy(from, kept, steps_);
      from = kept;
    }
    copies.emplace_back(from, to);
  }
  for (const auto& [from, to] : copies) copy(from, to, steps_);
}

Value GraphPlanner::root(Value value) const {
  for (auto at = views_.find(key_of(value)); at != views_.end(); at = views_.find(key_of(value))) {
    value = at->second;
  }
  return value;
}

void GraphPlanner::find_producers() {
  for (const Group& group : fusion_.groups) {
    for (const Value& value : group.outputs) producer_[key_of(value)] = &group;
  }
  for (const Group& group : fusion_.groups) {
    if (group.prepare) continue;
    for (const Value& value : group.inputs) read_in_forward_.insert(key_of(root(value)));
  }
  for (const Result& result : graph_.results) {
    read_in_forward_.insert(key_of(root(result.value)));
  }
  for (const Update& update : graph_.updates) {
    read_in_forward_.insert(key_of(root(update.value)));
  }
}

void GraphPlanner::give_homes(const std::vector<int32_t>& homes) {
  for (size_t r = 0; r < homes.size(); ++r) {
    const Value& value = graph_.results[r].value;
    const Value home = root(value);
    const auto producer = producer_.find(key_of(home));
    const bool computed = producer != producer_.end() && !producer->second->prepare;
    if (!computed || buffers_.contains(key_of(home))) {
      copies_.emplace_back(r, homes[r]);
      continue;
    }
    const bool same = home.type() == value.type();
    buffers_[key_of(home)] =
        same ? homes[r] : draft_.add_view(value_name(graph_, home), home.type(), homes[r]);
  }
}

int32_t GraphPlanner::buffer_of(const Value& value) {
  const auto found = buffers_.find(key_of(value));
  if (found != buffers_.end()) return found->second;
  int32_t id = -1;
  if (const auto view = views_.find(key_of(value)); view != views_.end()) {
    const int32_t of = buffer_of(view->second);
    id = draft_.add_view(value_name(graph_, value), value.type(), of);
  } else if (is_weight(value)) {
    id = draft_.weight_of(value, value_name(graph_, value));
  } else {
    const auto producer = producer_.find(key_of(value));
    if (producer == producer_.end()) {
      throw InternalError("plan", "no group computes '" + value_name(graph_, value) + "'");
    }
    const bool packed = producer->second->prepare && read_in_forward_.contains(key_of(value));
    id = draft_.add_buffer(value_name(graph_, value), value.type(),
                           packed ? Place::packed : Place::arena);
  }
  buffers_[key_of(value)] = id;
  return id;
}

void GraphPlanner::launch_group(const Group& group) {
  std::vector<int32_t> args;
  for (const Value& value : group.inputs) args.push_back(buffer_of(value));
  if (group.prepare) {
    std::vector<int32_t>& made = draft_.prepared(kernels_.at(&group), args);
    if (!made.empty()) return take_prepared(group, made);
    for (const Value& value : group.outputs) made.push_back(buffer_of(value));
  }
  for (const Value& value : group.outputs) args.push_back(buffer_of(value));
  draft_.launch(kernels_.at(&group), std::move(args), group.work, scopes_of(graph_, group),
                group.prepare ? program_.prepare.steps : steps_);
}

void GraphPlanner::take_prepared(const Group& group, const std::vector<int32_t>& made) {
  for (size_t i = 0; i < made.size(); ++i) {
    buffers_[key_of(group.outputs[i])] = made[i];
    if (read_in_forward_.contains(key_of(group.outputs[i]))) draft_.keep(made[i]);
  }
}

void GraphPlanner::copy(int32_t from, int32_t to, HostSteps& steps) {
  const Buffer target = program_.buffers[to];
  const Type flat{target.dtype, {count_of(target.shape)}};
  const int32_t source = draft_.add_view(target.name + "_source", flat, from);
  draft_.copy(source, draft_.add_view(target.name + "_flat", flat, to), steps);
}

void GraphPlanner::plan_branch(const Group& group) {
  const Node& node = *group.nodes[0];
  Branch branch{buffer_of(node.operands[0]), {}, {}};
  std::vector<int32_t> captures, results;
  for (size_t i = 1; i < node.operands.size(); ++i) captures.push_back(buffer_of(node.operands[i]));
  for (const Value& value : group.outputs) results.push_back(buffer_of(value));
  plan_arm(node, group.bodies[0], captures, results, branch.yes);
  plan_arm(node, group.bodies[1], captures, results, branch.no);
  steps_.push_back({std::move(branch)});
}

void GraphPlanner::plan_arm(const Node& node, const FusionPlan& body,
                            const std::vector<int32_t>& captures,
                            const std::vector<int32_t>& results, HostSteps& steps) {
  const std::vector<OpenSize> open = open_sizes(node);
  const std::vector<size_t> changed = results_of(open);
  std::vector<int32_t> homes = results;
  for (const size_t r : changed) homes[r] = next_buffer(body, r, results[r]);
  plan_body(body, captures, homes, steps);
  const auto given = [&](const OpenSize& size) { return result_size(body, size.result, size.dim); };
  bind_sizes(draft_, open, outside_of, given, steps);
  for (const size_t r : changed) copy_resized(draft_, homes[r], results[r], steps);
}

void GraphPlanner::plan_bind(const Group& group) {
  const Node& node = *group.nodes[0];
  const int32_t value = buffer_of(node.operands[0]);
  steps_.push_back({Bind{node.as<BindAttr>().symbol, value}});
  const auto home = buffers_.find({node.id, 0});
  if (home == buffers_.end())
    buffers_[{node.id, 0}] = value;
  else
    copy(value, home->second, steps_);
}

void GraphPlanner::plan_body(const FusionPlan& body, const std::vector<int32_t>& inputs,
                             const std::vector<int32_t>& homes, HostSteps& steps,
                             std::vector<std::string> bound) {
  GraphPlanner planner(draft_, body, kernels_, steps, depth_ + 1);
  planner.add_conditions(conditions_, std::move(bound));
  const std::vector<const Node*> nodes = inputs_of(*body.graph);
  check(nodes.size() == inputs.size(), "plan", "a region has other inputs");
  for (size_t i = 0; i < nodes.size(); ++i)
    if (inputs[i] >= 0) planner.bind(*nodes[i], inputs[i]);
  planner.run(homes);
}

Index GraphPlanner::result_size(const FusionPlan& body, size_t result, size_t dim) {
  return body.graph->results[result].value.shape()[dim];
}

int32_t GraphPlanner::next_buffer(const FusionPlan& body, size_t result, int32_t like) {
  return draft_.add_buffer(program_.buffers[like].name + "_next",
                           body.graph->results[result].value.type(), Place::arena);
}

}  // namespace mintor
