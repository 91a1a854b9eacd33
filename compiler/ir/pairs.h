// SPDX-License-Identifier: Apache-2.0
// Sums of bf16 products in pairs (Order::pairs): which contracts may have them, asked by the pass
// that decides it, the verifier, layouts and strategies. Takes a contract; gives the axis whose
// neighbours are a pair. Keeps true: a pair is two positions that follow each other in the sequence
// of the order and never lie in two chunks.
#pragma once

#include "compiler/ir/graph.h"

namespace mintor {

inline constexpr int64_t kPair = 2;

// The one k axis, innermost in the sequence, of an order that is a chain; of two bf16 operands that
// both move along it. Null where there is none, whether the order has pairs or not.
const ContractAxis* pair_axis_of(const Contract& contract, DType x, DType y);

// The same of a contract whose order has pairs, or null.
const ContractAxis* pair_axis(const Contract& contract, const Value& x, const Value& y);

// Do the two elements of each pair lie side by side in the last dimension of what is read at these
// coordinates? `ranges`: of the contract's axes.
bool lies_in_pairs(const std::vector<Index>& coords, const ContractAxis& k, const Ranges& ranges);

}  // namespace mintor
