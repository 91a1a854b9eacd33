// SPDX-License-Identifier: Apache-2.0
// What the gradient of a kind takes and gives: one node with the gradients that reached its
// results, to gradients of its operands. compiler/grad/kinds/ holds one function a kind, or a group
// of kinds; rules.cpp is the table of all kinds.
// Keeps true: a rule is linear in the gradients that it is given (jvp relies on it); it makes
// nodes for wanted operands only.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/builder.h"

namespace mintor {

struct Backward {
  Builder& b;
  const Node& node;
  std::vector<Value> grads;  // one per result, of its type; null: nothing reached it
  std::vector<bool> wanted;  // one per operand: whether its gradient is of use

  Value operand(size_t i = 0) const { return node.operands[i]; }
  Value result(size_t i = 0) const { return {&node, static_cast<int32_t>(i)}; }
  // The one gradient of a node with one result, in a dtype that computes.
  Value grad() const;
  // A CompileError that names the node and its place.
  [[noreturn]] void fail(std::string problem, std::string help = "") const;
};

// One per operand, null where nothing flows. An f32 gradient may stand for one of a storage type.
using Gradients = std::vector<Value>;

Gradients backward(const Backward& at);  // by kind

Gradients backward_scalar(const Backward& at);  // unary, binary, ternary
Gradients backward_cast(const Backward& at);
Gradients backward_broadcast(const Backward& at);
Gradients backward_reindex(const Backward& at);
Gradients backward_concat(const Backward& at);
Gradients backward_reindex_reduce(const Backward& at);
Gradients backward_reduce(const Backward& at);
Gradients backward_scan(const Backward& at);
Gradients backward_contract(const Backward& at);
Gradients backward_sort(const Backward& at);
Gradients backward_compact(const Backward& at);
Gradients backward_if(const Backward& at);
Gradients backward_loop(const Backward& at);
Gradients backward_call(const Backward& at);
Gradients backward_code(const Backward& at);

// ---- shared by the rules ----
// The gradients of the floating-point results in order, zeros where nothing reached one.
std::vector<Value> float_grads(const Backward& at);
Value widened(Builder& b, Value x);  // f16 and bf16 as f32
Value zeros(Builder& b, DType dtype, const Shape& shape);
// Dimensions of a rank-`rank` value that are not in `dims`, ascending.
std::vector<int32_t> dims_without(size_t rank, std::span<const int32_t> dims);
// The position of each element of `shape` along dim, as i64; and within `dims`, row-major in the
// order in which they are listed.
Value positions(Builder& b, const Shape& shape, std::span<const int32_t> dims);
// The loads of a map whose index operands move by `shift` places.
IndexMap shifted(IndexMap map, int32_t shift);

}  // namespace mintor
