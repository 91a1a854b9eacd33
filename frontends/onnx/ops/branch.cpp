// SPDX-License-Identifier: Apache-2.0
// ONNX If.
// Takes a condition and two sub-graphs; gives the branch that is taken where that is known, else a
// node `if` whose regions take what either branch captures.
// Keeps true: outputs of both branches have one type; sizes that differ become a symbol that the
// run binds to the size of the branch that it takes.
#include "compiler/ir/broadcast.h"
#include "compiler/ir/sizes_differ.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/region.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

bool same_known(const OnnxValue& x, const OnnxValue& y) {
  return x.known && y.known && x.known->dtype == y.known->dtype &&
         x.known->shape == y.known->shape && x.known->items == y.known->items &&
         x.known->denominator == y.known->denominator;
}

// One size of an output: that of both branches, or a symbol that is bound to the one that is taken.
Index common_size_of(OnnxNode& n, Value condition, const Index& x, const Index& y,
                     std::span<OnnxDraft* const> drafts) {
  OnnxState& state = n.state();
  if (state.graph.ranges().simplify(x - y).is_const(0)) return x;
  Builder& b = n.builder();
  const Value size = b.apply(ScalarOp::where, {condition, b.size(x), b.size(y)});
  const std::string name = state.fresh_symbol("taken");
  b.bind(size, name, 0, -1);
  for (OnnxDraft* draft : drafts) draft->state.graph.add_symbol(*state.graph.find_symbol(name));
  return Index::var(name);
}

// Where the condition says whether two sizes are equal, taking them as equal makes it known: the
// import starts again with that. Otherwise the model is refused.
[[noreturn]] void branches_differ(OnnxNode& n, Value condition, const std::string& problem) {
  const auto found = n.state().equations.find(key_of(condition));
  if (found == n.state().equations.end()) n.fail(problem);
  const auto& [x, y] = found->second;
  throw SizesDiffer("If", problem + ", and it depends on whether " + x.str() + " is " + y.str(), x,
                    y, "", "fix these sizes with --shape");
}

// Output i of both branches, with one type.
std::pair<Value, Value> unified(OnnxNode& n, Value condition, size_t i, OnnxDraft& then,
                                OnnxDraft& other) {
  const auto differ = [&](const std::string& problem) {
    branches_differ(n, n.in(0), "output " + std::to_string(i) + " of its branches " + problem);
  };
  Value x = then.output(i), y = other.output(i);
  keep_sizes(n, then, x.type());
  keep_sizes(n, other, y.type());
  const std::string types = to_string(x.type()) + " and " + to_string(y.type());
  if (x.dtype() != y.dtype() || x.shape().size() != y.shape().size()) differ("is " + types);
  OnnxDraft* const drafts[] = {&then, &other};
  Shape shape;
  for (size_t d = 0; d < x.shape().size(); ++d)
    shape.push_back(common_size_of(n, condition, x.shape()[d], y.shape()[d], drafts));
  return {stretched(then.state.builder, x, shape), stretched(other.state.builder, y, shape)};
}

void branch(OnnxNode& n) {
  n.need_inputs(1, 1);
  const onnx::GraphProto &then_graph = graph_of(n, "then_branch"),
                         &else_graph = graph_of(n, "else_branch");
  for (const onnx::GraphProto* graph : {&then_graph, &else_graph})
    if (static_cast<size_t>(graph->output_size()) != n.outputs())
      n.fail("a branch has " + std::to_string(graph->output_size()) + " outputs, the node " +
             std::to_string(n.outputs()));
  if (n.dtype(0) != DType::boolean)
    n.fail("the condition is " + std::string(name_of(n.dtype(0))) + ", it must be bool");
  const Known* k = n.known(0);
  if (k && k->items.size() == 1 && k->items[0].is_const()) {
    n.results() = import_here(n, k->items[0].value() != 0 ? then_graph : else_graph);
    return;
  }
  const Value condition = single(n, n.builder(), n.in(0), "the condition");
  const auto then = import_region(n, "then_branch", {}),
             other = import_region(n, "else_branch", {});
  std::vector<Value> then_results, else_results;
  std::vector<size_t> outputs;
  for (size_t i = 0; i < n.outputs(); ++i) {
    if (same_known(then->outputs[i], other->outputs[i])) {
      n.out(i, *then->outputs[i].known);
      continue;
    }
    const auto [x, y] = unified(n, condition, i, *then, *other);
    then_results.push_back(x);
    else_results.push_back(y);
    outputs.push_back(i);
  }
  if (outputs.empty()) return;
  const std::vector<Value> captured =
      captured_by({{then.get(), then_results}, {other.get(), else_results}});
  const std::vector<Value> made = n.builder().if_(
      condition, captured, region_of(*then, ports_of(*then, captured), then_results),
      region_of(*other, ports_of(*other, captured), else_results));
  for (size_t i = 0; i < outputs.size(); ++i) n.out(outputs[i], made[i]);
}

constexpr OnnxOp kOps[] = {
    {"If", 1, 0, branch, "if, or the nodes of the branch that is taken"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_branch;
const OnnxOpGroup onnx_ops_branch{kOps};

}  // namespace mintor
