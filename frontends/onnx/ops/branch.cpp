// SPDX-License-Identifier: Apache-2.0
// ONNX If.
// Takes a condition and two sub-graphs; gives the branch that is taken where that is known, else a
// node `if` whose regions take what either branch captures.
// Keeps true: outputs of both branches have one type; sizes that differ become a symbol that the
// run binds to the size of the branch that it takes, before it does where both are known there, or
// else behind it; sequences are of one length; a branch that
// cannot be at the sizes that the user gives, beside one that can, is no reason to refuse the
// model, and a run that takes it ends.
#include <array>

#include "compiler/ir/broadcast.h"
#include "compiler/ir/sizes_differ.h"
#include "compiler/support/error.h"
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

// What both branches give, and what is made of it.
struct Branches {
  OnnxNode& n;
  Value condition;
  OnnxDraft &then, &other;
  std::vector<Value> then_results, else_results;
  std::vector<Type> types;          // of the results
  std::vector<OnnxValue*> outputs;  // that get the results

  void add_value(size_t i, const OnnxValue& p, const OnnxValue& q, OnnxValue& out);
  void add(size_t i, const OnnxValue& p, const OnnxValue& q, OnnxValue& out);
};

Value node_of(OnnxDraft& draft, const OnnxValue& v) {
  return v.value ? v.value : materialise(draft.state.builder, *v.known);
}

// Output i of both branches, with one type.
void Branches::add_value(size_t i, const OnnxValue& p, const OnnxValue& q, OnnxValue& out) {
  Value x = node_of(then, p), y = node_of(other, q);
  if (x.shape().size() > y.shape().size()) x = with_rank(then.state.builder, x, y.shape());
  if (y.shape().size() > x.shape().size()) y = with_rank(other.state.builder, y, x.shape());
  if (x.dtype() != y.dtype() || x.shape().size() != y.shape().size() || p.element != q.element)
    branches_differ(n, n.in(0),
                    "output " + std::to_string(i) + " of its branches is " + to_string(x.type()) +
                        " and " + to_string(y.type()));
  OnnxDraft* const drafts[] = {&then, &other};
  Shape shape, then_shape, else_shape;
  for (size_t d = 0; d < x.shape().size(); ++d) {
    const Index &p = x.shape()[d], &q = y.shape()[d];
    const bool known = keeps_size(n, then, p) && keeps_size(n, other, q);
    shape.push_back(known ? common_size_of(n, condition, p, q, drafts)
                          : Index::var(n.state().fresh_symbol("taken")));
    then_shape.push_back(known ? shape[d] : p);
    else_shape.push_back(known ? shape[d] : q);
  }
  types.push_back({x.dtype(), std::move(shape)});
  then_results.push_back(stretched(then.state.builder, x, then_shape));
  else_results.push_back(stretched(other.state.builder, y, else_shape));
  out.element = p.element;
  outputs.push_back(&out);
}

// Sequences are as many values, if they are of one length.
void Branches::add(size_t i, const OnnxValue& p, const OnnxValue& q, OnnxValue& out) {
  if (same_known(p, q)) {
    out.known = p.known;
  } else if (p.absent && q.absent) {
    out.absent = true;
  } else if (p.items && q.items && p.items->size() == q.items->size()) {
    auto items = std::make_shared<std::vector<OnnxValue>>(p.items->size());
    out.items = items;
    for (size_t k = 0; k < items->size(); ++k) add(i, (*p.items)[k], (*q.items)[k], (*items)[k]);
  } else if (p.items || q.items || p.absent || q.absent) {
    n.fail("output " + std::to_string(i) +
           " of its branches is a sequence or optional, of how many items is not known when "
           "compiling");
  } else {
    add_value(i, p, q, out);
  }
}

using Drafts = std::array<std::unique_ptr<OnnxDraft>, 2>;

// The branches as regions. One that fails, and of which another attempt would know no more, becomes
// a region that ends the run, where the model may have such.
Drafts import_branches(OnnxNode& n) {
  constexpr std::array<std::string_view, 2> kNames = {"then_branch", "else_branch"};
  OnnxState& model = n.state().model_state();
  Drafts drafts;
  std::optional<CompileError> failure;
  for (size_t i = 0; i < 2; ++i) {
    const size_t known = model.findings();
    try {
      drafts[i] = import_region(n, kNames[i], {});
    } catch (const CompileError& error) {
      if (!model.branches_may_end || failure || model.findings() > known) throw;
      failure = error;
    }
  }
  if (!failure) return drafts;
  const size_t failed = drafts[0] ? 1 : 0;
  const std::string& name = n.proto().name();
  const std::string reason = place_of(*failure) + " in node " +
                             (name.empty() ? "" : "'" + printable(name) + "' ") +
                             "(If): " + failure->problem();
  drafts[failed] = region_that_ends(n, kNames[failed], reason, *drafts[1 - failed]);
  model.ends.push_back("a run that takes this " + std::string(kNames[failed]) + " ends: " + reason);
  return drafts;
}

void branch(OnnxNode& n) {
  n.need_inputs(1, 1);
  const onnx::GraphProto &then_graph = graph_of(n, "then_branch"),
                         &else_graph = graph_of(n, "else_branch");
  for (const onnx::GraphProto* graph : {&then_graph, &else_graph})
    if (static_cast<size_t>(graph->output_size()) != n.outputs())
      n.fail("a branch has " + std::to_string(graph->output_size()) + " outputs, the node " +
             std::to_string(n.outputs()));
  const Known* k = n.known(0);
  if (k && k->items.size() == 1 && k->items[0].is_const()) {
    n.results() = import_here(n, k->items[0].value() != 0 ? then_graph : else_graph);
    return;
  }
  const Value condition = single(n, n.builder(), n.in(0), "the condition");
  const auto [then, other] = import_branches(n);
  Branches both{n, condition, *then, *other, {}, {}, {}, {}};
  for (size_t i = 0; i < n.outputs(); ++i)
    both.add(i, then->outputs[i], other->outputs[i], n.results()[i]);
  if (both.outputs.empty()) return;
  const std::vector<Value> captured =
      captured_by({{then.get(), both.then_results}, {other.get(), both.else_results}});
  RegionAttr attr;
  attr.regions = {region_of(*then, ports_of(*then, captured), both.then_results),
                  region_of(*other, ports_of(*other, captured), both.else_results)};
  std::vector<Value> operands{condition};
  operands.insert(operands.end(), captured.begin(), captured.end());
  const std::vector<Value> made = n.builder().node(Kind::if_, attr, operands, both.types);
  for (size_t i = 0; i < made.size(); ++i) both.outputs[i]->value = n.state().folded(made[i]);
}

constexpr OnnxOp kOps[] = {
    {"If", 1, 0, branch, "bool", "if, or the nodes of the branch that is taken"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_branch;
const OnnxOpGroup onnx_ops_branch{kOps};

}  // namespace mintor
