// SPDX-License-Identifier: Apache-2.0
// What recurrent layers share: checked operands, the projection of all steps at once, a loop over
// time for each direction, lengths, and the activations of cells.
// Takes a cell (one step of one direction) and the layer's operands; gives the layer.
//   y, h' = layer(x)   ->   p = x @ w' + bias                          one contract, all directions
//                           h', y = loop (h, p, r') { cell }            one for each direction
// Keeps true: arithmetic is f32 where the operands are f16 or bf16, rounded once at the end; a step
// beyond the length of its row keeps the state and gives 0.
#pragma once

#include "compiler/ops/library/common.h"

namespace mintor::ops {

// One step of one direction, inside the loop.
struct CellStep {
  Builder& b;
  const RecurrentAttr& attr;
  std::span<const CellActivation> activations;
  Index hidden;
  Value x;                          // [batch, gates * hidden]: the projected input, biases added
  std::span<const Value> state;     // [batch, hidden] each: h, then what else the cell keeps
  std::span<const Value> captured;  // the layer's, of this direction
  Value gate(Value gates, int k) const;  // columns k * hidden on, `hidden` of them
  // Function k of the direction; of a gate, clipped before.
  Value activate(size_t k, Value v) const;
  Value clipped(size_t k, Value gate) const;
  // state @ weight, the state in bytes where attr says so.
  Value product(Value state, Value weight) const;
};

struct CellKind {
  std::string_view op;
  int64_t gates;
  size_t states;                      // how many values are carried
  std::vector<CellActivation> usual;  // functions of a direction, where the caller names none
  std::vector<Value> (*step)(const CellStep& step);  // the next states
};

// Operands with their dtypes widened and sizes checked; directions is dimension 0 of w.
RecurrentInputs checked(Builder& b, const CellKind& kind, RecurrentInputs in,
                        const RecurrentAttr& attr);
// `bias` [directions, gates * hidden], or null, is added to the projected inputs; `captured` have
// directions as dimension 0.
Recurrent run_layer(Builder& b, const CellKind& kind, const RecurrentInputs& in, Value bias,
                    std::span<const Value> captured, const RecurrentAttr& attr, DType dtype);

// r with its last two dimensions changed over: what a state is multiplied by.
Value recurrent_weight(Builder& b, Value r);
// The sum of two biases of which either may be null.
Value bias_sum(Builder& b, Value x, Value y);

}  // namespace mintor::ops
