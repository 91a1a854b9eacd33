// SPDX-License-Identifier: Apache-2.0
// Integer functions of the sizes in a generated program.cpp, and the same with a number that knows
// whether 64 bits held it on the way. Takes: symbol values. Gives: `Size`, which generated text
// computes with as with an int64_t, and the fault that a checked size has. Keeps true: division
// and remainder round toward minus infinity; no operation on a Size is undefined.
#ifndef MINTOR_SIZE_H
#define MINTOR_SIZE_H

#include "mintor_program.h"

namespace MT_PACKAGE {

static inline int64_t mt_floordiv(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}
static inline int64_t mt_mod(int64_t a, int64_t b) {
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
static inline int64_t mt_imin(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t mt_imax(int64_t a, int64_t b) { return a > b ? a : b; }

struct Size {
  int64_t value;   // 0 where it does not fit
  bool fits;
  Size(int64_t known) : value(known), fits(true) {}
  Size(int64_t computed, bool held) : value(held ? computed : 0), fits(held) {}
  bool good() const { return fits && value >= 0; }
};

static inline Size operator+(Size a, Size b) {
  int64_t sum = 0;
  const bool over = __builtin_add_overflow(a.value, b.value, &sum);
  return Size(sum, a.fits && b.fits && !over);
}
static inline Size operator-(Size a, Size b) {
  int64_t difference = 0;
  const bool over = __builtin_sub_overflow(a.value, b.value, &difference);
  return Size(difference, a.fits && b.fits && !over);
}
static inline Size operator-(Size a) { return Size(0) - a; }
static inline Size operator*(Size a, Size b) {
  int64_t product = 0;
  const bool over = __builtin_mul_overflow(a.value, b.value, &product);
  return Size(product, a.fits && b.fits && !over);
}
// A divisor is positive in every legal program.
static inline bool divides(Size a, Size b) { return a.fits && b.fits && b.value > 0; }
static inline Size mt_floordiv(Size a, Size b) {
  return divides(a, b) ? Size(mt_floordiv(a.value, b.value)) : Size(0, false);
}
static inline Size mt_mod(Size a, Size b) {
  return divides(a, b) ? Size(mt_mod(a.value, b.value)) : Size(0, false);
}
static inline Size operator/(Size a, Size b) { return mt_floordiv(a, b); }
static inline Size operator%(Size a, Size b) { return mt_mod(a, b); }
static inline Size mt_imin(Size a, Size b) {
  return Size(mt_imin(a.value, b.value), a.fits && b.fits);
}
static inline Size mt_imax(Size a, Size b) {
  return Size(mt_imax(a.value, b.value), a.fits && b.fits);
}

// How many parts tasks are worth: below this much work the hand-over to a thread takes longer.
static const int64_t kLeastWork = int64_t(1) << 15;
[[gnu::noinline]] static inline int64_t worth(Size tasks, Size work) {
  const int64_t most = work.fits ? 1 + work.value / kLeastWork : tasks.value;
  return tasks.value < most ? tasks.value : most;
}

// Of a size that is not good().
static inline SizeFault fault(Size size, const char* tensor, int32_t dim) {
  return {size.fits ? SizeFault::negative : SizeFault::overflow, tensor, dim, size.value};
}

}  // namespace MT_PACKAGE
#endif
