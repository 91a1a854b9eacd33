// SPDX-License-Identifier: Apache-2.0
// Types of index nodes: broadcast, reindex, concat, reindex_reduce; and what an index map may
// mention. A map's variables are i0.. (the index of the result; for reindex_reduce that of y), l0..
// (its loads, in order) and the graph's symbols.
#include "compiler/ir/derive.h"

namespace mintor {

namespace {

void check_vars(const NodeParts& parts, const Index& e, size_t rank, size_t loads) {
  for (const std::string& name : e.vars()) {
    const bool digits =
        name.size() > 1 && name.find_first_not_of("0123456789", 1) == std::string::npos;
    if (digits && name.size() < 8 && (name[0] == 'i' || name[0] == 'l')) {
      const size_t number = std::stoul(name.substr(1));
      if (number < (name[0] == 'i' ? rank : loads)) continue;
      parts.fail("the map mentions " + name + ", but has " + std::to_string(rank) +
                 " index variables and " + std::to_string(loads) + " earlier loads");
    }
    if (parts.graph.find_symbol(name) == nullptr)
      parts.fail("the map mentions the unknown variable '" + name + "'");
  }
}

// A load has to be inside its operand. What depends on loaded values cannot be told here; what lies
// outside for every index is refused.
void check_inside(const NodeParts& parts, const Index& coord, const Index& extent,
                  const Shape& indexed) {
  Ranges ranges = parts.graph.ranges();
  for (size_t d = 0; d < indexed.size(); ++d)
    ranges.set("i" + std::to_string(d), Index(0), indexed[d] - 1);
  if (ranges.proves_nonnegative(coord - extent) || ranges.proves_nonnegative(-1 - coord))
    parts.fail("a load reads at " + coord.str() + ", outside of 0.." + extent.str());
}

void check_map(const NodeParts& parts, const IndexMap& map, const Shape& indexed, size_t coords,
               size_t first_index_operand) {
  const size_t rank = indexed.size();
  for (size_t k = 0; k < map.loads.size(); ++k) {
    const IndexLoad& load = map.loads[k];
    const auto operand = static_cast<size_t>(load.operand);
    if (operand < first_index_operand || operand >= parts.operands.size()) {
      parts.fail("load l" + std::to_string(k) + " reads operand " + std::to_string(load.operand) +
                 " of " + std::to_string(parts.operands.size()));
    }
    const Type& type = parts.operand(operand);
    if (!is_int(type.dtype))
      parts.fail("load l" + std::to_string(k) + " reads " + to_string(type) + ", not integers");
    if (load.coords.size() != type.shape.size()) {
      parts.fail("load l" + std::to_string(k) + " has " + std::to_string(load.coords.size()) +
                 " coordinates for " + to_string(type));
    }
    for (size_t d = 0; d < load.coords.size(); ++d) {
      check_vars(parts, load.coords[d], rank, k);
      check_inside(parts, load.coords[d], type.shape[d], indexed);
    }
  }
  if (map.coords.size() != coords) {
    parts.fail("the map has " + std::to_string(map.coords.size()) + " coordinates where " +
               std::to_string(coords) + " are needed (operands " + parts.operand_types() + ")");
  }
  for (const Index& c : map.coords) check_vars(parts, c, rank, map.loads.size());
  for (const IndexCondition& c : map.conditions) {
    check_vars(parts, c.value, rank, map.loads.size());
    check_vars(parts, c.extent, rank, map.loads.size());
  }
}

std::vector<Type> derive_broadcast(const NodeParts& parts) {
  parts.need_operands(1);
  parts.need_types(1);
  const Type& type = parts.operand(0);
  const Shape& shape = parts.types[0].shape;
  const std::vector<int32_t>& dims = parts.as<BroadcastAttr>().dims;
  if (dims.size() != type.shape.size()) {
    parts.fail(std::to_string(dims.size()) + " dims are given for " + to_string(type));
  }
  for (size_t d = 0; d < dims.size(); ++d) {
    check_dim(parts, dims[d], shape.size());
    if (d > 0 && dims[d] <= dims[d - 1]) parts.fail("dims must ascend", "transpose first");
    if (!(shape[static_cast<size_t>(dims[d])] == type.shape[d])) {
      parts.fail("cannot broadcast " + to_string(type) + " to " + to_string(shape) +
                 ": dimension " + std::to_string(d) + " is " + type.shape[d].str() +
                 ", dimension " + std::to_string(dims[d]) + " of the result " +
                 shape[static_cast<size_t>(dims[d])].str());
    }
  }
  return {Type{type.dtype, shape}};
}

std::vector<Type> derive_concat(const NodeParts& parts) {
  if (parts.operands.empty()) parts.fail("needs at least one operand");
  Type result = parts.operand(0);
  const int32_t dim = parts.as<ConcatAttr>().dim;
  check_dim(parts, dim, result.shape.size());
  for (size_t i = 1; i < parts.operands.size(); ++i) {
    const Type& type = parts.operand(i);
    bool fits = type.dtype == result.dtype && type.shape.size() == result.shape.size();
    for (size_t d = 0; fits && d < type.shape.size(); ++d) {
      fits = d == static_cast<size_t>(dim) || type.shape[d] == result.shape[d];
    }
    if (!fits) {
      parts.fail("operands differ in more than the size of dimension " + std::to_string(dim) +
                 ": " + parts.operand_types());
    }
    result.shape[static_cast<size_t>(dim)] =
        result.shape[static_cast<size_t>(dim)] + type.shape[static_cast<size_t>(dim)];
  }
  // 2*(h // 2) beside h % 2 is h: sizes are compared by their form later.
  Index& total = result.shape[static_cast<size_t>(dim)];
  total = parts.graph.ranges().simplify(total);
  return {result};
}

std::vector<Type> derive_reindex_reduce(const NodeParts& parts) {
  const ReindexReduceAttr& attr = parts.as<ReindexReduceAttr>();
  if (parts.operands.size() < 2) parts.fail("needs an initial value and the values to combine");
  const Type &init = parts.operand(0), &y = parts.operand(1);
  if (init.dtype != y.dtype)
    parts.fail("the initial value and the values differ in dtype: " + parts.operand_types());
  switch (attr.combiner) {
    case Combiner::argmin:
    case Combiner::argmax:
    case Combiner::custom:
      parts.fail("cannot combine by " + std::string(name_of(attr.combiner)),
                 "add, mul, min, max, and, or, xor, last");
    case Combiner::last:
      break;
    case Combiner::and_:
    case Combiner::or_:
    case Combiner::xor_:
      if (is_float(y.dtype))
        parts.fail(std::string(name_of(attr.combiner)) + " of " + parts.operand_types());
      break;
    case Combiner::add:
    case Combiner::mul:
    case Combiner::min:
    case Combiner::max:
      if (is_storage_float(y.dtype) || y.dtype == DType::boolean) {
        parts.fail(std::string(name_of(attr.combiner)) + " of " + std::string(name_of(y.dtype)) +
                       " is not defined",
                   "cast to f32 (or an integer) first");
      }
  }
  check_map(parts, attr.map, y.shape, init.shape.size(), 2);
  return {init};
}

}  // namespace

std::vector<Type> derive_index(const NodeParts& parts) {
  if (parts.kind == Kind::broadcast) return derive_broadcast(parts);
  if (parts.kind == Kind::concat) return derive_concat(parts);
  if (parts.kind == Kind::reindex_reduce) return derive_reindex_reduce(parts);
  parts.need_types(1);
  if (parts.operands.empty()) parts.fail("needs an operand");
  const ReindexAttr& attr = parts.as<ReindexAttr>();
  const Type& type = parts.operand(0);
  if (attr.fill.dtype != type.dtype) {
    parts.fail("fills " + to_string(type) + " with " + std::string(name_of(attr.fill.dtype)));
  }
  check_map(parts, attr.map, parts.types[0].shape, type.shape.size(), 1);
  return {Type{type.dtype, parts.types[0].shape}};
}

}  // namespace mintor
