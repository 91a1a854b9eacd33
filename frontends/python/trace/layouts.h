// SPDX-License-Identifier: Apache-2.0
// In which order the elements of an array lie in memory. Weights of convolutions, and whatever is
// combined with them element by element (momenta, averages), lie as the kernels that compute their
// gradients store them, windows outermost, and get their own order when they are read.
// Takes the Graph of a segment; gives it over such inputs and results. Keeps true: values and bits
// are the same in any order; the order follows from the weight alone, so segments agree on it.
#pragma once

#include <span>
#include <vector>

#include "compiler/ir/graph.h"
#include "frontends/python/trace/value.h"

namespace mintor::trace {

// One object for all equal ones; null where a Layout is meant: as the dimensions say.
struct Layout {
  std::vector<int32_t> order;  // dimensions of the array, the outermost in memory first
};

// A Graph whose inputs and results lie in other orders, by position.
struct LaidOut {
  Graph graph;
  std::vector<const Layout*> inputs, results;
};
// `now`: how the bytes of the inputs lie. Values that a result replaces are given an order, others
// keep theirs.
LaidOut with_layouts(Graph graph, std::span<const Layout* const> now);

std::vector<int64_t> sizes_in(const Layout* layout, const std::vector<int64_t>& shape);
// The bytes of a value in another order; its storage is written.
Ref<Storage> moved(const ValueType& type, const Storage& from, const Layout* layout);

}  // namespace mintor::trace
