// SPDX-License-Identifier: Apache-2.0
// A number that threads share, by builtins of gcc and clang: a package is compiled where there is
// no C++ library, not even its headers (musl's compiler, bare machines).
// Takes and gives values; memory orders are the builtins' own (__ATOMIC_ACQUIRE, ...). Keeps true:
// zero bytes are one that holds 0.
#ifndef MINTOR_ATOMIC_H
#define MINTOR_ATOMIC_H

#include "mintor_program.h"

namespace MT_PACKAGE {

template <class T>
struct Atomic {
  alignas(sizeof(T)) T value;
  T load(int order) const { return __atomic_load_n(&value, order); }
  void store(T next, int order) { __atomic_store_n(&value, next, order); }
  T exchange(T next, int order) { return __atomic_exchange_n(&value, next, order); }
  T fetch_add(T more, int order) { return __atomic_fetch_add(&value, more, order); }
};

}  // namespace MT_PACKAGE
#endif
