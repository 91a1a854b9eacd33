// SPDX-License-Identifier: Apache-2.0
// Takes a group; gives its kernel as plain loops, a nest per materialised value.
// Keeps true: the order of every sum is its node's; names are unique in the kernel.
#include "compiler/loop/lower.h"

#include <algorithm>
#include <memory>

#include "compiler/loop/lower_nest.h"
#include "compiler/support/error.h"

namespace mintor {

Ranges NestContext::ranges(const std::vector<LoopAxis>& axes) const {
  Ranges ranges = symbols;
  for (const LoopAxis& axis : axes) ranges.set(axis.var, Index(0), axis.extent - 1);
  return ranges;
}

Stmt wrap(const std::vector<LoopAxis>& axes, Stmt body) {
  for (size_t n = axes.size(); n-- > 0;)
    body = k::loop(axes[n].var, 0, axes[n].extent, body, LoopKind::serial, axes[n].origin);
  return body;
}

std::vector<Index> vars_of(const std::vector<LoopAxis>& axes) {
  std::vector<Index> vars;
  for (const LoopAxis& axis : axes) vars.push_back(Index::var(axis.var));
  return vars;
}

std::vector<Index> extents_of(const std::vector<LoopAxis>& axes) {
  std::vector<Index> extents;
  for (const LoopAxis& axis : axes) extents.push_back(axis.extent);
  return extents;
}

std::vector<Index> unflattened(const Ranges& ranges, const Index& position,
                               const std::vector<Index>& extents) {
  std::vector<Index> at(extents.size());
  Index rest = position;
  for (size_t n = extents.size(); n-- > 0;) {
    if (extents[n].is_const(0)) continue;  // there are no positions
    at[n] = ranges.simplify(n == 0 ? rest : mod(rest, extents[n]));
    if (n > 0) rest = floordiv(rest, extents[n]);
  }
  return at;
}

std::string axis_name(const std::string& value, size_t dim) {
  return value + "_" + std::to_string(dim) + "i";
}

std::vector<LoopAxis> axes_of(const NestContext& ctx, const Value& v) {
  std::vector<LoopAxis> axes;
  const std::string name = value_name(ctx.graph, v);
  for (size_t d = 0; d < v.shape().size(); ++d)
    axes.push_back({axis_name(name, d), v.shape()[d], {LoopRole::out, "", {}}});
  return axes;
}

Stmt with_lets(NestContext& ctx, std::vector<Stmt> last) {
  std::vector<Stmt> body = ctx.exprs.take_lets();
  body.insert(body.end(), last.begin(), last.end());
  return k::block(std::move(body));
}

Stmt nest_elementwise(NestContext& ctx, const Value& v) {
  const std::vector<LoopAxis> axes = axes_of(ctx, v);
  ctx.exprs.begin(ctx.ranges(axes));
  const std::vector<Index> vars = vars_of(axes);
  Expr value = ctx.exprs.computed(v, vars);
  return wrap(axes, with_lets(ctx, {k::store(value_name(ctx.graph, v), vars, value)}));
}

Stmt nest_together(NestContext& ctx, std::span<const Value> values) {
  const std::vector<LoopAxis> axes = axes_of(ctx, ctx.group.outputs.front());
  ctx.exprs.begin(ctx.ranges(axes));
  const std::vector<Index> vars = vars_of(axes);
  std::vector<Stmt> stores;
  for (const Value& v : values)
    stores.push_back(k::store(value_name(ctx.graph, v), vars, ctx.exprs.held(v, vars)));
  return wrap(axes, with_lets(ctx, std::move(stores)));
}

namespace {

Param param_of(const Graph& graph, const Value& v, bool written) {
  Param param;
  param.name = value_name(graph, v);
  param.dtype = v.dtype();
  param.shape = v.shape();
  param.written = written;
  // The caller's own arrays promise no more than their element's alignment; all others start a
  // 64-byte line.
  const bool ours = v.node->kind != Kind::input && !written;
  param.alignment = ours ? 64 : size_of(v.dtype());
  return param;
}

Stmt nest_of(NestContext& ctx, const Value& v) {
  switch (v.node->kind) {
    case Kind::reduce:
      return nest_reduce(ctx, *v.node);
    case Kind::scan:
      return nest_scan(ctx, *v.node);
    case Kind::sort:
      return nest_sort(ctx, *v.node);
    case Kind::reindex_reduce:
      return nest_reindex_reduce(ctx, *v.node);
    case Kind::contract:
      return nest_contract(ctx, *v.node);
    case Kind::code:
      return nest_code(ctx, *v.node);
    default:
      return ctx.group.placed.empty() ? nest_elementwise(ctx, v) : nest_parts(ctx, v);
  }
}

// Memory of the kernel's own for a value.
Stmt kept(const Graph& graph, const Value& v) {
  return k::alloc(value_name(graph, v), v.dtype(), v.shape(), Space::local);
}

// Element-wise values, stored by one kernel.
bool stored_together(const Group& group) {
  return group.outputs.size() > 1 && group.outputs[0].node != group.outputs[1].node;
}

constexpr size_t kMostComment = 150;  // characters

// One line that says what a kernel means: its outputs and the functions on the way.
std::string computes(const Graph& graph, const Group& group) {
  std::string line;
  for (const Value& v : group.outputs) line += (line.empty() ? "" : ", ") + value_name(graph, v);
  line += " =";
  for (const Node* node : group.nodes) {
    if (node->kind == Kind::constant) continue;
    std::string word(name_of(node->kind));
    if (auto* op = std::get_if<ScalarAttr>(&node->attr)) word = std::string(name_of(op->op));
    if (auto* r = std::get_if<ReduceAttr>(&node->attr))
      word += "." + std::string(name_of(r->combiner));
    if (line.size() + word.size() > kMostComment) {
      line += " ...";
      break;
    }
    line += " " + word;
  }
  line += " of";
  for (const Value& v : group.inputs) {
    if (line.size() > kMostComment) return line + " ...";
    line += " " + value_name(graph, v);
  }
  return line;
}

// The nests of a group's materialised values, what the kernel keeps before its nest.
void append_nests(const Graph& graph, const Group& group, ExprLowering& exprs,
                  std::vector<Stmt>& body) {
  NestContext ctx{graph, group, exprs, graph.ranges()};
  const auto is_output = [&](const Value& v) {
    return std::find(group.outputs.begin(), group.outputs.end(), v) != group.outputs.end();
  };
  // A contract computes its group's outputs in its own nest: they are its tails.
  const bool has_contract = std::any_of(group.nodes.begin(), group.nodes.end(),
                                        [](const Node* n) { return n->kind == Kind::contract; });
  const Node* last = nullptr;
  const bool together = stored_together(group);
  if (together) body.push_back(nest_together(ctx, group.materialised));
  for (const Value& v : group.materialised) {
    if (together || v.node == last) continue;  // all results of a node come from one nest
    if (has_contract && v.node->kind != Kind::contract) continue;
    last = v.node;
    for (int32_t r = 0; r < static_cast<int32_t>(v.node->results.size()); ++r) {
      const Value result{v.node, r};
      if (!has_contract && !is_output(result)) body.push_back(kept(graph, result));
    }
    body.push_back(nest_of(ctx, v));
  }
}

// The stages one after the other, as wholes: schedules compute them where they are wanted.
void append_stages(const Graph& graph, const Group& group, std::vector<Stmt>& body) {
  std::unique_ptr<ExprLowering> before;
  for (const Group& stage : group.stages) {
    auto exprs = std::make_unique<ExprLowering>(graph, stage, before.get());
    if (&stage != &group.stages.back())
      for (const Value& v : stage.outputs) body.push_back(kept(graph, v));
    append_nests(graph, stage, *exprs, body);
    before = std::move(exprs);
  }
}

}  // namespace

Kernel lower(const Graph& graph, const Group& group) {
  Kernel kernel;
  kernel.name = group.name;
  kernel.because = group.because;
  kernel.computes = computes(graph, group);
  for (const Value& v : group.inputs) kernel.params.push_back(param_of(graph, v, false));
  for (const Value& v : group.outputs) kernel.params.push_back(param_of(graph, v, true));
  for (const Symbol& s : graph.symbols())
    kernel.symbols.push_back(
        {s.name, s.lo, graph.ranges().upper(Index::var(s.name)).value_or(s.hi), s.divisor});

  std::vector<Stmt> body;
  if (group.stages.empty()) {
    ExprLowering exprs(graph, group);
    append_nests(graph, group, exprs, body);
  } else {
    append_stages(graph, group, body);
  }
  kernel.body = k::block(std::move(body));
  // Only the symbols it mentions are parameters.
  std::erase_if(kernel.symbols, [&](const SymbolParam& s) {
    bool used = false;
    const auto look = [&](const Index& e) {
      used = used || e.mentions(s.name);
      return e;
    };
    map_indices(kernel.body, look);
    for (const Param& p : kernel.params)
      for (const Index& e : p.shape) look(e);
    return !used;
  });
  return kernel;
}

}  // namespace mintor
