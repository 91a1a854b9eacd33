// SPDX-License-Identifier: Apache-2.0
// Index nodes of the Builder: broadcast, transpose, reshape, slice, pad and gather as index maps.
// Keeps true: an operation that changes nothing returns its operand; maps are simplified with the
// ranges of the index and of the symbols, so that the usual reshapes come out as plain variables;
// so are sizes, which are compared by their form later (2*(h // 2) is h where h is even).
#include <algorithm>
#include <utility>

#include "compiler/ir/broadcast.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/derive.h"
#include "compiler/ir/sizes_differ.h"
#include "compiler/support/index_poly.h"

namespace mintor {

namespace {

Index axis(size_t d) { return Index::var("i" + std::to_string(d)); }

// The ranges of the symbols and of i0.. over `shape`.
Ranges ranges_over(const Graph& graph, const Shape& shape) {
  Ranges ranges = graph.ranges();
  for (size_t d = 0; d < shape.size(); ++d)
    ranges.set("i" + std::to_string(d), Index(0), shape[d] - 1);
  return ranges;
}

[[noreturn]] void fail(const Builder& b, const char* op, std::string problem,
                       std::string help = "") {
  throw CompileError(op, std::move(problem), b.scope(), std::move(help));
}

// Sizes in the form that the ranges of the symbols give them.
Shape simple(const Graph& graph, Shape shape) {
  for (Index& extent : shape) extent = graph.ranges().simplify(extent);
  return shape;
}

// One group of a reshape: operand dimensions xs and result dimensions ys with the same number of
// elements.
void reshape_group(const Shape& from, std::span<const size_t> xs, const Shape& to,
                   std::span<const size_t> ys, const Ranges& ranges, std::vector<Index>& coords) {
  if (xs.size() == 1 && ys.size() == 1) {
    coords[xs[0]] = axis(ys[0]);
    return;
  }
  Index flat = 0;
  for (size_t d : ys) flat = flat * to[d] + axis(d);
  Index stride = 1;
  for (size_t n = xs.size(); n-- > 0;) {
    const size_t d = xs[n];
    Index coord = floordiv(flat, stride);
    if (n > 0) coord = mod(coord, from[d]);
    coords[d] = ranges.simplify(coord);
    stride = stride * from[d];
  }
}

std::vector<size_t> dims_not_one(const Shape& shape) {
  std::vector<size_t> dims;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (!shape[d].is_const(1)) dims.push_back(d);
  }
  return dims;
}

// Cuts both shapes where their prefix products agree; the coordinates of each piece need only that
// piece's variables.
std::vector<Index> reshape_coords(const Graph& graph, const Shape& from, const Shape& to) {
  const Ranges ranges = ranges_over(graph, to);
  std::vector<Index> coords(from.size(), Index(0));
  const std::vector<size_t> xs = dims_not_one(from), ys = dims_not_one(to);
  size_t x0 = 0, y0 = 0;
  while (x0 < xs.size()) {
    size_t x1 = xs.size(), y1 = ys.size();
    Index px = 1;
    for (size_t i = x0; i < xs.size() && x1 == xs.size(); ++i) {
      px = ranges.simplify(px * from[xs[i]]);
      Index py = 1;
      for (size_t j = y0; j < ys.size(); ++j) {
        py = ranges.simplify(py * to[ys[j]]);
        if (!(py == px)) continue;
        if (i + 1 == xs.size() && j + 1 != ys.size())
          continue;  // what is left belongs to the last piece
        x1 = i + 1;
        y1 = j + 1;
        break;
      }
    }
    reshape_group(from, std::span(xs).subspan(x0, x1 - x0), to, std::span(ys).subspan(y0, y1 - y0),
                  ranges, coords);
    x0 = x1;
    y0 = y1;
  }
  return coords;
}

}  // namespace

Value Builder::broadcast(Value x, Shape shape, std::vector<int32_t> dims) {
  // Dimensions that x has keep the form that they have there.
  const Shape given = std::exchange(shape, simple(graph_, shape));
  for (int32_t d : dims) {
    if (d >= 0 && static_cast<size_t>(d) < shape.size())
      shape[static_cast<size_t>(d)] = given[static_cast<size_t>(d)];
  }
  if (x.shape() == shape && dims.size() == shape.size()) return x;
  const Type type{x.dtype(), std::move(shape)};
  return node(Kind::broadcast, BroadcastAttr{std::move(dims)}, {&x, 1}, {&type, 1})[0];
}

Value Builder::broadcast_to(Value x, Shape shape) {
  if (x.shape() == shape) return x;
  const Shape& from = x.shape();
  const std::string problem =
      "cannot stretch " + to_string(x.type()) + " to " + to_string(shape);
  if (from.size() > shape.size()) fail(*this, "broadcast", problem);
  const size_t shift = shape.size() - from.size();
  Shape kept, wanted;
  std::vector<int32_t> dims;
  for (size_t d = 0; d < from.size(); ++d) {
    const Index& to = shape[d + shift];
    if (from[d].is_const(1) && !to.is_const(1)) continue;
    if (!(from[d] == to)) need_stretch(*this, from[d], to, problem);
    kept.push_back(from[d]);
    wanted.push_back(to);
    dims.push_back(static_cast<int32_t>(d + shift));
  }
  const Value own = stretched(*this, reshape(x, std::move(kept)), std::move(wanted));
  return broadcast(own, std::move(shape), std::move(dims));
}

Shape Builder::broadcast_shapes(std::span<const Value> values) {
  size_t rank = 0;
  for (const Value& v : values) rank = std::max(rank, v.shape().size());
  Shape shape(rank, Index(1));
  for (const Value& v : values) {
    const size_t shift = rank - v.shape().size();
    for (size_t d = 0; d < v.shape().size(); ++d) {
      Index& have = shape[d + shift];
      const Index& extent = v.shape()[d];
      if (extent == have) continue;
      std::string all;
      for (const Value& w : values) all += (all.empty() ? "" : ", ") + to_string(w.type());
      have = common_extent(*this, "broadcast", have, extent,
                           "the shapes do not fit together: " + all,
                           "aligned at the last dimension, sizes must be equal or 1");
    }
  }
  return shape;
}

Value Builder::reindex(Value x, Shape shape, IndexMap map, Scalar fill,
                       std::span<const Value> index_operands) {
  std::vector<Value> operands{x};
  operands.insert(operands.end(), index_operands.begin(), index_operands.end());
  const Type type{x.dtype(), simple(graph_, std::move(shape))};
  return node(Kind::reindex, ReindexAttr{std::move(map), fill}, operands, {&type, 1})[0];
}

Value Builder::transpose(Value x, std::vector<int32_t> perm) {
  const size_t rank = x.shape().size();
  std::vector<bool> seen(rank, false);
  bool identity = true;
  for (size_t d = 0; d < perm.size(); ++d) {
    const auto p = static_cast<size_t>(perm[d]);
    if (perm[d] < 0 || p >= rank || seen[p] || perm.size() != rank) {
      std::string text;
      for (int32_t v : perm) text += (text.empty() ? "" : ", ") + std::to_string(v);
      fail(*this, "transpose",
           "[" + text + "] is no permutation of the dimensions of " + to_string(x.type()));
    }
    seen[p] = true;
    identity = identity && p == d;
  }
  if (perm.size() != rank)
    fail(*this, "transpose", "the permutation is shorter than the rank of " + to_string(x.type()));
  if (identity) return x;
  Shape shape;
  IndexMap map;
  map.coords.resize(rank);
  for (size_t d = 0; d < rank; ++d) {
    shape.push_back(x.shape()[static_cast<size_t>(perm[d])]);
    map.coords[static_cast<size_t>(perm[d])] = axis(d);
  }
  return reindex(x, std::move(shape), std::move(map), Scalar::of_int(x.dtype(), 0));
}

Value Builder::reshape(Value x, Shape shape) {
  if (x.shape() == shape) return x;
  const Index have = product_of(x.shape()), want = product_of(shape);
  if (provably_different(graph_, have, want)) {
    fail(*this, "reshape",
         "cannot reshape " + to_string(x.type()) + " (" + have.str() + " elements) to " +
             to_string(shape) + " (" + want.str() + ")");
  }
  IndexMap map;
  // Nothing is read where there is no element, and no place is counted by sizes of 0.
  const bool is_empty = have.is_const(0) || want.is_const(0);
  map.coords = is_empty ? std::vector<Index>(x.shape().size(), Index(0))
                        : reshape_coords(graph_, x.shape(), shape);
  return reindex(x, std::move(shape), std::move(map), Scalar::of_int(x.dtype(), 0));
}

Value Builder::slice(Value x, std::vector<Index> start, std::vector<Index> size,
                     std::vector<int64_t> step) {
  const Shape& from = x.shape();
  if (start.size() != from.size() || size.size() != from.size() || step.size() != from.size()) {
    fail(*this, "slice",
         "start, size and step need one entry for each dimension of " + to_string(x.type()));
  }
  const Ranges ranges = graph_.ranges();
  IndexMap map;
  bool identity = true;
  for (size_t d = 0; d < from.size(); ++d) {
    const Index last = start[d] + Index(step[d]) * (size[d] - 1);
    const Index &low = step[d] < 0 ? last : start[d], &high = step[d] < 0 ? start[d] : last;
    const bool some = ranges.proves_nonnegative(size[d] - 1);
    if (some && (ranges.proves_less(low, 0) || ranges.proves_nonnegative(high - from[d]))) {
      fail(*this, "slice",
           "dimension " + std::to_string(d) + " of " + to_string(x.type()) + " is read from " +
               low.str() + " to " + high.str());
    }
    map.coords.push_back(start[d] + Index(step[d]) * axis(d));
    identity = identity && start[d].is_const(0) && step[d] == 1 && size[d] == from[d];
  }
  if (identity) return x;
  return reindex(x, std::move(size), std::move(map), Scalar::of_int(x.dtype(), 0));
}

Value Builder::pad(Value x, std::vector<Index> before, std::vector<Index> after, Scalar fill) {
  const Shape& from = x.shape();
  if (before.size() != from.size() || after.size() != from.size()) {
    fail(*this, "pad",
         "before and after need one entry for each dimension of " + to_string(x.type()));
  }
  Shape shape;
  IndexMap map;
  bool identity = true;
  for (size_t d = 0; d < from.size(); ++d) {
    shape.push_back(from[d] + before[d] + after[d]);
    map.coords.push_back(axis(d) - before[d]);
    identity = identity && before[d].is_const(0) && after[d].is_const(0);
  }
  if (identity) return x;
  return reindex(x, std::move(shape), std::move(map), fill);
}

Value Builder::gather(Value x, Value index, int dim) {
  const Shape& from = x.shape();
  const size_t rank = index.shape().size();
  if (dim < 0 || static_cast<size_t>(dim) >= from.size()) {
    fail(*this, "gather",
         "dimension " + std::to_string(dim) + " does not exist in " + to_string(x.type()));
  }
  if (!is_int(index.dtype()))
    fail(*this, "gather", "the index must be integers, got " + to_string(index.type()));
  const auto at = static_cast<size_t>(dim);
  Shape shape(from.begin(), from.begin() + dim);
  shape.insert(shape.end(), index.shape().begin(), index.shape().end());
  shape.insert(shape.end(), from.begin() + dim + 1, from.end());
  IndexMap map;
  IndexLoad load;
  for (size_t d = 0; d < rank; ++d) load.coords.push_back(axis(at + d));
  map.loads.push_back(std::move(load));
  const Index loaded = Index::var("l0");
  for (size_t d = 0; d < from.size(); ++d) {
    if (d < at) {
      map.coords.push_back(axis(d));
    } else if (d == at) {
      // min(1, max(0, -l)) is 1 for a negative index and 0 for any other.
      const Index wraps = min(Index(1), max(Index(0), Index(0) - loaded));
      map.coords.push_back(is_signed_int(index.dtype()) ? loaded + from[d] * wraps : loaded);
    } else {
      map.coords.push_back(axis(d + rank - 1));
    }
  }
  return reindex(x, std::move(shape), std::move(map), Scalar::of_int(x.dtype(), 0), {&index, 1});
}

Value Builder::concat(std::span<const Value> xs, int dim) {
  if (xs.size() == 1) return xs[0];
  for (const Value& x : xs) {
    const Shape &first = xs[0].shape(), &shape = x.shape();
    for (size_t d = 0; d < first.size() && first.size() == shape.size(); ++d) {
      if (static_cast<int>(d) == dim || first[d] == shape[d]) continue;
      throw SizesDiffer("concat",
                        "operands differ in more than the size of dimension " +
                            std::to_string(dim) + ": " + to_string(xs[0].type()) + " and " +
                            to_string(x.type()),
                        first[d], shape[d], scope());
    }
  }
  return node(Kind::concat, ConcatAttr{dim}, xs, {})[0];
}

}  // namespace mintor
