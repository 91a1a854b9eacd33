// SPDX-License-Identifier: Apache-2.0
// loop: a loop from the last iteration to the first, over what the carried values were. A
// conditional one is run once more before that, to count its iterations; the count is bound to a
// symbol, and a loop of that many iterations has the gradient.
//   forward again   gives the carried values before each iteration, stacked, and the results of
//                   its contracts, which cost more to compute again than to keep
//   backward        carries the gradients of the carried values and the sums of those of the
//                   captures; takes, mirrored along dimension 0, what the forward stacked, the
//                   scanned values and the gradients of the stacked results; gives the gradients
//                   of the scanned values; computes the rest of the forward again
// Keeps true: whole numbers are carried along for the bodies, without gradients; what a call in the
// body does is computed again (checkpoints are such calls).
#include <algorithm>
#include <set>

#include "compiler/grad/grad.h"
#include "compiler/grad/rule.h"
#include "compiler/ir/inline.h"
#include "compiler/ir/open_sizes.h"
#include "compiler/support/identifier.h"

namespace mintor {

namespace {

// Those of one size in all iterations.
std::vector<const Node*> contracts_of(const Graph& body) {
  std::set<std::string> bound;  // sizes that an iteration finds out
  for (const auto& node : body.nodes())
    for (const std::string& symbol : bound_by(*node)) bound.insert(symbol);
  const auto is_known = [&](const Index& extent) {
    return std::ranges::none_of(bound, [&](const std::string& s) { return extent.mentions(s); });
  };
  std::vector<const Node*> contracts;
  for (const Node* node : live_nodes(body))
    if (node->kind == Kind::contract && is_float(node->results[0].dtype) &&
        std::ranges::all_of(node->results[0].shape, is_known))
      contracts.push_back(node);
  return contracts;
}

struct Loop {
  const Backward& at;
  RegionAttr attr;
  const Graph& body = *attr.regions[0];
  size_t carried = static_cast<size_t>(attr.carried), scanned = static_cast<size_t>(attr.scanned);
  std::vector<const Node*> kept = contracts_of(body);

  std::span<const Value> operands() const { return at.node.operands; }
  std::span<const Value> carries() const { return operands().first(carried); }
  std::span<const Value> scans() const { return operands().subspan(carried, scanned); }
  std::span<const Value> captures() const { return operands().subspan(carried + scanned); }
};

std::vector<Value> floats_of(std::span<const Value> values) {
  std::vector<Value> floats;
  for (const Value& v : values)
    if (is_float(v.dtype())) floats.push_back(v);
  return floats;
}

// Inputs of a region, one after the other.
class Region {
 public:
  Region(const Loop& loop, const std::string& suffix)
      : graph(std::make_shared<Graph>(loop.body.name() + suffix)), b(*graph) {
    graph->copy_sizes(loop.at.b.graph());
  }
  Value input(const Type& type) {
    return b.input("v" + std::to_string(count_++), type.dtype, type.shape);
  }
  std::vector<Value> inputs(std::span<const Value> like, bool slices) {
    std::vector<Value> made;
    for (const Value& v : like) {
      Type type = v.type();
      if (slices) type.shape.erase(type.shape.begin());
      made.push_back(input(type));
    }
    return made;
  }
  void give(Value v) { graph->results.push_back({"r" + std::to_string(given_++), v}); }

  std::shared_ptr<Graph> graph;
  Builder b;

 private:
  size_t count_ = 0, given_ = 0;
};

void append(std::vector<Value>& to, std::span<const Value> more) {
  to.insert(to.end(), more.begin(), more.end());
}

void add_names(std::set<std::string>& names, const Graph& graph) {
  for (const Symbol& symbol : graph.symbols()) names.insert(symbol.name);
  for (const auto& node : graph.nodes())
    if (const auto* attr = std::get_if<RegionAttr>(&node->attr))
      for (const auto& region : attr->regions) add_names(names, *region);
}

// What no region of the graph binds either: it may be inlined where the symbol is known.
std::string fresh_symbol(const Graph& graph) {
  std::set<std::string> names;
  add_names(names, graph);
  return unique_name("trips", names);
}

// The number of iterations of a conditional loop, as a size: the loop carries it.
Index counted(const Loop& loop) {
  Region region(loop, "_count");
  std::vector<Value> given = {region.input({DType::i64, {}})};
  append(given, region.inputs(loop.carries(), false));
  region.input({DType::i64, {}});  // the count before the iteration is its number
  append(given, region.inputs(loop.captures(), false));
  for (const Value& v : inline_region(region.b, loop.body, given)) region.give(v);
  region.give(region.b.apply(ScalarOp::add, {given[0], region.b.constant_int(DType::i64, 1)}));
  Builder& b = loop.at.b;
  std::vector<Value> carried(loop.carries().begin(), loop.carries().end());
  carried.push_back(b.constant_int(DType::i64, 0));
  const Value count = b.while_(carried, loop.captures(), region.graph, loop.attr.trip).back();
  const std::string name = fresh_symbol(b.graph());
  b.bind(count, name, 0, -1);
  return Index::var(name);
}

// What each iteration was given of the carried values, then what it kept, stacked.
std::vector<Value> states(const Loop& loop) {
  Region region(loop, "_states");
  std::vector<Value> given = {region.input({DType::i64, {}})};
  const std::vector<Value> carries = region.inputs(loop.carries(), false);
  append(given, carries);
  append(given, region.inputs(loop.scans(), true));
  append(given, region.inputs(loop.captures(), false));
  Copies made;
  const std::vector<Value> results = inline_region(region.b, loop.body, given, made);
  for (size_t i = 0; i < loop.carried; ++i) region.give(results[i]);
  for (const Value& c : carries) region.give(c);
  for (const Node* node : loop.kept) region.give(made.at(node)[0]);
  const std::vector<Value> all =
      loop.at.b.loop(loop.attr.trip, loop.carries(), loop.scans(), loop.captures(), region.graph);
  return {all.begin() + loop.attr.carried, all.end()};
}

// The last iteration's slice first.
Value mirrored(Builder& b, Value x) {
  std::vector<Index> start(x.shape().size(), 0);
  std::vector<int64_t> step(x.shape().size(), 1);
  start[0] = x.shape()[0] - 1;
  step[0] = -1;
  return b.slice(x, start, x.shape(), step);
}

std::vector<Value> all_mirrored(Builder& b, std::span<const Value> xs) {
  std::vector<Value> out;
  for (const Value& x : xs) out.push_back(mirrored(b, x));
  return out;
}

// The region with those nodes replaced by inputs of it.
std::shared_ptr<const Graph> with_known(const Loop& loop, const Graph& whole, Copies known) {
  Region region(loop, "_grad");
  std::vector<Value> inputs;
  Copies made;
  for (const Node* input : inputs_of(whole)) {
    inputs.push_back(region.input(input->results[0]));
    made[input] = {inputs.back()};
  }
  for (const auto& [node, values] : known) made[node] = made.at(values[0].node);
  for (const Value& v : inline_region(region.b, whole, inputs, made)) region.give(v);
  return region.graph;
}

// carried: gradients of carried floats, sums for captured floats; scanned: states, scanned values,
// gradients of stacked floats; captures.
std::shared_ptr<const Graph> backward_body(const Loop& loop, std::span<const Value> carry_grads,
                                           std::span<const Value> sums,
                                           std::span<const Value> states,
                                           std::span<const Value> stacked_grads) {
  Region region(loop, "_grad");
  Builder& b = region.b;
  const Value step = region.input({DType::i64, {}});
  std::vector<Value> grads = region.inputs(carry_grads, false);
  const std::vector<Value> sums_before = region.inputs(sums, false);
  const std::vector<Value> carries = region.inputs(states.first(loop.carried), true);
  const std::vector<Value> kept = region.inputs(states.subspan(loop.carried), true);
  const std::vector<Value> slices = region.inputs(loop.scans(), true);
  append(grads, region.inputs(stacked_grads, true));
  const std::vector<Value> captures = region.inputs(loop.captures(), false);
  std::vector<Value> given = {
      b.apply(ScalarOp::sub, {b.size(loop.attr.trip - 1), step})};  // counted from the front
  append(given, carries);
  append(given, slices);
  append(given, captures);
  Copies made;
  const std::vector<Value> ys = floats_of(inline_region(b, loop.body, given, made));
  std::vector<Value> xs = floats_of(carries);
  append(xs, floats_of(captures));
  append(xs, floats_of(slices));
  const std::vector<Value> found = gradients(b, ys, grads, xs);
  const size_t first_sum = carry_grads.size(), first_slice = first_sum + sums.size();
  for (size_t i = 0; i < found.size(); ++i) {
    if (i < first_sum || i >= first_slice) {
      region.give(found[i]);
      continue;
    }
    const Value before = sums_before[i - first_sum];
    const Value sum = b.apply(ScalarOp::add, {widened(b, before), widened(b, found[i])});
    region.give(b.cast(sum, before.dtype()));
  }
  Copies known;
  for (size_t i = 0; i < kept.size(); ++i) known[made.at(loop.kept[i])[0].node] = {kept[i]};
  return with_known(loop, *region.graph, std::move(known));
}

}  // namespace

Gradients backward_loop(const Backward& at) {
  Loop loop{at, at.node.as<RegionAttr>()};
  Builder& b = at.b;
  if (loop.attr.conditional) {
    loop.attr.trip = counted(loop);
    loop.attr.conditional = false;
  }
  // The gradients of floating-point results: carried ones, then stacked ones.
  std::vector<Value> carry_grads = float_grads(at), stacked_grads, sums;
  const size_t float_carries = floats_of(loop.carries()).size();
  stacked_grads.assign(carry_grads.begin() + static_cast<int64_t>(float_carries),
                       carry_grads.end());
  carry_grads.resize(float_carries);
  for (const Value& v : floats_of(loop.captures())) sums.push_back(zeros(b, v.dtype(), v.shape()));

  const std::vector<Value> before = states(loop);
  const auto body = backward_body(loop, carry_grads, sums, before, stacked_grads);
  std::vector<Value> carried = carry_grads, scanned = before;
  append(carried, sums);
  append(scanned, loop.scans());
  append(scanned, stacked_grads);
  const std::vector<Value> made =
      b.loop(loop.attr.trip, carried, all_mirrored(b, scanned), loop.captures(), body);

  Gradients grads(at.node.operands.size());
  size_t carry = 0, sum = float_carries, slice = carried.size();
  for (size_t i = 0; i < grads.size(); ++i) {
    if (!is_float(at.operand(i).dtype())) continue;
    if (i < loop.carried)
      grads[i] = made[carry++];
    else if (i < loop.carried + loop.scanned)
      grads[i] = mirrored(b, made[slice++]);
    else
      grads[i] = made[sum++];
  }
  return grads;
}

}  // namespace mintor
