// SPDX-License-Identifier: Apache-2.0
// Vectors in memory, for preludes of targets that have vectors: splat, load and store at any
// alignment, and moves of the first lanes alone.
// Takes pointers to elements; gives vectors. Keeps true: partial forms touch no memory outside the
// first `count` elements; internal linkage.
#ifndef MINTOR_SCALAR_MATH_MEMORY_H
#define MINTOR_SCALAR_MATH_MEMORY_H

#include "compiler/ir/scalar_math.h"

template <class V> MT_FN V splat(mt_element<V> x) { return mt_splat<V>(x); }

// Any alignment.
template <class V> MT_FN V load(const mt_element<V>* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class V>
MT_FN void store(mt_element<V>* p, V v) {
  __builtin_memcpy(p, &v, sizeof v);
}

// The first `count` lanes from memory, the rest 0; count <= 0 reads nothing. They come in
// pieces of 2^k elements.
template <class V> MT_FN V mt_load_pieces(const mt_element<V>* p, mt_i64 count) {
  if (count >= mt_lanes<V>) return load<V>(p);
  mt_element<V> lanes[mt_lanes<V>] = {};
  mt_i64 at = 0;
#define MT_PIECE(n)                                                \
  if constexpr (n < mt_lanes<V>) {                                 \
    if (count > 0 && (count & n)) {                                \
      __builtin_memcpy(lanes + at, p + at, n * sizeof(lanes[0]));  \
      at += n;                                                     \
    }                                                              \
  }
  MT_PIECE(32) MT_PIECE(16) MT_PIECE(8) MT_PIECE(4) MT_PIECE(2) MT_PIECE(1)
#undef MT_PIECE
  return load<V>(lanes);
}
template <class V> MT_FN void mt_store_pieces(mt_element<V>* p, V v, mt_i64 count) {
  if (count >= mt_lanes<V>) return store(p, v);
  mt_element<V> lanes[mt_lanes<V>];
  store(lanes, v);
  mt_i64 at = 0;
#define MT_PIECE(n)                                                \
  if constexpr (n < mt_lanes<V>) {                                 \
    if (count > 0 && (count & n)) {                                \
      __builtin_memcpy(p + at, lanes + at, n * sizeof(lanes[0]));  \
      at += n;                                                     \
    }                                                              \
  }
  MT_PIECE(32) MT_PIECE(16) MT_PIECE(8) MT_PIECE(4) MT_PIECE(2) MT_PIECE(1)
#undef MT_PIECE
}

#endif
