// SPDX-License-Identifier: Apache-2.0
// Moves transposes from operands to results, so that regions between convolutions keep one layout.
//   t = transpose (x); r = relu (t)   ->   r = transpose (relu (x))
// Through element-wise nodes, concats, reduces (which keep the order of their listed dimensions),
// windows, padding, and reads at computed places (an image resized). The other operands of an
// element-wise node or a concat get the inverse transpose, which costs nothing on broadcasts and
// meets its own kind.
#include <algorithm>

#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"

namespace mintor {
namespace {

using Perm = std::vector<int32_t>;

bool is_free_to_transpose(const Value& v, const Perm& perm) {
  if (v.node->kind == Kind::broadcast) return true;
  const auto own = as_transpose(*v.node);
  return own && *own == perm;
}

// v with its dimensions in the order that undoes `perm`.
Value undo(Builder& b, Value v, const Perm& perm) {
  if (const auto own = as_transpose(*v.node); own && *own == perm) return v.node->operands[0];
  if (v.node->kind == Kind::broadcast) {
    const Perm back = inverse(perm);
    Shape shape;
    for (int32_t d : back) shape.push_back(v.shape()[d]);
    std::vector<Index> coords;
    for (int32_t d : v.node->as<BroadcastAttr>().dims)
      coords.push_back(dim_index(static_cast<size_t>(perm[d])));
    return plain_reindex(b, v.node->operands[0], shape, coords);
  }
  return b.transpose(v, inverse(perm));
}

std::optional<std::vector<Value>> through_elementwise(Builder& b, const Node& old,
                                                      std::span<const Value> operands) {
  std::optional<Perm> perm;
  for (const Value& v : operands)
    if (!perm) perm = as_transpose(*v.node);
  if (!perm || is_identity(*perm)) return std::nullopt;
  // Worth it when at least half of the full operands have that layout already.
  size_t have = 0, full = 0;
  for (const Value& v : operands) {
    if (v.node->kind == Kind::broadcast) continue;
    ++full;
    have += is_free_to_transpose(v, *perm);
  }
  if (2 * have < full) return std::nullopt;
  std::vector<Value> inner;
  for (const Value& v : operands) inner.push_back(undo(b, v, *perm));
  Type type{old.results[0].dtype, inner[0].shape()};
  return std::vector<Value>{b.transpose(b.node(old.kind, old.attr, inner, {&type, 1})[0], *perm)};
}

// Parts that lie in one layout are put side by side in it.
std::optional<std::vector<Value>> through_concat(Builder& b, const Node& old,
                                                 std::span<const Value> operands) {
  std::optional<Perm> perm;
  for (const Value& v : operands)
    if (!perm) perm = as_transpose(*v.node);
  if (!perm || is_identity(*perm)) return std::nullopt;
  size_t have = 0;
  for (const Value& v : operands) have += is_free_to_transpose(v, *perm);
  if (2 * have < operands.size()) return std::nullopt;
  std::vector<Value> inner;
  for (const Value& v : operands) inner.push_back(undo(b, v, *perm));
  const int32_t dim = (*perm)[old.as<ConcatAttr>().dim];
  return std::vector<Value>{b.transpose(b.concat(inner, dim), *perm)};
}

std::optional<std::vector<Value>> through_reduce(Builder& b, const Node& old,
                                                 std::span<const Value> operands) {
  const auto perm = as_transpose(*operands[0].node);
  if (!perm || operands.size() != 1) return std::nullopt;
  ReduceAttr attr = old.as<ReduceAttr>();
  std::vector<bool> reduced(perm->size(), false);
  for (int32_t& d : attr.dims) {
    reduced[d] = true;
    d = (*perm)[d];
  }
  // Kept dimensions: result position among the outer ones -> position among the inner ones.
  std::vector<int32_t> rank_inside(perm->size(), 0);
  std::vector<bool> reduced_inside(perm->size(), false);
  for (int32_t d : attr.dims) reduced_inside[d] = true;
  for (size_t d = 0, n = 0; d < perm->size(); ++d)
    if (!reduced_inside[d]) rank_inside[d] = static_cast<int32_t>(n++);
  Perm outer;
  for (size_t d = 0; d < perm->size(); ++d)
    if (!reduced[d]) outer.push_back(rank_inside[(*perm)[d]]);
  const Value x = operands[0].node->operands[0];
  Type type{old.results[0].dtype, {}};
  for (size_t d = 0; d < perm->size(); ++d)
    if (!reduced_inside[d]) type.shape.push_back(x.shape()[d]);
  const Value y = b.node(Kind::reduce, attr, {&x, 1}, {&type, 1})[0];
  return std::vector<Value>{is_identity(outer) ? y : b.transpose(y, outer)};
}

// Windows, padding and reads at computed places leave the innermost dimension of x alone: it
// becomes the innermost of the result.
std::optional<std::vector<Value>> through_reindex(Builder& b, const Node& old,
                                                  std::span<const Value> operands) {
  const auto perm = as_transpose(*operands[0].node);
  const auto& attr = old.as<ReindexAttr>();
  if (!perm || as_transpose(old)) return std::nullopt;
  const Value x = operands[0].node->operands[0];
  const size_t last = x.shape().size() - 1;
  if (last == 0) return std::nullopt;
  size_t outer_dim = 0;
  while (static_cast<size_t>((*perm)[outer_dim]) != last) ++outer_dim;
  const Shape& shape = old.results[0].shape;
  std::optional<size_t> moved;
  for (size_t r = 0; r < shape.size(); ++r)
    if (attr.map.coords[outer_dim] == dim_index(r) && shape[r] == x.shape()[last]) moved = r;
  if (!moved || *moved == shape.size() - 1) return std::nullopt;
  const auto follows = [&](const Index& e) { return e.mentions(dim_name(*moved)); };
  for (size_t d = 0; d < attr.map.coords.size(); ++d)
    if (d != outer_dim && follows(attr.map.coords[d])) return std::nullopt;
  for (const IndexLoad& load : attr.map.loads)
    if (std::ranges::any_of(load.coords, follows)) return std::nullopt;

  // Inner result dimension d is outer result dimension inner[d].
  const Perm inner = with_innermost(shape.size(), *moved);
  const Perm back = inverse(inner);
  std::vector<Index> renamed;
  for (size_t r = 0; r < shape.size(); ++r)
    renamed.push_back(dim_index(static_cast<size_t>(back[r])));
  const auto values = index_values(renamed);
  IndexMap map;
  for (const IndexLoad& load : attr.map.loads) {
    map.loads.push_back({load.operand, {}});
    for (const Index& e : load.coords) map.loads.back().coords.push_back(e.substitute(values));
  }
  map.coords.resize(last + 1);
  for (size_t d = 0; d < attr.map.coords.size(); ++d)
    map.coords[(*perm)[d]] = attr.map.coords[d].substitute(values);
  for (const IndexCondition& c : attr.map.conditions)
    map.conditions.push_back({c.value.substitute(values), c.extent});
  Shape inner_shape;
  for (int32_t r : inner) inner_shape.push_back(shape[r]);
  const Value y = b.reindex(x, inner_shape, map, attr.fill, operands.subspan(1));
  return std::vector<Value>{b.transpose(y, back)};
}

Graph run(CompileContext&, const Graph& graph) {
  return rewrite(graph,
                 [](Builder& b, const Node& old,
                    std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   switch (old.kind) {
                     case Kind::unary:
                     case Kind::binary:
                     case Kind::ternary:
                     case Kind::cast:
                       return through_elementwise(b, old, operands);
                     case Kind::concat:
                       return through_concat(b, old, operands);
                     case Kind::reduce:
                       return through_reduce(b, old, operands);
                     case Kind::reindex: {
                       // Two transposes in a row: one, or none.
                       const auto outer = as_transpose(old),
                                  inner = as_transpose(*operands[0].node);
                       if (outer && inner) {
                         Perm both;
                         for (int32_t d : *outer) both.push_back((*inner)[d]);
                         const Value x = operands[0].node->operands[0];
                         return std::vector<Value>{is_identity(both) ? x : b.transpose(x, both)};
                       }
                       return through_reindex(b, old, operands);
                     }
                     default:
                       return std::nullopt;
                   }
                 });
}

}  // namespace

extern const GraphPass pass_sink_transpose;
const GraphPass pass_sink_transpose = {"sink_transpose",
                                       "moves transposes from operands to results", run};

}  // namespace mintor
