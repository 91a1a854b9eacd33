// SPDX-License-Identifier: Apache-2.0
// ONNX Loop.
// Takes a trip count, a condition (both may be missing), values that are carried, and a body that
// may stack values; gives a loop with a number of iterations where the condition never changes,
// else a conditional one. A conditional one that stacks is run once more before it, to count:
//   count = while (go, v) { .. }      bind count to a symbol      v, stack = loop symbol (v) { .. }
// One that carries sequences, which are known when compiling, leaves the nodes of its iterations.
// A size of a carried value that an iteration changes is a symbol in the body, which is imported
// again with it; values that change alike share one.
// Keeps true: a computed trip count is bound to a symbol; what is carried keeps its element type
// and its rank, but for what no iteration reads, and what has one element whatever its rank.
#include <algorithm>
#include <set>

#include "compiler/ir/broadcast.h"
#include "compiler/support/error.h"
#include "frontends/onnx/carried_sizes.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/region.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

constexpr int kNeededRounds = 8;  // in which it is found out what a condition needs

const Type kFlag{DType::boolean, {}}, kCount{DType::i64, {}};

std::optional<Index> one_number(const Known* known) {
  if (!known || known->items.size() != 1) return std::nullopt;
  return known->items[0];
}

struct Loop {
  OnnxNode& n;
  OnnxDraft& body;
  std::vector<Value> inputs;   // of the body: the number of the iteration, carried...
  std::vector<Value> carried;  // before the loop
  std::vector<Type> types;     // of what is carried, in the body
  std::vector<Value> next;     // in the body
};

// How many iterations there are at most: a number, a size, or a symbol that the run binds.
Index bound_of(OnnxNode& n, Value go) {
  Builder& b = n.builder();
  const auto known = one_number(n.known(0));
  if (!n.given(0)) return go ? 0 : RegionAttr::kNoBound;
  if (known && !go) {
    if (known->is_const()) return std::max<int64_t>(known->value(), 0);
    return n.state().graph.ranges().simplify(max(0, *known));
  }
  const Value zero = b.constant_int(DType::i64, 0);
  Value trip = ops::cast(b, single(n, b, n.in(0), "the trip count"), DType::i64);
  trip = b.apply(ScalarOp::max, {trip, zero});
  if (go) trip = b.apply(ScalarOp::where, {go, trip, zero});
  const std::string name = n.state().fresh_symbol("trips");
  b.bind(trip, name, 0, -1);
  return Index::var(name);
}

// The body; where it needs the number of the iteration for a size or a place, once more with that
// known as a symbol. Otherwise iterations bind nothing. Either has the names of symbols that it
// would have without the other, and finds out about sizes for itself.
std::unique_ptr<OnnxDraft> import_body(OnnxNode& n, std::vector<OnnxRegionInput> inputs,
                                       const std::string& variant) {
  OnnxState& model = n.state().model_state();
  const std::set<std::string> bound = model.bound;
  std::exception_ptr refusal;
  try {
    return import_region(n, "body", inputs, variant);
  } catch (const CompileError&) {
    if (++model.bodies_again > onnx_limits::kBodiesAgain) throw;
    refusal = std::current_exception();
  }
  model.bound = bound;
  inputs[0].symbolic = true;
  const auto trip = one_number(n.known(0));
  if (trip && trip->is_const() && trip->value() > 0) inputs[0].last = trip->value() - 1;
  try {
    return import_region(n, "body", inputs, variant + ";symbolic");
  } catch (const CompileError&) {
    std::rethrow_exception(refusal);
  }
}

void check_outputs(const OnnxNode& n, const OnnxDraft& body, size_t carried) {
  const size_t results = body.outputs.size();
  if (results != n.outputs() + 1 || results < 1 + carried)
    n.fail("its body has " + std::to_string(results) + " outputs, the node " +
           std::to_string(n.outputs()) + ", and " + std::to_string(carried) +
           " values are carried");
}

// A number that the importer knows; nullopt where data say it.
std::optional<int64_t> number_of(OnnxNode& n, const OnnxValue& v) {
  if (const auto known = one_number(v.known.get()); known && known->is_const())
    return known->value();
  if (!v.value || v.items) return std::nullopt;
  const std::optional<Tensor> tensor = n.state().tensor_of(v.value);
  if (!tensor || tensor->count() != 1 || is_float(tensor->dtype)) return std::nullopt;
  return tensor->at(0).i;
}

// Runs in which the loop has no iteration are refused.
void need_iteration(OnnxNode& n) {
  Builder& b = n.builder();
  for (size_t i = 0; i < 2; ++i) {
    if (!n.given(i) || number_of(n, n.input(i)).value_or(0) > 0) continue;
    const Value count = ops::cast(b, single(n, b, n.in(i), "the trip count"), DType::i64);
    const std::string name = n.state().fresh_symbol("iterations");
    b.bind(b.apply(ScalarOp::max, {count, b.constant_int(DType::i64, 0)}), name, 0, -1);
    n.state().graph.add_condition(
        {Index::var(name), 1, Condition::Form::left_or_positive, b.scope()});
  }
}

// What nobody reads of what is carried is of the type that iterations give it; before them it is 0.
void replace_unread(OnnxNode& n, const CarriedSizes& sizes, std::vector<Value>& carried) {
  if (sizes.replaced().empty()) return;
  need_iteration(n);
  for (const auto& [i, type] : sizes.replaced())
    carried[i] = n.builder().full(type.dtype, type.shape, 0);
}

// The body, imported until the sizes of what is carried are those that its iterations make.
std::unique_ptr<OnnxDraft> import_body(OnnxNode& n, std::vector<Value>& carried,
                                       std::vector<Type>& types) {
  CarriedSizes sizes(n, carried);
  for (;;) {
    types = sizes.types();
    // The body runs where the condition holds.
    std::vector<OnnxRegionInput> inputs = {
        {kCount, nullptr}, {kFlag, std::make_shared<const Known>(Known{DType::boolean, {}, {1}})}};
    for (const Type& type : types) inputs.push_back({type, nullptr});
    std::unique_ptr<OnnxDraft> body = import_body(n, inputs, sizes.variant());
    check_outputs(n, *body, carried.size());
    if (sizes.agree(*body)) {
      replace_unread(n, sizes, carried);
      return body;
    }
    if (++n.state().model_state().bodies_again > onnx_limits::kBodiesAgain)
      n.fail("carries values whose sizes change, as do those of too many other loops");
  }
}

std::vector<OnnxRegionPort> ports(const Loop& loop, std::span<const size_t> carried, bool flag) {
  std::vector<OnnxRegionPort> out = {{kCount, loop.inputs[0]}};
  if (flag) out.push_back({kFlag, {}});
  for (size_t i : carried) out.push_back({loop.types[i], loop.inputs[1 + i]});
  return out;
}

// The region that gives these results, and the captures that it needs.
struct Step {
  Step(const Loop& loop, std::vector<OnnxRegionPort> ports, std::span<const Value> results)
      : captured(captured_by({{&loop.body, results}})) {
    for (OnnxRegionPort& port : ports_of(loop.body, captured)) ports.push_back(std::move(port));
    graph = region_of(loop.body, ports, results);
  }
  std::vector<Value> captured;
  std::shared_ptr<const Graph> graph;
};

// Types of carried values behind a loop: sizes that change are symbols of its own.
std::vector<Type> types_behind(const Loop& loop, std::span<const size_t> carried) {
  std::map<std::string, Index> symbols;
  std::vector<Type> types;
  for (size_t i : carried) {
    types.push_back(loop.carried[i].type());
    for (size_t d = 0; d < types.back().shape.size(); ++d) {
      const Index& inside = loop.types[i].shape[d];
      if (inside == types.back().shape[d]) continue;
      const auto [known, is_new] = symbols.try_emplace(*inside.as_var());
      if (is_new) known->second = Index::var(loop.n.state().fresh_symbol("grown"));
      types.back().shape[d] = known->second;
    }
  }
  return types;
}

std::vector<Value> make_loop(const Loop& loop, const Index& trip, bool conditional,
                             const std::vector<Value>& carried, const Step& step,
                             const std::vector<Type>& types) {
  RegionAttr attr;
  attr.regions = {step.graph};
  attr.trip = trip;
  attr.carried = static_cast<int32_t>(carried.size());
  attr.conditional = conditional;
  std::vector<Value> operands = carried;
  operands.insert(operands.end(), step.captured.begin(), step.captured.end());
  return loop.n.builder().node(Kind::loop, attr, operands, types);
}

std::vector<size_t> all_of(const Loop& loop) {
  std::vector<size_t> all(loop.carried.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

std::vector<Value> picked(const std::vector<Value>& values, std::span<const size_t> which) {
  std::vector<Value> out;
  for (size_t i : which) out.push_back(values[i]);
  return out;
}

// Whether a node or result reads the carried value, or its shape alone says what a size in the body
// is: a size that the graph around knows needs nobody here.
bool is_read(const Loop& loop, Value input, const std::vector<const Node*>& live) {
  for (const Index& size : input.shape())
    if (const auto name = size.as_var(); name && !loop.n.state().graph.find_symbol(*name))
      return true;
  const auto& results = loop.body.state.graph.results;
  return std::ranges::any_of(results, [&](const Result& r) { return r.value == input; }) ||
         std::ranges::any_of(live, [&](const Node* node) {
           return std::ranges::find(node->operands, input) != node->operands.end();
         });
}

// The carried values that the condition depends on.
std::vector<size_t> needed_by_condition(const Loop& loop, Value again) {
  std::vector<size_t> needed;
  Graph& graph = loop.body.state.graph;
  for (int round = 0; round < kNeededRounds; ++round) {
    graph.results = {{"go", again}};
    for (size_t i : needed) graph.results.push_back({"v" + std::to_string(i), loop.next[i]});
    const std::vector<const Node*> live = live_nodes(graph);
    const std::set<const Node*> nodes(live.begin(), live.end());
    std::vector<size_t> now;
    for (size_t i = 0; i < loop.carried.size(); ++i) {
      const Value input = loop.inputs[1 + i];
      if (nodes.contains(input.node) && is_read(loop, input, live)) now.push_back(i);
    }
    if (now == needed) return needed;
    needed = std::move(now);
  }
  return all_of(loop);
}

// The iterations of a conditional loop, counted.
Index counted(const Loop& loop, Value go, Value again, const Index& most) {
  Builder &b = loop.n.builder(), &in = loop.body.state.builder;
  const std::vector<size_t> needed = needed_by_condition(loop, again);
  std::vector<OnnxRegionPort> inputs = ports(loop, needed, true);
  inputs.push_back({kCount, {}});
  std::vector<Value> carried = picked(loop.carried, needed), results = picked(loop.next, needed);
  carried.insert(carried.begin(), go);
  results.insert(results.begin(), again);
  carried.push_back(b.constant_int(DType::i64, 0));
  results.push_back(in.apply(ScalarOp::add, {loop.inputs[0], in.constant_int(DType::i64, 1)}));
  const Step step(loop, std::move(inputs), results);
  std::vector<Type> types = types_behind(loop, needed);
  types.insert(types.begin(), kFlag);
  types.push_back(kCount);
  const Value count = make_loop(loop, most, true, carried, step, types).back();
  const std::string name = loop.n.state().fresh_symbol("trips");
  b.bind(count, name, 0, -1);
  return Index::var(name);
}

void give(const Loop& loop, std::span<const Value> made) {
  for (size_t i = 0; i < made.size(); ++i)
    loop.n.out_stored(i, made[i], loop.body.outputs[1 + i].element);
}

void run_counted(const Loop& loop, const Index& trip) {
  OnnxNode& n = loop.n;
  if (trip.is_const(RegionAttr::kNoBound))
    n.fail("never ends: it has no trip count, and its condition is always true");
  std::vector<Value> results = loop.next;
  std::vector<Type> types = types_behind(loop, all_of(loop));
  for (size_t i = 1 + loop.next.size(); i < loop.body.outputs.size(); ++i) {
    results.push_back(loop.body.output(i));
    types.push_back(stacked_type(n, loop.body, trip, results.back().type()));
  }
  const Step step(loop, ports(loop, all_of(loop), false), results);
  give(loop, make_loop(loop, trip, false, loop.carried, step, types));
}

void run_conditional(const Loop& loop, Value go, Value again, const Index& most) {
  Builder& b = loop.n.builder();
  if (!go) go = b.constant_int(DType::boolean, 1);
  if (loop.body.outputs.size() > 1 + loop.carried.size())
    return run_counted(loop, counted(loop, go, again, most));
  std::vector<Value> carried = loop.carried, results = loop.next;
  carried.insert(carried.begin(), go);
  results.insert(results.begin(), again);
  const Step step(loop, ports(loop, all_of(loop), true), results);
  std::vector<Type> types = types_behind(loop, all_of(loop));
  types.insert(types.begin(), kFlag);
  const std::vector<Value> made = make_loop(loop, most, true, carried, step, types);
  give(loop, std::span(made).subspan(1));
}

// Whether the condition after an iteration is true whatever the iteration does.
bool is_true(OnnxDraft& body, const OnnxValue& after, Value again) {
  if (const auto known = one_number(after.known.get()))
    return known->is_const() && !known->is_const(0);
  const std::optional<Tensor> tensor = body.state.tensor_of(again);
  return tensor && tensor->at(0).i != 0;
}

// The values of all iterations behind one another.
OnnxValue stacked(OnnxNode& n, const std::vector<OnnxValue>& values) {
  Builder& b = n.builder();
  std::vector<Value> parts;
  const int64_t first[] = {0};
  for (const OnnxValue& v : values) {
    if (v.items || v.absent) n.fail("stacks sequences");
    parts.push_back(ops::unsqueeze(b, v.value ? v.value : materialise(b, *v.known), first));
  }
  if (parts.empty()) n.fail("stacks nothing: it has no iteration, and the type is not known");
  return {b.concat(parts, 0), nullptr, values[0].element};
}

// Sequences are known when compiling: a loop that carries one leaves the nodes of its iterations.
void unroll(OnnxNode& n) {
  const onnx::GraphProto& body = graph_of(n, "body");
  const auto decided = [&](const OnnxValue& v) {
    const auto number = number_of(n, v);
    if (!number)
      n.fail(
          "carries a sequence, and data say how often it runs: how many items there are is not "
          "known when compiling");
    return *number;
  };
  const int64_t trip = n.given(0) ? decided(n.input(0)) : INT64_MAX;
  bool goes_on = !n.given(1) || decided(n.input(1)) != 0;
  std::vector<OnnxValue> carried;
  for (size_t i = 2; i < n.inputs(); ++i) {
    carried.push_back(n.input(i));
    if (carried.back().is_nothing()) carried.back().absent = true;
  }
  if (n.outputs() < carried.size()) n.fail("has fewer outputs than it carries values");
  std::vector<std::vector<OnnxValue>> stacks(n.outputs() - carried.size());
  const auto known = [](DType dtype, int64_t v) {
    return OnnxValue{{}, std::make_shared<const Known>(Known{dtype, {}, {v}})};
  };
  for (int64_t k = 0; goes_on && k < trip; ++k) {
    if ((n.state().model_state().unrolled += body.node_size() + 1) > onnx_limits::kUnrolled)
      n.fail("carries a sequence, and runs too often: all such loops may have " +
             std::to_string(onnx_limits::kUnrolled) + " nodes");
    std::vector<OnnxValue> inputs = {known(DType::i64, k), known(DType::boolean, 1)};
    inputs.insert(inputs.end(), carried.begin(), carried.end());
    const std::vector<OnnxValue> outputs = import_here(n, body, inputs);
    if (outputs.size() != n.outputs() + 1)
      n.fail("its body has " + std::to_string(outputs.size()) + " outputs, the node " +
             std::to_string(n.outputs()));
    goes_on = decided(outputs[0]) != 0;
    for (size_t i = 0; i < n.outputs(); ++i)
      (i < carried.size() ? carried[i] : stacks[i - carried.size()].emplace_back()) =
          outputs[1 + i];
  }
  for (size_t i = 0; i < n.outputs(); ++i)
    n.results()[i] = i < carried.size() ? carried[i] : stacked(n, stacks[i - carried.size()]);
}

// Or an optional value without an element.
bool carries_sequence(const OnnxNode& n) {
  for (size_t i = 2; i < n.inputs(); ++i)
    if (!n.given(i) || n.input(i).items) return true;
  return false;
}

void loop(OnnxNode& n) {
  n.need_inputs(0, SIZE_MAX);
  if (n.inputs() < 2) n.fail("has " + std::to_string(n.inputs()) + " inputs, needs 2 at least");
  if (carries_sequence(n)) return unroll(n);
  std::vector<Value> carried;
  for (size_t i = 2; i < n.inputs(); ++i) carried.push_back(n.in(i));
  std::vector<Type> types;
  const auto body = import_body(n, carried, types);
  Loop loop{n, *body, {}, carried, types, {}};
  for (const Node* input : inputs_of(body->state.graph)) {
    if (loop.inputs.size() < 1 + carried.size()) loop.inputs.push_back({input, 0});
  }
  for (size_t i = 0; i < carried.size(); ++i) {
    const Value next = with_rank(body->state.builder, body->output(1 + i), types[i].shape);
    Shape shape = types[i].shape;  // or what becomes of a size that changes
    for (size_t d = 0; d < shape.size(); ++d)
      if (!(shape[d] == carried[i].shape()[d])) shape[d] = next.shape()[d];
    loop.next.push_back(stretched(body->state.builder, next, shape));
  }

  Value go;  // before the first iteration, where it is not known to be true
  const auto first = one_number(n.known(1));
  if (n.given(1) && !(first && first->is_const()))
    go = single(n, n.builder(), n.in(1), "the condition");
  else if (first && first->is_const(0))
    go = n.builder().constant_int(DType::boolean, 0);
  const Value again = single(n, body->state.builder, body->output(0), "its condition");
  if (is_true(*body, body->outputs[0], again)) {
    if (!n.given(0) && go) n.fail("never ends: it has no trip count, and its condition stays");
    return run_counted(loop, bound_of(n, go));
  }
  run_conditional(loop, go, again, bound_of(n, {}));
}

constexpr OnnxOp kOps[] = {
    {"Loop", 1, 0, loop, "i64, bool, any",
     "loop; one more that counts where it stacks and ends by a condition; nodes of each iteration "
     "where it carries sequences"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_loop;
const OnnxOpGroup onnx_ops_loop{kOps};

}  // namespace mintor
