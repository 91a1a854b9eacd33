// SPDX-License-Identifier: Apache-2.0
// Types of sort, compact, size and bind.
// compact keeps what its mask selects, in row-major order: with a mask of x's own shape the result
// is 1-d; with a 1-d mask for an x of higher rank, whole rows of x are kept. Its first dimension is
// the fresh symbol.
#include "compiler/ir/derive.h"

namespace mintor {

namespace {

// A symbol has one definition: two bind or compact nodes of one symbol must be the same node.
void check_fresh(const NodeParts& parts, const std::string& symbol) {
  const Node* other = definer_of(parts.graph, symbol);
  if (other == nullptr) return;
  const bool same = other->kind == parts.kind && other->attr == parts.attr &&
                    std::equal(other->operands.begin(), other->operands.end(),
                               parts.operands.begin(), parts.operands.end());
  if (!same) {
    parts.fail("the symbol '" + symbol + "' is already defined by a node of kind " +
                   std::string(name_of(other->kind)),
               "choose another name");
  }
}

std::vector<Type> derive_compact(const NodeParts& parts) {
  parts.need_operands(2);
  const Type &x = parts.operand(0), &mask = parts.operand(1);
  const std::string& symbol = parts.as<CompactAttr>().symbol;
  check_fresh(parts, symbol);
  if (mask.dtype != DType::boolean) parts.fail("the mask must be bool, got " + to_string(mask));
  if (mask.shape == x.shape && !x.shape.empty()) return {Type{x.dtype, {Index::var(symbol)}}};
  if (x.shape.empty() || mask.shape.size() != 1 || !(mask.shape[0] == x.shape[0])) {
    parts.fail("the mask has neither the shape of x nor that of its first dimension: " +
               parts.operand_types());
  }
  Type result = x;
  result.shape[0] = Index::var(symbol);
  return {result};
}

}  // namespace

std::vector<Type> derive_order(const NodeParts& parts) {
  switch (parts.kind) {
    case Kind::sort: {
      if (parts.operands.empty()) parts.fail("needs keys");
      check_dim(parts, parts.as<SortAttr>().dim, parts.operand(0).shape.size());
      std::vector<Type> types;
      for (const Value& operand : parts.operands) {
        if (operand.shape() != parts.operand(0).shape) {
          parts.fail("keys and payloads have different shapes: " + parts.operand_types());
        }
        types.push_back(operand.type());
      }
      return types;
    }
    case Kind::compact:
      return derive_compact(parts);
    case Kind::size:
      parts.need_operands(0);
      for (const std::string& name : parts.as<SizeAttr>().expr.vars()) {
        if (parts.graph.find_symbol(name) == nullptr)
          parts.fail("mentions the unknown symbol '" + name + "'");
      }
      return {Type{DType::i64, {}}};
    default:  // bind
      parts.need_operands(1);
      if (!(parts.operand(0) == Type{DType::i64, {}}))
        parts.fail("binds an i64[], got " + parts.operand_types());
      check_fresh(parts, parts.as<BindAttr>().symbol);
      return {Type{DType::i64, {}}};
  }
}

}  // namespace mintor
