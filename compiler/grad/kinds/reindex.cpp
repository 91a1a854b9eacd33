// SPDX-License-Identifier: Apache-2.0
// reindex: what was read is added to where it was read from; where the map can be inverted the pass
// scatter_to_gather makes it a reindex.
//   y = reindex (x) [map]   ->   gx = reindex_reduce add (0, g) [map]
#include <map>

#include "compiler/grad/rule.h"

namespace mintor {

namespace {

bool is_zero(Value v) {
  if (v.node->kind == Kind::broadcast) return is_zero(v.node->operands[0]);
  if (v.node->kind != Kind::constant || !v.shape().empty()) return false;
  return v.node->as<ConstantAttr>().value.at(0).same_bits(Scalar::of_int(v.dtype(), 0));
}

// g as values that are written to loaded places of it, everything else being 0. Without loads the
// two are left apart: each may have an inverse where both together show none.
bool is_scatter(Value g) {
  if (g.node->kind != Kind::reindex_reduce || !is_zero(g.node->operands[0])) return false;
  const auto& attr = g.node->as<ReindexReduceAttr>();
  return attr.combiner == Combiner::add && !attr.map.loads.empty();
}

// Where the inner map writes, the outer one reads: written to where that was read from.
//   reindex_reduce (0, reindex_reduce (0, y) [l0]) [2*i0]   ->   reindex_reduce (0, y) [2*l0]
Value scatter_again(const Backward& at, Value into, Value g, const IndexMap& outer) {
  const Node& written = *g.node;
  IndexMap map = written.as<ReindexReduceAttr>().map;
  std::map<std::string, Index> places;
  for (size_t d = 0; d < map.coords.size(); ++d) {
    places["i" + std::to_string(d)] = map.coords[d];
    map.conditions.push_back({map.coords[d], g.shape()[d]});
  }
  map.coords.clear();
  for (const Index& e : outer.coords) map.coords.push_back(e.substitute(places));
  for (const IndexCondition& c : outer.conditions)
    map.conditions.push_back({c.value.substitute(places), c.extent.substitute(places)});
  const auto index = std::span(written.operands).subspan(2);
  return at.b.reindex_reduce(Combiner::add, into, written.operands[1], std::move(map), index);
}

}  // namespace

Gradients backward_reindex(const Backward& at) {
  const Value g = at.grad(), into = zeros(at.b, g.dtype(), at.operand().shape());
  const IndexMap& map = at.node.as<ReindexAttr>().map;
  Gradients grads(at.node.operands.size());
  // A load of the outer map outside of its operand would be an error where nothing is read.
  if (is_scatter(g) && map.loads.empty())
    grads[0] = scatter_again(at, into, g, map);
  else
    grads[0] = at.b.reindex_reduce(Combiner::add, into, g, shifted(map, 1),
                                   std::span(at.node.operands).subspan(1));
  return grads;
}

}  // namespace mintor
