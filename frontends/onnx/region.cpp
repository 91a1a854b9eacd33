// SPDX-License-Identifier: Apache-2.0
// Drafts of regions, what they capture, and the regions made of them (region.h).
// Keeps true: conditions on sizes that a region's operators need stay in the region, where only a
// run that comes there is checked for them.
#include "frontends/onnx/region.h"

#include <algorithm>

#include "compiler/ir/broadcast.h"
#include "compiler/ir/inline.h"
#include "compiler/support/error.h"
#include "frontends/onnx/limits.h"
#include "onnx-ml.pb.h"

namespace mintor {

OnnxState::OnnxState(OnnxState& around, std::string path)
    : ctx(around.ctx),
      model(around.model),
      files(around.files),
      graph("region"),
      builder(graph),
      opset(around.opset),
      opsets(around.opsets),
      symbols(around.symbols),
      places(around.places),
      work_left(0),
      around(&around),
      path(std::move(path)),
      depth(around.depth) {
  graph.copy_sizes(around.graph);
}

OnnxValue* OnnxState::find(const std::string& name) {
  if (auto it = values.find(name); it != values.end()) return &it->second;
  const OnnxValue* outer = around ? around->find(name) : nullptr;
  if (!outer) return nullptr;
  return &values.emplace(name, captured(*outer)).first->second;
}

OnnxValue OnnxState::captured(const OnnxValue& outer) {
  OnnxValue own{{}, outer.known, outer.element, nullptr, outer.absent};
  if (outer.items) {
    std::vector<OnnxValue> items;
    for (const OnnxValue& item : *outer.items) items.push_back(captured(item));
    own.items = std::make_shared<const std::vector<OnnxValue>>(std::move(items));
    return own;
  }
  if (own.known || own.absent) return own;
  const Node& node = *outer.value.node;
  const Type& type = outer.value.type();
  if (node.kind == Kind::constant && node.as<ConstantAttr>().value.count() <= onnx_limits::kKnown) {
    own.value = builder.constant(node.as<ConstantAttr>().value);
    return own;
  }
  auto [it, added] = captures.try_emplace(key_of(outer.value));
  if (added) {
    const std::string input = "c" + std::to_string(captures.size());
    it->second = {outer.value, builder.input(input, type.dtype, type.shape)};
  }
  const Value input = it->second.input;
  Shape shape = type.shape;
  for (Index& size : shape) size = graph.ranges().simplify(size);
  own.value = stretched(builder, input, std::move(shape));
  return own;
}

std::string OnnxState::fresh_symbol(std::string wish) {
  OnnxState& top = model_state();
  const auto taken = [&](const std::string& name) {
    for (const OnnxState* state = this; state; state = state->around)
      if (state->graph.find_symbol(name)) return true;
    return top.bound.contains(name) || top.symbols.contains(name);
  };
  std::string name = wish;
  for (int i = 1; taken(name); ++i) name = wish + "_" + std::to_string(i);
  if (top.bound.size() == onnx_limits::kBoundSizes)
    throw CompileError("", "more than " + std::to_string(onnx_limits::kBoundSizes) +
                               " sizes are known in a run alone");
  top.bound.insert(name);
  return name;
}

const onnx::GraphProto& graph_of(const OnnxNode& n, std::string_view attribute) {
  const onnx::AttributeProto* a = n.attribute(attribute);
  if (!a || !a->has_g()) n.fail("has no graph '" + std::string(attribute) + "'");
  return a->g();
}

namespace {

// What this attempt found out about the region, for the next one.
void keep_findings(OnnxState& state) {
  note_sizes(state);
  if (state.sizes.count() + state.sizes.commons.size() > 0)
    state.model_state().regions.insert_or_assign(state.path, state.sizes);
}

// One level further down, for as long as it lives.
class Deeper {
 public:
  Deeper(const OnnxNode& n, OnnxState& state) : state_(state) {
    if (state_.depth == onnx_limits::kGraphDepth)
      n.fail("sub-graphs are more than " + std::to_string(onnx_limits::kGraphDepth) + " deep");
    ++state_.depth;
  }
  ~Deeper() { --state_.depth; }
  Deeper(const Deeper&) = delete;

 private:
  OnnxState& state_;
};

std::vector<OnnxValue> outputs_of(OnnxNode& n, OnnxState& state, const onnx::GraphProto& graph) {
  std::vector<OnnxValue> outputs;
  for (const onnx::ValueInfoProto& output : graph.output()) {
    const OnnxValue* value = state.find(output.name());
    if (!value) n.fail("output '" + printable(output.name()) + "' of its graph is made by no node");
    outputs.push_back(*value);
  }
  return outputs;
}

}  // namespace

std::vector<OnnxValue> import_here(OnnxNode& n, const onnx::GraphProto& graph,
                                   const std::vector<OnnxValue>& inputs) {
  OnnxState& state = n.state();
  const Deeper deeper(n, state);
  check_counts(graph);
  if (static_cast<size_t>(graph.input_size()) != inputs.size())
    n.fail("its graph has " + std::to_string(graph.input_size()) + " inputs, needs " +
           std::to_string(inputs.size()));
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string& name = graph.input(static_cast<int>(i)).name();
    if (!state.values.emplace(name, inputs[i]).second)
      n.fail("input '" + printable(name) + "' of its graph is a value around it, too");
  }
  import_initializers(state, graph);
  import_nodes(state, graph);
  std::vector<OnnxValue> outputs = outputs_of(n, state, graph);
  // The sub-graph's own names end with it: another one may have the same.
  for (const onnx::ValueInfoProto& input : graph.input()) state.values.erase(input.name());
  for (const onnx::TensorProto& t : graph.initializer()) state.values.erase(t.name());
  for (const onnx::SparseTensorProto& t : graph.sparse_initializer())
    state.values.erase(t.values().name());
  for (const onnx::NodeProto& node : graph.node())
    for (const std::string& name : node.output()) state.values.erase(name);
  return outputs;
}

Value OnnxDraft::output(size_t i) {
  OnnxValue& v = outputs[i];
  if (v.items || v.absent)
    throw CompileError("",
                       "output " + std::to_string(i) + " of its graph is a sequence or optional");
  if (!v.value) v.value = materialise(state.builder, *v.known);
  return v.value;
}

namespace {

std::unique_ptr<OnnxDraft> empty_draft(OnnxNode& n, const std::string& attribute) {
  // A region has a copy of all sizes around it, which are looked up in one another.
  const Graph& around = n.state().graph;
  const auto count = static_cast<int64_t>(around.symbols().size() + around.conditions().size());
  int64_t& sizes = n.state().model_state().region_sizes;
  sizes += count * (1 + count / 256);
  if (sizes > onnx_limits::kRegionSizes)
    n.fail("too many sub-graphs with too many sizes: " + std::to_string(count) + " in this one");
  std::string path = n.state().path + "/" + attribute;
  for (const std::string& name : n.proto().output()) path += ":" + name;
  return std::unique_ptr<OnnxDraft>(new OnnxDraft{OnnxState(n.state(), std::move(path)), {}});
}

// A value of the same types in another region, all 0; what has a size that is known in that one
// alone is empty.
OnnxValue zeros_like(OnnxState& state, const OnnxValue& v) {
  OnnxValue own{{}, v.known, v.element, nullptr, v.absent};
  if (v.items) {
    std::vector<OnnxValue> items;
    for (const OnnxValue& item : *v.items) items.push_back(zeros_like(state, item));
    own.items = std::make_shared<const std::vector<OnnxValue>>(std::move(items));
  } else if (!v.known && !v.absent) {
    Type type = v.value.type();
    for (Index& size : type.shape)
      for (const std::string& name : size.vars())
        if (!state.graph.find_symbol(name)) size = 0;
    own.value = state.builder.full(type.dtype, type.shape, 0);
  }
  return own;
}

}  // namespace

std::unique_ptr<OnnxDraft> region_that_ends(OnnxNode& n, std::string_view attribute,
                                            std::string reason, const OnnxDraft& like) {
  auto draft = empty_draft(n, std::string(attribute));
  OnnxState& state = draft->state;
  state.graph.add_condition({0, 1, Condition::Form::equal, reason});  // no size makes it hold
  state.places.push_back(std::move(reason));
  for (const OnnxValue& output : like.outputs) draft->outputs.push_back(zeros_like(state, output));
  finish_sizes(state);
  return draft;
}

std::unique_ptr<OnnxDraft> import_region(OnnxNode& n, std::string_view attribute,
                                         const std::vector<OnnxRegionInput>& inputs,
                                         const std::string& variant) {
  const onnx::GraphProto& graph = graph_of(n, attribute);
  check_counts(graph);
  if (static_cast<size_t>(graph.input_size()) != inputs.size())
    n.fail("its graph '" + std::string(attribute) + "' has " + std::to_string(graph.input_size()) +
           " inputs, needs " + std::to_string(inputs.size()));
  auto draft = empty_draft(n, std::string(attribute) + variant);
  OnnxState& state = draft->state;
  const Deeper deeper(n, state);
  const Builder::Scope scope(state.builder, n.builder().scope());
  if (auto found = state.model_state().regions.find(state.path);
      found != state.model_state().regions.end())
    state.sizes = found->second;
  try {
    begin_sizes(state);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const OnnxRegionInput& input = inputs[i];
      OnnxValue value{{}, input.known};
      if (!input.known)
        value.value =
            state.builder.input("x" + std::to_string(i), input.type.dtype, input.type.shape);
      if (input.symbolic) {
        const std::string symbol = state.fresh_symbol("step");
        state.builder.bind(value.value, symbol, 0, input.last);
        value.known = std::make_shared<const Known>(Known{DType::i64, {}, {Index::var(symbol)}});
      }
      const std::string& name = graph.input(static_cast<int>(i)).name();
      if (!state.values.emplace(name, std::move(value)).second)
        n.fail("two inputs of its graph are named '" + printable(name) + "'");
    }
    import_initializers(state, graph);
    import_nodes(state, graph);
    draft->outputs = outputs_of(n, state, graph);
    finish_sizes(state);
  } catch (const CompileError&) {
    keep_findings(state);
    throw;
  }
  keep_findings(state);
  return draft;
}

namespace {

void set_results(Graph& graph, std::span<const Value> results) {
  graph.results.clear();
  for (const Value& v : results)
    graph.results.push_back({"r" + std::to_string(graph.results.size()), v});
}

}  // namespace

std::shared_ptr<const Graph> region_of(OnnxDraft& draft, const std::vector<OnnxRegionPort>& ports,
                                       std::span<const Value> results) {
  Graph& from = draft.state.graph;
  set_results(from, results);
  auto region = std::make_shared<Graph>("region");
  region->copy_sizes(from);
  Builder b(*region);
  std::unordered_map<const Node*, Value> made;
  for (size_t i = 0; i < ports.size(); ++i) {
    const auto& [type, input] = ports[i];
    const Value v = b.input("x" + std::to_string(i), type.dtype, type.shape);
    if (input) made.emplace(input.node, v);
  }
  std::vector<Value> operands;
  for (const Node* input : inputs_of(from)) {
    const auto found = made.find(input);  // none: no result needs it
    operands.push_back(found == made.end() ? Value{} : found->second);
  }
  for (const Value& v : inline_region(b, from, operands))
    region->results.push_back({"r" + std::to_string(region->results.size()), v});
  return region;
}

std::vector<Value> captured_by(std::initializer_list<OnnxGiven> given) {
  OnnxCaptures all;
  for (const auto& [draft, results] : given) {
    set_results(draft->state.graph, results);
    const std::vector<const Node*> live = live_nodes(draft->state.graph);
    const std::set<const Node*> needed(live.begin(), live.end());
    for (const auto& [key, capture] : draft->state.captures)
      if (needed.contains(capture.input.node)) all.emplace(key, capture);
  }
  std::vector<Value> operands;
  for (const auto& [key, capture] : all) operands.push_back(capture.outer);
  return operands;
}

std::vector<OnnxRegionPort> ports_of(const OnnxDraft& draft, std::span<const Value> captured) {
  std::vector<OnnxRegionPort> out;
  for (const Value& outer : captured) {
    const auto found = draft.state.captures.find(key_of(outer));
    const bool has = found != draft.state.captures.end();
    out.push_back({outer.type(), has ? found->second.input : Value{}});
  }
  return out;
}

namespace {

// Whether the graph around a region knows the symbol; one that is computed from known ones it then
// knows.
bool keeps_symbol(Graph& around, const Graph& region, const std::string& name) {
  if (around.find_symbol(name)) return true;
  const Symbol* symbol = region.find_symbol(name);
  if (!symbol || !symbol->value) return false;
  for (const std::string& of : symbol->value->vars())
    if (!keeps_symbol(around, region, of)) return false;
  around.add_symbol(*symbol);
  return true;
}

}  // namespace

bool keeps_size(OnnxNode& n, const OnnxDraft& draft, const Index& size) {
  for (const std::string& name : size.vars())
    if (!keeps_symbol(n.state().graph, draft.state.graph, name)) return false;
  return true;
}

Type stacked_type(OnnxNode& n, const OnnxDraft& body, const Index& trip, const Type& slice) {
  Type type{slice.dtype, {trip}};
  for (const Index& size : slice.shape)
    type.shape.push_back(keeps_size(n, body, size) ? size
                                                   : Index::var(n.state().fresh_symbol("slices")));
  return type;
}

namespace {

[[noreturn]] void changes(OnnxNode& n, const OnnxKept& kept) {
  n.fail("carried value " + std::to_string(kept.number) + " is " + to_string(kept.before) +
             " before an iteration and " + to_string(kept.after.type()) + " after it",
         "a loop cannot carry values whose type or " +
             std::string(n.op() == "Loop" ? "rank" : "shape") + " changes");
}

}  // namespace

void need_rank(OnnxNode& n, const OnnxKept& kept) {
  const Type after = kept.after.type();
  if (after.dtype != kept.before.dtype || after.shape.size() != kept.before.shape.size())
    changes(n, kept);
}

namespace {

bool is_kept(const OnnxDraft& body, const OnnxKept& kept, size_t dim) {
  const Index apart = kept.after.shape()[dim] - kept.before.shape[dim];
  return body.state.graph.ranges().simplify(apart).is_const(0);
}

// Of another attempt, where that helps: the body may be taken as one that keeps the size. Throws.
void assume_kept(OnnxNode& n, OnnxDraft& body, const OnnxKept& kept, size_t dim) {
  if (!need_equal(body.state, kept.after.shape()[dim], kept.before.shape[dim],
                  "node '" + printable(n.proto().name()) + "' (" + n.op() + ")"))
    return;
  keep_findings(body.state);
  changes(n, kept);
}

}  // namespace

bool keeps_dimension(OnnxNode& n, OnnxDraft& body, const OnnxKept& kept, size_t dim) {
  if (is_kept(body, kept, dim)) return true;
  // What starts empty, or becomes what data say, is meant to change.
  const Index &before = kept.before.shape[dim], &after = kept.after.shape()[dim];
  const std::set<std::string>& bound = n.state().model_state().bound;
  const bool by_data = std::ranges::any_of(
      (after - before).vars(), [&](const std::string& name) { return bound.contains(name); });
  if (!by_data && !before.is_const(0)) assume_kept(n, body, kept, dim);
  return false;
}

Value kept_type(OnnxNode& n, OnnxDraft& body, const OnnxKept& kept) {
  need_rank(n, kept);
  for (size_t d = 0; d < kept.before.shape.size(); ++d) {
    if (is_kept(body, kept, d)) continue;
    assume_kept(n, body, kept, d);
    changes(n, kept);
  }
  return stretched(body.state.builder, kept.after, kept.before.shape);
}

Value with_rank(Builder& b, Value x, const Shape& of) {
  const auto is_one = [](const Index& size) { return size.is_const(1); };
  const bool both = std::ranges::all_of(x.shape(), is_one) && std::ranges::all_of(of, is_one);
  return both ? b.reshape(x, of) : x;
}

Value single(OnnxNode& n, Builder& b, Value x, std::string_view what) {
  for (const Index& size : x.shape())
    if (!size.is_const(1))
      n.fail(std::string(what) + " is " + to_string(x.type()) + ", it must be one value");
  return b.reshape(x, {});
}

}  // namespace mintor
