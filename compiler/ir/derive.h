// SPDX-License-Identifier: Apache-2.0
// Result types of a node from its kind, attributes and operands: one function per family of kinds.
// Takes what a node is made of; gives its result types, or throws a CompileError that names the
// operator, the actual dtypes and shapes, and the scope. `types` are what cannot be derived (the
// shape of an iota, the dtype of a cast). Keeps true: derive() of a node's own parts gives the
// node's own types; the verifier relies on it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/support/error.h"

namespace mintor {

struct NodeParts {
  const Graph& graph;
  std::string_view place;  // the scope, for error messages
  Kind kind;
  const Attr& attr;
  std::span<const Value> operands;
  std::span<const Type> types;

  template <class T>
  const T& as() const {
    return std::get<T>(attr);
  }
  const Type& operand(size_t i) const { return operands[i].type(); }
  [[noreturn]] void fail(std::string problem, std::string help = "") const;
  void need_operands(size_t count) const;
  void need_types(size_t count) const;
  // "f32[2] and f32[3]": the types of all operands.
  std::string operand_types() const;
};

std::vector<Type> derive(const NodeParts& parts);

std::vector<Type> derive_leaf(const NodeParts& parts);
std::vector<Type> derive_elementwise(const NodeParts& parts);
std::vector<Type> derive_index(const NodeParts& parts);
std::vector<Type> derive_reduce(const NodeParts& parts);
std::vector<Type> derive_contract(const NodeParts& parts);
std::vector<Type> derive_order(const NodeParts& parts);    // sort, compact, size, bind
std::vector<Type> derive_control(const NodeParts& parts);  // if, loop, call, code, host

// Checks shared by families.
void check_dim(const NodeParts& parts, int32_t dim, size_t rank);
bool provably_different(const Graph& graph, const Index& a, const Index& b);
Index product_of(const Shape& shape);

}  // namespace mintor
