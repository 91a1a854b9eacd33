// SPDX-License-Identifier: Apache-2.0
// Sets the Order of every reduce, scan and contract: from here on the bits are decided.
//   s = reduce add (x) dims [1]   ->   s = reduce add (x) dims [1] order lanes(4096)
// Takes any Graph; gives a frozen one. The rule is default_order (docs/numerics.md).
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/evaluate.h"

namespace mintor {

static Graph ordered(const Graph& graph) {
  return rewrite(graph,
                 [](Builder& b, const Node& old,
                    std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   Attr attr = old.attr;
                   if (auto* r = std::get_if<ReduceAttr>(&attr))
                     r->order = r->order.form == Order::Form::unset ? default_order(old) : r->order;
                   else if (auto* s = std::get_if<ScanAttr>(&attr))
                     s->reduce.order = default_order(old);
                   else if (auto* c = std::get_if<Contract>(&attr))
                     c->order = c->order.form == Order::Form::unset ? default_order(old) : c->order;
                   else if (auto* regions = std::get_if<RegionAttr>(&attr))
                     for (auto& region : regions->regions)
                       region = std::make_shared<const Graph>(ordered(*region));
                   else
                     return std::nullopt;
                   return b.node(old.kind, attr, operands, old.results);
                 });
}

static Graph run(CompileContext&, const Graph& graph) { return ordered(graph); }

extern const GraphPass pass_order;
const GraphPass pass_order = {"order", "decides the order of every sum", run};

}  // namespace mintor
