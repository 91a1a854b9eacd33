// SPDX-License-Identifier: Apache-2.0
// Operands for sweeps: special values, random bits, and random values near 1, as bytes of a dtype.
// Keeps true: the same sequence for the same seed everywhere.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "compiler/support/dtype.h"

namespace mintor {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {  // splitmix64
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

template <class T>
std::vector<T> special_values() {
  using L = std::numeric_limits<T>;
  std::vector<T> values;
  if constexpr (L::is_integer) {
    for (int i = -9; i <= 9; ++i) values.push_back(static_cast<T>(i));
    for (T v : {L::min(), L::max()}) {
      for (int i = -2; i <= 2; ++i)
        values.push_back(static_cast<T>(static_cast<uint64_t>(v) + static_cast<uint64_t>(i)));
    }
    for (int b = 1; b < static_cast<int>(8 * sizeof(T)); ++b)
      values.push_back(static_cast<T>(uint64_t{1} << b));
  } else {
    const T positive[] = {0,
                          L::denorm_min(),
                          3 * L::denorm_min(),
                          L::min() / 2,
                          L::min(),
                          L::min() * 3,
                          L::epsilon(),
                          L::epsilon() / 2,
                          T(1e-5),
                          T(0.1),
                          T(0.25),
                          T(0.5),
                          T(0.75),
                          T(1),
                          1 + L::epsilon(),
                          1 - L::epsilon() / 2,
                          T(1.5),
                          T(2),
                          T(2.5),
                          T(3),
                          T(3.5),
                          T(7),
                          T(10),
                          T(100),
                          T(1000),
                          T(0.785398163397448),
                          T(1.5707963267948966),
                          T(3.14159265358979),
                          T(88.72),
                          T(89.5),
                          T(709.7),
                          T(710.5),
                          T(1e5),
                          T(123456.7),
                          T(8388607.5),
                          T(16777216),
                          T(2147483648.0),
                          T(4294967296.0),
                          T(9007199254740993.0),
                          T(9223372036854775808.0),
                          T(18446744073709551616.0),
                          T(1e30),
                          L::max() / 2,
                          L::max(),
                          L::infinity()};
    for (T v : positive) {
      values.push_back(v);
      values.push_back(-v);
    }
    values.push_back(L::quiet_NaN());
    values.push_back(-L::quiet_NaN());
  }
  return values;
}

// A third each: any bits; moderate values; small whole numbers and halves.
template <class T>
T random_value(Random& random) {
  const uint64_t bits = random.next();
  if constexpr (std::numeric_limits<T>::is_integer) {
    return static_cast<T>(bits >> 8) >> (bits % (8 * sizeof(T)));
  } else {
    const double unit = static_cast<double>(bits >> 11) * 0x1p-53;
    switch (bits % 3) {
      case 0:
        return std::bit_cast<T>(
            static_cast<std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>(random.next()));
      case 1:
        return static_cast<T>(std::ldexp(unit * 2 - 1, static_cast<int>(random.next() % 24) - 12));
      default: return static_cast<T>(static_cast<int>(random.next() % 64) - 32) / 2;
    }
  }
}

// Calls f with a value of the host type of an arithmetic dtype.
template <class F>
void with_arithmetic_type(DType dtype, F f) {
  switch (dtype) {
    case DType::f64: f(double{}); break;
    case DType::f32: f(float{}); break;
    case DType::i8: f(int8_t{}); break;
    case DType::i16: f(int16_t{}); break;
    case DType::i32: f(int32_t{}); break;
    case DType::i64: f(int64_t{}); break;
    case DType::u8: f(uint8_t{}); break;
    case DType::u16: f(uint16_t{}); break;
    case DType::u32: f(uint32_t{}); break;
    case DType::u64: f(uint64_t{}); break;
    case DType::boolean:
    case DType::f16:
    case DType::bf16: break;
  }
}

}  // namespace mintor
