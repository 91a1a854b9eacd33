// SPDX-License-Identifier: Apache-2.0
// Index nodes as maps: composition, and the forms that passes look for.
// Takes and gives expressions over i0.. of a result. Keeps true: nothing here changes bits.
#pragma once

#include <optional>
#include <vector>

#include "compiler/ir/builder.h"
#include "compiler/ir/graph.h"

namespace mintor {

std::string dim_name(size_t dim);  // i0, i1, ..: the index of a result
Index dim_index(size_t dim);       // as an expression
// Ranges of the symbols and of i0.. over a result shape.
Ranges ranges_over(const Graph& graph, const Shape& shape);
std::map<std::string, Index> index_values(
    const std::vector<Index>& values);  // i0 -> values[0], ...

// Whether these coordinates lie inside a shape, for all that their variables can be.
bool proves_inside(const std::vector<Index>& coords, const Shape& shape, const Ranges& ranges);

// The dimension whose coordinate is this axis and nothing else, when no other coordinate has it.
std::optional<size_t> dim_along(const std::vector<Index>& coords, const std::string& axis);

// broadcast or reindex without loads and conditions, provably inside its operand: coordinates over
// i0.. .
std::optional<std::vector<Index>> plain_coords(const Node& node, const Graph& graph);

// What index nodes rearrange, and where it is read: coordinates over i0.. of the traced value, each
// a variable or a constant. Stops at the first node of any other form.
struct Traced {
  Value value;
  std::vector<Index> coords;
};
Traced trace(Value value, const Graph& graph);

// perm such that result dimension d is operand dimension perm[d]; nullopt when the node is no
// transpose.
std::optional<std::vector<int32_t>> as_transpose(const Node& node);
bool moves_innermost(const Node& node);  // a transpose whose innermost dimension is another one
std::vector<int32_t> inverse(const std::vector<int32_t>& perm);
bool is_identity(const std::vector<int32_t>& perm);
// The transpose that puts a dimension innermost and keeps the order of the others.
std::vector<int32_t> with_innermost(size_t rank, size_t dim);

// A reindex of x with these coordinates (broadcast or nothing at all when they have that form).
Value plain_reindex(Builder& builder, Value x, const Shape& shape,
                    const std::vector<Index>& coords);

}  // namespace mintor
