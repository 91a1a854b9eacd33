// SPDX-License-Identifier: Apache-2.0
// Pools with the channel innermost, so that its 16-lane blocks are vectors: along a line, lanes
// would be taps, each at a place and a border of its own.
//| w = reindex (x[b, c, m0 + i0, m1 + i1])      xt = transpose (x)
//| y = reduce (w) over i0, i1             ->    wt = reindex (xt[b, m0 + i0, m1 + i1, c])
//|                                              y = transpose (reduce (wt) over i0, i1)
// Takes reductions of windows that move along the last dimension. Only index nodes are added, and
// the order of a reduction is over the reduced dimensions: bits stay.
#include <algorithm>

#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"

namespace mintor {
namespace {

constexpr int64_t kFewestChannels = 8;  // a vector of them

bool is_reduced(const ReduceAttr& reduce, size_t d) {
  return std::ranges::count(reduce.dims, static_cast<int32_t>(d)) > 0;
}

// The dimension of the channels in what the windows read, and in the windows.
struct Channels {
  size_t read = 0, window = 0;
};
std::optional<Channels> channels_of(const Node& windows, const ReduceAttr& reduce) {
  const std::vector<Index>& coords = windows.as<ReindexAttr>().map.coords;
  const Shape &shape = windows.results[0].shape, &read = windows.operands[0].shape();
  const auto mentions = [&](bool reduced) {
    for (size_t d = 0; d < shape.size(); ++d)
      if (is_reduced(reduce, d) == reduced && coords.back().mentions(dim_name(d))) return true;
    return false;
  };
  if (coords.empty() || !mentions(true) || !mentions(false)) return std::nullopt;
  std::optional<Channels> found;  // the last one
  for (size_t d = 0; d < shape.size(); ++d) {
    const auto along = dim_along(coords, dim_name(d));
    if (is_reduced(reduce, d) || !along || (found && *along < found->read)) continue;
    if (!read[*along].is_const() || read[*along].value() < kFewestChannels) continue;
    if (shape[d] == read[*along]) found = Channels{*along, d};
  }
  return found;
}

std::optional<std::vector<Value>> pooled(Builder& b, const Node& old,
                                         std::span<const Value> operands) {
  if (old.kind != Kind::reduce || operands.size() != 1) return std::nullopt;
  const Node& windows = *operands[0].node;
  if (windows.kind != Kind::reindex || windows.operands.size() != 1) return std::nullopt;
  ReduceAttr reduce = old.as<ReduceAttr>();
  const auto channels = channels_of(windows, reduce);
  if (!channels) return std::nullopt;
  const Shape& given = windows.results[0].shape;
  // Places, channels, what is reduced.
  std::vector<size_t> order;
  for (size_t d = 0; d < given.size(); ++d)
    if (!is_reduced(reduce, d) && d != channels->window) order.push_back(d);
  order.push_back(channels->window);
  const size_t kept = order.size();
  for (const int32_t d : reduce.dims) order.push_back(static_cast<size_t>(d));
  ReindexAttr attr = windows.as<ReindexAttr>();
  std::map<std::string, Index> names;
  Shape shape, out;
  std::vector<int32_t> perm(kept);  // of the results
  for (size_t n = 0; n < order.size(); ++n) {
    names[dim_name(order[n])] = Index::var(dim_name(n));
    shape.push_back(given[order[n]]);
    if (n >= kept) {
      reduce.dims[n - kept] = static_cast<int32_t>(n);
      continue;
    }
    out.push_back(shape.back());
    perm[n] = static_cast<int32_t>(
        std::ranges::count_if(order.begin(), order.begin() + static_cast<ptrdiff_t>(kept),
                              [&](size_t d) { return d < order[n]; }));
  }
  std::vector<Index> coords;
  const std::vector<int32_t> turn = with_innermost(attr.map.coords.size(), channels->read);
  for (const int32_t d : turn)
    coords.push_back(attr.map.coords[static_cast<size_t>(d)].substitute(names));
  attr.map.coords = coords;
  for (IndexCondition& c : attr.map.conditions)
    c = {c.value.substitute(names), c.extent.substitute(names)};
  const Value read = b.reindex(b.transpose(windows.operands[0], turn), shape, attr.map, attr.fill);
  const Value sums = b.node(Kind::reduce, reduce, std::array{read},
                            std::array{Type{old.results[0].dtype, out}})[0];
  return std::vector<Value>{b.transpose(sums, inverse(perm))};
}

Graph run(CompileContext&, const Graph& graph) { return rewrite(graph, pooled); }

}  // namespace

extern const GraphPass pass_pool_channels_last;
const GraphPass pass_pool_channels_last = {"pool_channels_last",
                                           "puts the channels of pools innermost", run};

}  // namespace mintor
