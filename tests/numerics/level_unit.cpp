// SPDX-License-Identifier: Apache-2.0
// Every row and every cast of one CPU level, as a shared library that vector_bits_test.cpp builds
// with each compiler and opens. C++17 without the standard library, as a package's kernels are.
// Takes arrays; gives arrays, computed `lanes` at a time by the level's prelude.
// Keeps true: returns false for combinations that the level has no type for.
#if defined(__AVX2__)
#include "targets/x86/prelude/dot.h"
#elif defined(LEVEL_NEON)
#include "targets/aarch64/prelude/neon_dot.h"
#elif defined(LEVEL_RVV)
#include "targets/riscv64/prelude/rvv.h"
#else
#include "targets/reference/prelude/scalar.h"
template <class V> static V load(const V* p) { return *p; }
template <class V> static void store(V* p, V v) { *p = v; }
#endif

// Dtypes in the order of mintor::DType, which is that of the package ABI.
enum { kF64, kF32, kF16, kBf16, kI8, kI16, kI32, kI64, kU8, kU16, kU32, kU64, kBool };
enum Signature {
  numeric, floating, single, integer, logical, equality, compare, test, select, words, pairs
};

template <class T> static constexpr bool takes(Signature s) {
  return s == numeric || s == compare || s == equality ? true
         : s == floating || s == test                  ? mt_floating<T>
         : s == single || s == pairs                    ? mt_same<T, float>
         : s == words                                  ? mt_same<T, mt_i32>
                                                       : s == integer && !mt_floating<T>;
}

template <class V, class R> static void put(void* out, long i, R r) {
  if constexpr (mt_same<R, mt_mask<V>> && !mt_same<R, V>) {
    store((mt_u8*)out + i, mt_mask_to_bool(r));
  } else {
    store((mt_element<V>*)out + i, r);
  }
}
// A mask and a signed integer vector are one type: the row says which it is.
template <class V, class R> static void put_mask(void* out, long i, R r) {
  store((mt_u8*)out + i, mt_mask_to_bool(r));
}
template <class V>
static V get(const void* x, long i) {
  return load<V>((const mt_element<V>*)x + i);
}

#define EACH for (long i = 0; i + mt_lanes<V> <= count; i += mt_lanes<V>)
#define CALL1(f) f(get<V>(x[0], i))
#define CALL2(f) f(get<V>(x[0], i), get<V>(x[1], i))
#define CALL3(f) f(get<V>(x[0], i), get<V>(x[1], i), get<V>(x[2], i))

template <class V> static bool apply(int op, const void* const* x, void* out, long count) {
  int row = 0;
#define X(name, arity, signature, spelling, ...)                                        \
  if constexpr (takes<mt_element<V>>(signature)) {                                      \
    if (op == row) {                                                                    \
      EACH {                                                                            \
        if constexpr (signature == equality || signature == compare || signature == test) { \
          put_mask<V>(out, i, CALL##arity(spelling));                                   \
        } else {                                                                        \
          put<V>(out, i, CALL##arity(spelling));                                        \
        }                                                                               \
      }                                                                                 \
      return true;                                                                      \
    }                                                                                   \
  }                                                                                     \
  ++row;
#include "compiler/ir/scalar_ops.def"
#undef X
  return false;
}

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
#elif defined(LEVEL_NEON) || defined(LEVEL_RVV)
constexpr int kBytes = 16;
#else
constexpr int kBytes = 0;
#endif

template <class T, int N>
static bool apply_lanes(int op, const void* const* x, void* out, long count) {
  if constexpr (N == 1 ? kBytes == 0 : N * (int)sizeof(T) <= kBytes) {
    return apply<mt_vector<T, N>>(op, x, out, count);
  } else {
    return false;
  }
}

#ifdef UNIT_ROWS
extern "C" bool unit_apply(int op, int dtype, int lanes, const void* const* x, void* out,
                           long count) {
#define AT(D, T, N) \
  if (dtype == D && lanes == N) return apply_lanes<T, N>(op, x, out, count);
  AT(kF32, float, 1) AT(kF32, float, 2) AT(kF32, float, 4) AT(kF32, float, 8) AT(kF32, float, 16)
  AT(kF64, double, 1) AT(kF64, double, 2) AT(kF64, double, 4) AT(kF64, double, 8)
#define INTEGER(D, T) AT(D, T, 1) AT(D, T, 2) AT(D, T, 4) AT(D, T, (sizeof(T) == 8 ? 8 : 16))
  INTEGER(kI8, mt_i8) INTEGER(kI16, mt_i16) INTEGER(kI32, mt_i32) INTEGER(kI64, mt_i64)
  INTEGER(kU8, mt_u8) INTEGER(kU16, mt_u16) INTEGER(kU32, mt_u32) INTEGER(kU64, mt_u64)
  return false;
}
#endif

#ifdef UNIT_CASTS
constexpr int kCastLanes = kBytes ? kBytes / 8 : 1;  // of the widest element
template <class T> using Row = mt_vector<T, kCastLanes>;

// f16 and bf16 go through their named casts, bool through masks, the rest through mt_cast.
template <int D, class From> static void cast_from(int to, const void* x, void* out, long count) {
  typedef Row<From> V;
  const auto value = [&](long i) {
    if constexpr (D == kBool) return mt_bool_to_mask(get<V>(x, i));
    else if constexpr (D == kF16) return mt_f16_to_f32(get<V>(x, i));
    else if constexpr (D == kBf16) return mt_bf16_to_f32(get<V>(x, i));
    else return get<V>(x, i);
  };
#define TO(E, T)                                                             \
  if (to == E) {                                                             \
    EACH {                                                                   \
      if constexpr (D == kBool) put<Row<T>>(out, i, mt_cast_mask<Row<T>>(value(i))); \
      else put<Row<T>>(out, i, mt_cast<Row<T>>(value(i)));                   \
    }                                                                        \
  }
  TO(kF64, double) TO(kF32, float) TO(kI8, mt_i8) TO(kI16, mt_i16) TO(kI32, mt_i32) TO(kI64, mt_i64)
  TO(kU8, mt_u8) TO(kU16, mt_u16) TO(kU32, mt_u32) TO(kU64, mt_u64)
  typedef Row<mt_u16> H;
  if (to == kF16) {
    EACH {
      if constexpr (D == kBool) store((mt_u16*)out + i, mt_convert_bool_f16<H>(value(i)));
      else store((mt_u16*)out + i, mt_to_f16(value(i)));
    }
  }
  if (to == kBf16) {
    EACH {
      if constexpr (D == kBool) store((mt_u16*)out + i, mt_convert_bool_bf16<H>(value(i)));
      else store((mt_u16*)out + i, mt_to_bf16(value(i)));
    }
  }
  if (to == kBool) {
    EACH {
      if constexpr (D == kBool) store((mt_u8*)out + i, mt_mask_to_bool(value(i)));
      else store((mt_u8*)out + i, mt_mask_to_bool(mt_cast_to_mask(value(i))));
    }
  }
}

extern "C" bool unit_cast(int from, const void* x, int to, void* out, long count) {
#define FROM(D, T) \
  if (from == D) cast_from<D, T>(to, x, out, count);
  FROM(kF64, double) FROM(kF32, float) FROM(kF16, mt_u16) FROM(kBf16, mt_u16) FROM(kI8, mt_i8)
  FROM(kI16, mt_i16) FROM(kI32, mt_i32) FROM(kI64, mt_i64) FROM(kU8, mt_u8) FROM(kU16, mt_u16)
  FROM(kU32, mt_u32) FROM(kU64, mt_u64) FROM(kBool, mt_u8)
  return true;
}
#endif

#if defined(UNIT_CASTS) && defined(__AVX2__)
// First `count` lanes from x to out, by the partial forms; lanes beyond must be 0 in `whole`.
template <class V> static void partial(const void* x, void* out, void* whole, long count) {
  const V v = load_partial<V>((const mt_element<V>*)x, count);
  store((mt_element<V>*)whole, v);
  store_partial((mt_element<V>*)out, v, count);
}
extern "C" int unit_partial(int type, const void* x, void* out, void* whole, long count) {
  int at = 0;
#define PARTIAL(V)                              \
  if (sizeof(V) <= kBytes && type == at++) {    \
    partial<V>(x, out, whole, count);           \
    return (int)(mt_lanes<V> * 256 + sizeof(V) / mt_lanes<V>); \
  }
  PARTIAL(f32x4)
  PARTIAL(f32x8) PARTIAL(f64x2) PARTIAL(f64x4) PARTIAL(i32x8) PARTIAL(u8x4) PARTIAL(u8x8)
      PARTIAL(u8x16) PARTIAL(u16x8) PARTIAL(i16x16) PARTIAL(i64x4) PARTIAL(u8x32)
#ifdef __AVX512F__
          PARTIAL(f32x16) PARTIAL(f64x8) PARTIAL(i32x16) PARTIAL(i64x8) PARTIAL(u8x64)
              PARTIAL(u16x32)
#endif
                  return 0;
}
#endif
