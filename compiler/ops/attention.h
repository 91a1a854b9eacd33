// SPDX-License-Identifier: Apache-2.0
// Library operators of attention: scaled products with masks and caches, their linear form, and
// what models put around them. B, H, S, D: batch, heads, positions, size of a head; the general
// rules are those of ops/library.h.
#pragma once

#include "compiler/ops/library.h"

namespace mintor::ops {

// [B, S, H * D] as [B, H, S, D], and back.
Value split_heads(Builder& b, Value x, int64_t heads);
Value join_heads(Builder& b, Value x);
// Each head `times` times in a row: dimension 1 of [B, H, S, D].
Value repeat_heads(Builder& b, Value x, int64_t times);

struct AttentionInputs {
  Value q, k, v;  // [B, Hq, Sq, D], [B, H, Sk, D], [B, H, Sk, Dv]; Hq a multiple of H
  Value mask;     // bool: who is seen; floats: added to scores. Broadcasts to [B, Hq, Sq, Sk];
                  // keys beyond its last dimension are not seen. May be null
  Value past_k, past_v;  // in front of k and v; may be null
  Value lengths;         // [B] integers: how many keys count; may be null
};
struct AttentionAttr {
  std::optional<double> scale;    // of q @ k'; none: 1 / sqrt(D)
  bool causal = false;            // query i sees keys up to i + offset: the length of the past, or
                                  // lengths - Sq
  double softcap = 0;             // not 0: scores are softcap * tanh(scores / softcap)
  int64_t left = -1, right = -1;  // the window of keys around a query; -1: no bound
  std::optional<DType> softmax;   // its arithmetic; none: that of q
};
struct Attention {
  Value y;         // [B, Hq, Sq, Dv]
  Value k, v;      // with the past
  Value products;  // q @ k', scaled and capped
  Value masked;    // the same with the mask added
  Value weights;   // softmax of that; rows that see no key are 0
};
Attention attention(Builder& b, const AttentionInputs& in, const AttentionAttr& attr);

// Scores as a recurrence: S' = exp(decay) S + k (x) v, y = scale * q @ S'; with `beta`, v is
// beta * (v - k @ S) (the delta rule). One step of a loop for each position.
struct LinearAttentionInputs {
  Value q, k, v;      // [B, Hq, S, D], [B, H, S, D], [B, H, S, Dv]
  Value decay, beta;  // [B, H, S, D or 1], [B, H or 1, S, 1]; may be null
  Value state;        // [B, H, D, Dv]; null: 0
};
struct LinearAttention {
  Value y, state;  // [B, Hq, S, Dv], f32 state
};
LinearAttention linear_attention(Builder& b, const LinearAttentionInputs& in, double scale);

// Pairs of x[B, S, H, D] turned by the angles whose cosines and sines are [B, S, R / 2] or
// [S, R / 2]: the first R of D, pairs side by side (`interleaved`) or halves apart.
Value rotary_embedding(Builder& b, Value x, Value cosines, Value sines, bool interleaved);

}  // namespace mintor::ops
