// SPDX-License-Identifier: Apache-2.0
// Buffers and steps from fusion groups. Takes graph, groups and their kernels; gives the Program
// that compiler/memory then places. Keeps true: launches follow the plan's order of groups; buffers
// are made in the order in which launches first name them; a view comes after what it views.
//
// A loop is planned without copies of what its body reads: a scanned operand and a stacked result
// are parts of whole buffers that move with the counter; a carried value has two places, which its
// body reads and writes by turns.
#include "compiler/program/plan.h"

#include <algorithm>
#include <set>

#include "compiler/graph/join_entries.h"
#include "compiler/ir/sizes.h"
#include "compiler/loop/lower_expr.h"
#include "compiler/program/branch_sizes.h"
#include "compiler/program/program_draft.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

using Key = std::pair<int32_t, int32_t>;      // node id, result

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
  // where what it binds itself is bound.
  void add_conditions(const std::vector<Condition>& known) {
    conditions_ = known;
    for (const Condition& condition : graph_.conditions()) {
      const auto same = [&](const Condition& other) { return says_the_same(other, condition); };
      if (std::ranges::any_of(known, same)) continue;
      conditions_.push_back(condition);
      const bool bound_here = std::ranges::any_of(fusion_.groups, [&](const Group& group) {
        if (group.nodes[0]->kind != Kind::bind) return false;
        const std::string& symbol = group.nodes[0]->as<BindAttr>().symbol;
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
    std::vector<int32_t> captures, homes;
    for (size_t i = 1; i < node.operands.size(); ++i)
      captures.push_back(buffer_of(node.operands[i]));
    for (const Value& value : group.outputs) homes.push_back(buffer_of(value));
    plan_body(group.bodies[0], captures, homes, branch.yes);
    plan_body(group.bodies[1], captures, homes, branch.no);
    steps_.push_back({std::move(branch)});
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
                 const std::vector<int32_t>& homes, HostSteps& steps) {
    GraphPlanner planner(draft_, body, kernels_, steps, depth_ + 1);
    planner.add_conditions(conditions_);
    const std::vector<const Node*> nodes = inputs_of(*body.graph);
    check(nodes.size() == inputs.size(), "plan", "a region has other inputs");
    for (size_t i = 0; i < nodes.size(); ++i)
      if (inputs[i] >= 0) planner.bind(*nodes[i], inputs[i]);
    planner.run(homes);
  }

  void plan_loop(const Group& group) {
    const Node& node = *group.nodes[0];
    const auto& attr = node.as<RegionAttr>();
    const auto carried = static_cast<size_t>(attr.carried);
    const auto scanned = static_cast<size_t>(attr.scanned);
    Loop loop{draft_.counter(depth_), attr.trip, -1, {}};
    const Index step = Index::var(loop.counter);
    std::vector<int32_t> inputs{number_of_iteration(group.bodies[0], loop)}, homes, pairs;
    for (size_t i = 0; i < node.operands.size(); ++i) {
      const int32_t given = buffer_of(node.operands[i]);
      const Type& type = node.operands[i].type();
      if (i < carried) {
        pairs.push_back(carried_pair({&node, static_cast<int32_t>(i)}, given));
        inputs.push_back(turn(pairs[i], type, mod(step, 2)));
        homes.push_back(turn(pairs[i], type, mod(step + 1, 2)));
      } else if (i < carried + scanned) {
        inputs.push_back(part(given, slice_of(type), step));
      } else {
        inputs.push_back(given);
      }
    }
    for (size_t r = carried; r < node.results.size(); ++r) {
      const int32_t whole = buffer_of({&node, static_cast<int32_t>(r)});
      homes.push_back(part(whole, slice_of(node.results[r]), step));
    }
    if (attr.conditional) loop.condition = inputs[1];
    plan_body(group.bodies[0], inputs, homes, loop.steps);
    steps_.push_back({std::move(loop)});
    for (size_t i = 0; i < carried; ++i) {
      const Value value{&node, static_cast<int32_t>(i)};
      if (attr.conditional)  // the counter says which of both until the next loop
        copy(turn(pairs[i], value.type(), mod(step, 2)), buffer_of(value), steps_);
      else
        give_last(value, pairs[i], mod(attr.trip, 2));
    }
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
  void give_last(const Value& value, int32_t pair, const Index& which) {
    const auto home = buffers_.find(key_of(value));
    const int32_t last = turn(pair, value.type(), which);
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
  for (const Group& group : fusion.groups) {
    if (group.nodes[0]->kind == Kind::bind)
      draft.add_dynamic(group.nodes[0]->as<BindAttr>().symbol);
    for (const FusionPlan& body : group.bodies) add_symbols(draft, body);
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
  for (const FusionPlan& fusion : entries) {
    plan_entry(draft, entry_name(*fusion.graph, entries.size()), fusion, entries, kernels);
    check_joined(draft, *fusion.graph);
  }
  Program program = draft.finish();
  for (Entry& entry : program.entries) check_sizes_in_branches(program, entry);
  return program;
}

}  // namespace mintor
