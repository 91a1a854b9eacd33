// SPDX-License-Identifier: Apache-2.0
// Buffers and steps from fusion groups. Takes graph, groups and their kernels; gives the Program
// that compiler/memory then places. Keeps true: launches follow the plan's order of groups; buffers
// are made in the order in which launches first name them; a view comes after what it views.
//
// A loop is planned without copies of what its body reads: a scanned operand and a stacked result
// are parts of whole buffers that move with the counter; a carried value has two places, which its
// body reads and writes by turns. One whose size changes has one place, of a size of its own:
//   bind kept = n; kept_v = v; loop { bind p = kept; next = body(kept_v); bind kept = p + 1;
//   kept_v = next }  bind r = kept; result = kept_v
#include "compiler/program/plan.h"

#include <algorithm>
#include <set>

#include "compiler/graph/join_entries.h"
#include "compiler/ir/sizes.h"
#include "compiler/loop/lower_expr.h"
#include "compiler/program/bind_sizes.h"
#include "compiler/program/branch_sizes.h"
#include "compiler/program/program_draft.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

using Key = std::pair<int32_t, int32_t>;  // node id, result

Key key_of(const Value& value) { return {value.node->id, value.result}; }

bool is_weight(const Value& value) {
  return value.node->kind == Kind::parameter || value.node->kind == Kind::constant;
}

Type slice_of(Type whole) {
  whole.shape.erase(whole.shape.begin());
  return whole;
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

// The steps of one graph: of the whole program, or of a region.
class GraphPlanner {
 public:
  GraphPlanner(ProgramDraft& draft, const FusionPlan& fusion, const GroupKernels& kernels,
               HostSteps& steps, size_t depth)
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

  // Those of the graph beside `known`, which hold outside of it: checked where its steps begin, or
  // where what it binds itself, or is given as `bound`, is bound.
  void add_conditions(const std::vector<Condition>& known, std::vector<std::string> bound = {}) {
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

  void bind(const Node& input, int32_t buffer) { buffers_[{input.id, 0}] = buffer; }

  // `homes`: where the graph's results shall lie.
  void run(const std::vector<int32_t>& homes) {
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

  // The new values of states, once nothing reads the old ones any more. place_updates leaves out
  // copies that need not be.
  void update() {
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

 private:
  Value root(Value value) const {
    for (auto at = views_.find(key_of(value)); at != views_.end();
         at = views_.find(key_of(value))) {
      value = at->second;
    }
    return value;
  }

  // Which group stores a value, and whether anything in `forward` reads it.
  void find_producers() {
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

  // A value that the steps compute lies in the first home of a result that is it, or a view of it.
  void give_homes(const std::vector<int32_t>& homes) {
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

  int32_t buffer_of(const Value& value) {
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

  void launch_group(const Group& group) {
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

  void take_prepared(const Group& group, const std::vector<int32_t>& made) {
    for (size_t i = 0; i < made.size(); ++i) {
      buffers_[key_of(group.outputs[i])] = made[i];
      if (read_in_forward_.contains(key_of(group.outputs[i]))) draft_.keep(made[i]);
    }
  }

  // Over flat arrays: views of both sides.
  void copy(int32_t from, int32_t to, HostSteps& steps) {
    const Buffer target = program_.buffers[to];
    const Type flat{target.dtype, {count_of(target.shape)}};
    const int32_t source = draft_.add_view(target.name + "_source", flat, from);
    draft_.copy(source, draft_.add_view(target.name + "_flat", flat, to), steps);
  }

  void plan_branch(const Group& group) {
    const Node& node = *group.nodes[0];
    Branch branch{buffer_of(node.operands[0]), {}, {}};
    std::vector<int32_t> captures, results;
    for (size_t i = 1; i < node.operands.size(); ++i)
      captures.push_back(buffer_of(node.operands[i]));
    for (const Value& value : group.outputs) results.push_back(buffer_of(value));
    plan_arm(node, group.bodies[0], captures, results, branch.yes);
    plan_arm(node, group.bodies[1], captures, results, branch.no);
    steps_.push_back({std::move(branch)});
  }

  // Results of a size that the branch decides are copied once that size is bound.
  void plan_arm(const Node& node, const FusionPlan& body, const std::vector<int32_t>& captures,
                const std::vector<int32_t>& results, HostSteps& steps) {
    const std::vector<OpenSize> open = open_sizes(node);
    const std::vector<size_t> changed = results_of(open);
    std::vector<int32_t> homes = results;
    for (const size_t r : changed) homes[r] = next_buffer(body, r, results[r]);
    plan_body(body, captures, homes, steps);
    const auto given = [&](const OpenSize& size) {
      return result_size(body, size.result, size.dim);
    };
    bind_sizes(draft_, open, outside_of, given, steps);
    for (const size_t r : changed) copy_resized(draft_, homes[r], results[r], steps);
  }

  // The number itself is passed on.
  void plan_bind(const Group& group) {
    const Node& node = *group.nodes[0];
    const int32_t value = buffer_of(node.operands[0]);
    steps_.push_back({Bind{node.as<BindAttr>().symbol, value}});
    const auto home = buffers_.find({node.id, 0});
    if (home == buffers_.end())
      buffers_[{node.id, 0}] = value;
    else
      copy(value, home->second, steps_);
  }

  void plan_body(const FusionPlan& body, const std::vector<int32_t>& inputs,
                 const std::vector<int32_t>& homes, HostSteps& steps,
                 std::vector<std::string> bound = {}) {
    GraphPlanner planner(draft_, body, kernels_, steps, depth_ + 1);
    planner.add_conditions(conditions_, std::move(bound));
    const std::vector<const Node*> nodes = inputs_of(*body.graph);
    check(nodes.size() == inputs.size(), "plan", "a region has other inputs");
    for (size_t i = 0; i < nodes.size(); ++i)
      if (inputs[i] >= 0) planner.bind(*nodes[i], inputs[i]);
    planner.run(homes);
  }

  // A loop while it is planned.
  struct LoopPlan {
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

  void plan_loop(const Group& group) {
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

  // What the body reads of carried values, and where it leaves them.
  void give_carried(LoopPlan& plan, const Index& step) {
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

  // One whose size changes.
  void give_resized(LoopPlan& plan, size_t i, int32_t given) {
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

  // Where slices go. Those of an open size are put there once it is bound; no iteration binds 0.
  void give_stacks(LoopPlan& plan, const Index& step) {
    const auto none = [](const OpenSize&) { return Index(0); };
    bind_sizes(draft_, plan.open_stacked, outside_of, none, steps_);
    for (size_t r = plan.carried; r < plan.node.results.size(); ++r) {
      const int32_t whole = buffer_of({&plan.node, static_cast<int32_t>(r)});
      plan.homes.push_back(plan.is_open(r) ? next_buffer(plan.body, r, whole)
                                           : part(whole, slice_of(plan.node.results[r]), step));
    }
  }

  void plan_iteration(LoopPlan& plan, Loop& loop) {
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

  // Slices of an open size, which the first iteration says for all of them.
  void stack_resized(const LoopPlan& plan, Loop& loop) {
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

  // What carried values are after the loop.
  void take_carried(const LoopPlan& plan, const Index& step) {
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

  // The size of carried values between iterations.
  Index kept(const OpenSize& size) { return Index::var(draft_.kept_size(*size.outside.as_var())); }

  // The size in the result of a region.
  static Index result_size(const FusionPlan& body, size_t result, size_t dim) {
    return body.graph->results[result].value.shape()[dim];
  }

  // Where a region leaves a result whose size is its own.
  int32_t next_buffer(const FusionPlan& body, size_t result, int32_t like) {
    return draft_.add_buffer(program_.buffers[like].name + "_next",
                             body.graph->results[result].value.type(), Place::arena);
  }

  // The buffer of a body's first input, which a kernel fills; -1 where nothing reads it.
  int32_t number_of_iteration(const FusionPlan& body, Loop& loop) {
    const Node* number = inputs_of(*body.graph).at(0);
    if (users_of(*body.graph)[static_cast<size_t>(number->id)].empty() &&
        std::ranges::none_of(body.graph->results,
                             [&](const Result& r) { return r.value.node == number; }))
      return -1;
    const int32_t buffer = draft_.add_buffer("iteration", number->results[0], Place::arena);
    draft_.store_number(Index::var(loop.counter), buffer, loop.steps);
    return buffer;
  }

  // Two places for a carried value; the first holds what the loop is given.
  int32_t carried_pair(const Value& value, int32_t given) {
    const Type& type = value.type();
    const int64_t line = 64 / size_of(type.dtype);
    const Index lines = ceildiv(count_of(type.shape), line);
    const std::string name = value_name(graph_, value);
    const int32_t pair =
        draft_.add_buffer(name + "_turns", {type.dtype, {2 * line * lines}}, Place::arena);
    copy(given, turn(pair, type, 0), steps_);
    return pair;
  }

  int32_t turn(int32_t pair, const Type& type, const Index& which) {
    const Index bytes = floordiv(program_.buffers[pair].bytes(), 2);
    return draft_.add_part(program_.buffers[pair].name, type, pair, which * bytes);
  }

  // The slice of a buffer that belongs to an iteration.
  int32_t part(int32_t whole, const Type& slice, const Index& step) {
    return draft_.add_part(program_.buffers[whole].name + "_part", slice, whole,
                           step * count_of(slice.shape) * size_of(slice.dtype));
  }

  // What a carried value is after the loop: where it lies, or a copy where it has a home.
  void take(const Value& value, int32_t last) {
    const auto home = buffers_.find(key_of(value));
    if (home == buffers_.end())
      buffers_[key_of(value)] = last;
    else
      copy(last, home->second, steps_);
  }

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

void add_symbols(ProgramDraft& draft, const FusionPlan& fusion) {
  draft.add_symbols(*fusion.graph);
  for (const Group& group : fusion.groups)
    for (const FusionPlan& body : group.bodies) add_symbols(draft, body);
}

// In the order in which they are bound first.
void add_dynamic(ProgramDraft& draft, const FusionPlan& fusion) {
  for (const Group& group : fusion.groups) {
    const Node& node = *group.nodes[0];
    const auto carried = node.kind == Kind::loop ? node.as<RegionAttr>().carried : 0;
    for (const OpenSize& size : open_sizes(node))
      if (static_cast<int32_t>(size.result) < carried) draft.kept_size(*size.outside.as_var());
    for (const std::string& symbol : bound_inside(node)) draft.add_dynamic(symbol);
    for (const FusionPlan& body : group.bodies) add_dynamic(draft, body);
    for (const std::string& symbol : bound_by(node)) draft.add_dynamic(symbol);
  }
}

void plan_entry(ProgramDraft& draft, const std::string& name, const FusionPlan& fusion,
                std::span<const FusionPlan> all, const GroupKernels& kernels) {
  const Graph& graph = *fusion.graph;
  draft.begin_entry(name, graph);
  HostSteps steps;
  GraphPlanner planner(draft, fusion, kernels, steps, 0);
  planner.add_conditions(graph.conditions());
  for (const Node* node : inputs_of(graph)) planner.bind(*node, draft.add_input(*node));
  std::vector<int32_t> outputs;
  for (const Result& result : graph.results) outputs.push_back(draft.add_output(result));
  for (const FusionPlan& other : all) draft.add_states(*other.graph);
  planner.run(outputs);
  planner.update();
  draft.entry().steps = std::move(steps);
}

// What join_entries and unify_symbols see to.
void check_joined(const ProgramDraft& draft, const Graph& graph) {
  for (const Symbol& symbol : graph.symbols()) {
    const auto known = std::ranges::find(draft.program.symbols, symbol.name, &Symbol::name);
    check(known != draft.program.symbols.end() && known->lo == symbol.lo &&
              known->hi == symbol.hi && known->value == symbol.value,
          "plan", "a size is not the same in all entries");
  }
  for (const auto& node : graph.nodes()) {
    if (node->kind != Kind::parameter) continue;
    const std::string& name = node->as<ParameterAttr>().name;
    check(is_state(graph, name) || !draft.has_state(name), "plan",
          "an entry does not know that another one updates a parameter");
  }
}

}  // namespace

Program plan(std::span<const FusionPlan> entries, std::vector<TargetInfo> levels,
             const GroupKernels& kernels, Parameters parameters) {
  check(!levels.empty(), "plan", "a program has at least one level");
  check(!entries.empty(), "plan", "a program has at least one entry");
  ProgramDraft draft(std::move(levels), parameters);
  draft.program.name = entries.size() == 1 ? entries[0].graph->name() : "model";
  for (const FusionPlan& fusion : entries) add_symbols(draft, fusion);
  for (const FusionPlan& fusion : entries) add_dynamic(draft, fusion);
  for (const FusionPlan& fusion : entries) {
    plan_entry(draft, entry_name(*fusion.graph, entries.size()), fusion, entries, kernels);
    check_joined(draft, *fusion.graph);
  }
  Program program = draft.finish();
  for (Entry& entry : program.entries) check_sizes_in_branches(program, entry);
  return program;
}

}  // namespace mintor
