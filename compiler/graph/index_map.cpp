// SPDX-License-Identifier: Apache-2.0
// Takes nodes and coordinates; gives maps and the nodes that have them.
// Keeps true: a plain map never leaves its operand, so its fill is never seen.
#include "compiler/graph/index_map.h"

#include "compiler/support/error.h"

namespace mintor {

std::string dim_name(size_t dim) { return "i" + std::to_string(dim); }

Index dim_index(size_t dim) { return Index::var(dim_name(dim)); }

Ranges ranges_over(const Graph& graph, const Shape& shape) {
  Ranges ranges = graph.ranges();
  for (size_t d = 0; d < shape.size(); ++d) ranges.set(dim_name(d), Index(0), shape[d] - 1);
  return ranges;
}

std::map<std::string, Index> index_values(const std::vector<Index>& values) {
  std::map<std::string, Index> map;
  for (size_t d = 0; d < values.size(); ++d) map[dim_name(d)] = values[d];
  return map;
}

bool proves_inside(const std::vector<Index>& coords, const Shape& shape, const Ranges& ranges) {
  for (size_t d = 0; d < coords.size(); ++d)
    if (!ranges.proves_nonnegative(coords[d]) || !ranges.proves_less(coords[d], shape[d]))
      return false;
  return true;
}

std::optional<size_t> dim_along(const std::vector<Index>& coords, const std::string& axis) {
  std::optional<size_t> found;
  for (size_t d = 0; d < coords.size(); ++d) {
    if (!coords[d].mentions(axis)) continue;
    if (found || coords[d].as_var() != axis) return std::nullopt;
    found = d;
  }
  return found;
}

std::optional<std::vector<Index>> plain_coords(const Node& node, const Graph& graph) {
  if (node.kind == Kind::broadcast) {
    std::vector<Index> coords;
    for (int32_t d : node.as<BroadcastAttr>().dims)
      coords.push_back(dim_index(static_cast<size_t>(d)));
    return coords;
  }
  if (node.kind != Kind::reindex) return std::nullopt;
  const IndexMap& map = node.as<ReindexAttr>().map;
  if (!map.loads.empty() || !map.conditions.empty()) return std::nullopt;
  const Ranges ranges = ranges_over(graph, node.results[0].shape);
  const Shape& from = node.operands[0].shape();
  for (size_t d = 0; d < from.size(); ++d)
    if (!ranges.proves_nonnegative(map.coords[d]) || !ranges.proves_less(map.coords[d], from[d]))
      return std::nullopt;
  return map.coords;
}

Traced trace(Value value, const Graph& graph) {
  Traced traced{value, {}};
  for (size_t d = 0; d < value.shape().size(); ++d) traced.coords.push_back(dim_index(d));
  while (const auto inner = plain_coords(*traced.value.node, graph)) {
    std::vector<Index> coords;
    for (const Index& c : *inner) {
      coords.push_back(c.substitute(index_values(traced.coords)));
      if (!coords.back().as_var() && !coords.back().is_const()) return traced;
    }
    traced = {traced.value.node->operands[0], std::move(coords)};
  }
  return traced;
}

std::optional<std::vector<int32_t>> as_transpose(const Node& node) {
  if (node.kind != Kind::reindex) return std::nullopt;
  const IndexMap& map = node.as<ReindexAttr>().map;
  const Shape& to = node.results[0].shape;
  if (!map.loads.empty() || !map.conditions.empty() || map.coords.size() != to.size())
    return std::nullopt;
  std::vector<int32_t> perm(to.size(), -1);
  for (size_t d = 0; d < to.size(); ++d)
    for (size_t r = 0; r < to.size(); ++r)
      if (map.coords[d] == dim_index(r) && to[r] == node.operands[0].shape()[d])
        perm[r] = static_cast<int32_t>(d);
  for (int32_t p : perm)
    if (p < 0) return std::nullopt;
  return perm;
}

bool moves_innermost(const Node& node) {
  const auto perm = as_transpose(node);
  return perm && !perm->empty() && perm->back() + 1 != static_cast<int32_t>(perm->size());
}

std::vector<int32_t> inverse(const std::vector<int32_t>& perm) {
  std::vector<int32_t> out(perm.size());
  for (size_t d = 0; d < perm.size(); ++d) out[perm[d]] = static_cast<int32_t>(d);
  return out;
}

bool is_identity(const std::vector<int32_t>& perm) {
  for (size_t d = 0; d < perm.size(); ++d)
    if (perm[d] != static_cast<int32_t>(d)) return false;
  return true;
}

std::vector<int32_t> with_innermost(size_t rank, size_t dim) {
  std::vector<int32_t> perm;
  for (size_t d = 0; d < rank; ++d)
    if (d != dim) perm.push_back(static_cast<int32_t>(d));
  perm.push_back(static_cast<int32_t>(dim));
  return perm;
}

// Every coordinate is a result index of the same extent, in ascending order.
static std::optional<std::vector<int32_t>> is_broadcast(const Shape& from, const Shape& to,
                                                        const std::vector<Index>& coords) {
  std::vector<int32_t> dims;
  for (size_t d = 0; d < coords.size(); ++d) {
    int32_t found = -1;
    for (size_t r = 0; r < to.size(); ++r)
      if (coords[d] == dim_index(r) && to[r] == from[d]) found = static_cast<int32_t>(r);
    if (found < 0 || (!dims.empty() && dims.back() >= found)) return std::nullopt;
    dims.push_back(found);
  }
  return dims;
}

Value plain_reindex(Builder& builder, Value x, const Shape& shape,
                    const std::vector<Index>& coords) {
  // Dimensions of size 1 say nothing: without them more maps are broadcasts.
  Shape kept;
  std::vector<Index> kept_coords;
  for (size_t d = 0; d < coords.size(); ++d)
    if (!(x.shape()[d].is_const(1) && coords[d].is_const(0))) {
      kept.push_back(x.shape()[d]);
      kept_coords.push_back(coords[d]);
    }
  if (kept.size() < coords.size() && is_broadcast(kept, shape, kept_coords))
    return plain_reindex(builder, builder.reshape(x, kept), shape, kept_coords);
  if (const auto dims = is_broadcast(x.shape(), shape, coords))
    return builder.broadcast(x, shape, *dims);
  IndexMap map;
  map.coords = coords;
  const Scalar fill =
      is_float(x.dtype()) ? Scalar::of(x.dtype(), 0.0) : Scalar::of_int(x.dtype(), 0);
  return builder.reindex(x, shape, map, fill);
}

}  // namespace mintor
