// SPDX-License-Identifier: Apache-2.0
// Takes the parts of a node; gives its result types by family of kinds, and checks their sizes.
// The dispatch of type derivation, the leaves, and the checks shared by the families. See derive.h.
#include "compiler/ir/derive.h"

#include <algorithm>

namespace mintor {

void NodeParts::fail(std::string problem, std::string help) const {
  throw CompileError(std::string(op_name(kind, attr)), std::move(problem), std::string(place),
                     std::move(help));
}

std::string NodeParts::operand_types() const {
  std::string text;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (i > 0) text += i + 1 == operands.size() ? " and " : ", ";
    text += to_string(operand(i));
  }
  return text.empty() ? "none" : text;
}

void NodeParts::need_operands(size_t count) const {
  if (operands.size() == count) return;
  fail("takes " + std::to_string(count) + " operand" + (count == 1 ? "" : "s") + ", got " +
       std::to_string(operands.size()));
}

void NodeParts::need_types(size_t count) const {
  if (types.size() == count) return;
  fail("has " + std::to_string(count) + " result" + (count == 1 ? "" : "s") + ", but " +
       std::to_string(types.size()) + " types are given");
}

void check_dim(const NodeParts& parts, int32_t dim, size_t rank) {
  if (dim >= 0 && static_cast<size_t>(dim) < rank) return;
  parts.fail("dimension " + std::to_string(dim) + " does not exist in rank " +
             std::to_string(rank) + " (operands " + parts.operand_types() + ")");
}

bool provably_different(const Graph& graph, const Index& a, const Index& b) {
  if (a == b) return false;
  if (a.is_const() && b.is_const()) return true;
  const Ranges ranges = graph.ranges();
  return ranges.proves_less(a, b) || ranges.proves_less(b, a);
}

Index product_of(const Shape& shape) {
  Index product = 1;
  for (const Index& extent : shape) product = product * extent;
  return product;
}

namespace {

std::vector<Type> derive_random(const NodeParts& parts) {
  parts.need_operands(2);
  parts.need_types(1);
  const std::string& distribution = parts.as<RandomAttr>().distribution;
  const DType dtype = parts.types[0].dtype;
  if (distribution == "bits") {
    if (dtype != DType::u32 && dtype != DType::u64)
      parts.fail("bits are u32 or u64, not " + std::string(name_of(dtype)));
  } else if (distribution == "uniform" || distribution == "normal") {
    if (dtype != DType::f32 && dtype != DType::f64) {
      parts.fail(distribution + " numbers are f32 or f64, not " + std::string(name_of(dtype)),
                 "make f32 numbers and cast them");
    }
  } else {
    parts.fail("unknown distribution '" + distribution + "'", "known are bits, uniform and normal");
  }
  for (size_t i = 0; i < 2; ++i) {
    const Type& type = parts.operand(i);
    if (!type.shape.empty() || (type.dtype != DType::u64 && type.dtype != DType::i64)) {
      parts.fail("key and counter are u64[] or i64[], got " + parts.operand_types());
    }
  }
  return {parts.types[0]};
}

std::vector<Type> type_of_tensor(const NodeParts& parts, const Tensor& tensor) {
  parts.need_operands(0);
  Type type{tensor.dtype, Shape(tensor.shape.begin(), tensor.shape.end())};
  if (!parts.types.empty() && !(parts.types[0] == type)) {
    parts.fail("its value is " + to_string(type) + ", its type says " + to_string(parts.types[0]));
  }
  return {type};
}

void check_extents(const NodeParts& parts, const std::vector<Type>& results) {
  for (const Type& type : results) {
    for (const Index& extent : type.shape) {
      if (extent.is_const() && extent.value() < 0)
        parts.fail("result " + to_string(type) + " has a negative dimension");
      if (extent.is_const()) continue;
      for (const std::string& name : extent.vars()) {
        if (parts.graph.find_symbol(name) == nullptr) {
          parts.fail("result " + to_string(type) + " mentions the unknown symbol '" + name + "'",
                     "sizes come from input dimensions, bind, compact or the header of the graph");
        }
      }
    }
  }
}

}  // namespace

std::vector<Type> derive_leaf(const NodeParts& parts) {
  switch (parts.kind) {
    case Kind::parameter:
      return type_of_tensor(parts, parts.as<ParameterAttr>().value);
    case Kind::constant:
      return type_of_tensor(parts, parts.as<ConstantAttr>().value);
    case Kind::random:
      return derive_random(parts);
    case Kind::iota: {
      parts.need_operands(0);
      parts.need_types(1);
      check_dim(parts, parts.as<IotaAttr>().dim, parts.types[0].shape.size());
      if (!is_int(parts.types[0].dtype) && is_storage_float(parts.types[0].dtype)) {
        parts.fail("cannot count in " + std::string(name_of(parts.types[0].dtype)),
                   "make i64 and cast it");
      }
      if (parts.types[0].dtype == DType::boolean)
        parts.fail("cannot count in bool", "make i64 and compare it");
      return {parts.types[0]};
    }
    default:  // input
      parts.need_operands(0);
      parts.need_types(1);
      return {parts.types[0]};
  }
}

std::vector<Type> derive(const NodeParts& parts) {
  std::vector<Type> results;
  switch (parts.kind) {
    case Kind::input:
    case Kind::parameter:
    case Kind::constant:
    case Kind::iota:
    case Kind::random:
      results = derive_leaf(parts);
      break;
    case Kind::unary:
    case Kind::binary:
    case Kind::ternary:
    case Kind::cast:
    case Kind::bitcast:
    case Kind::pack:
    case Kind::unpack:
      results = derive_elementwise(parts);
      break;
    case Kind::broadcast:
    case Kind::reindex:
    case Kind::concat:
    case Kind::reindex_reduce:
      results = derive_index(parts);
      break;
    case Kind::reduce:
    case Kind::scan:
      results = derive_reduce(parts);
      break;
    case Kind::contract:
      results = derive_contract(parts);
      break;
    case Kind::sort:
    case Kind::compact:
    case Kind::size:
    case Kind::bind:
      results = derive_order(parts);
      break;
    case Kind::if_:
    case Kind::loop:
    case Kind::call:
    case Kind::code:
    case Kind::host:
      results = derive_control(parts);
      break;
  }
  check_extents(parts, results);
  return results;
}

}  // namespace mintor
