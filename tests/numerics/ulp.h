// SPDX-License-Identifier: Apache-2.0
// Distance of a result from the exact value, in units of the last place of the exact value.
// Keeps true: equal specials are 0 apart; a wrong special, a wrong sign of zero, NaN on one side
// only are kWrong; an overflow that rounding alone would avoid counts as the distance to the limit.
#pragma once

#include <cmath>
#include <limits>

namespace mintor {

constexpr double kWrong = 1e9;

template <class T>
double ulp_error(T got, long double want) {
  using Limits = std::numeric_limits<T>;
  if (want != want) return got != got ? 0 : kWrong;
  if (got != got) return kWrong;
  if (want == 0 || got == 0) {
    if (want == 0 && got == 0) return std::signbit(want) == std::signbit(got) ? 0 : kWrong;
  }
  int exponent;
  std::frexp(want, &exponent);
  if (std::isinf(want)) return std::isinf(got) && (want > 0) == (got > 0) ? 0 : kWrong;
  if (exponent > Limits::max_exponent) exponent = Limits::max_exponent;
  int last = exponent - Limits::digits;
  const int least = Limits::min_exponent - Limits::digits;
  if (last < least) last = least;
  // The infinity stands for the number that would follow the largest one.
  const long double value = std::isinf(got) ? std::copysign(std::ldexp(1.0L, Limits::max_exponent),
                                                            static_cast<long double>(got))
                                            : static_cast<long double>(got);
  if (std::isinf(got) && std::fabs(want) > std::fabs(value)) return 0;
  if (std::signbit(want) != std::signbit(value) && value != 0) return kWrong;
  return static_cast<double>(std::ldexp(std::fabs(value - want), -last));
}

}  // namespace mintor
