// SPDX-License-Identifier: Apache-2.0
// Measures the largest error of scalar functions: `accuracy_tool [--stride N] [row ...]`.
// One-argument f32 rows over all 2^32 operands (stride 1; the oracle is libm in double, an odd or
// even row is compared with its other half by bits), two-argument rows and f64 over random
// operands (oracle: libm in long double). Prints lines of measured.txt:
//   row dtype operands largest-error operand [operand]
// Target mintor_accuracy_tool; a full run takes about half an hour of one core.
#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "compiler/ir/scalar_math.h"
#include "tests/numerics/oracle.h"
#include "tests/numerics/samples.h"
#include "tests/numerics/ulp.h"

namespace mintor {
namespace {

uint32_t stride = 1;
std::vector<std::string> wanted;

bool is_wanted(const char* row) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), row) != wanted.end();
}

// Distance in f32 units, for doubles that lie in the normal range of double: no special cases.
double fast_ulp(float got, double want) {
  if (!(std::fabs(want) >= 0x1p-149 && std::fabs(want) < 0x1p127) || !(std::fabs(got) < 0x1p127f)) {
    return ulp_error(got, static_cast<long double>(want));
  }
  const int exponent = static_cast<int>(std::bit_cast<uint64_t>(want) >> 52 & 2047) - 1023;
  const int last = std::max(exponent - 23, -149);
  const double scale = std::bit_cast<double>(static_cast<uint64_t>(1023 - last) << 52);
  return std::fabs(got - want) * scale;
}

enum Symmetry { kNone, kOdd, kEven };

template <class F, class G>
void one_argument(const char* row, Symmetry symmetry, F f, G oracle) {
  if (!is_wanted(row)) return;
  double worst = 0;
  float at = 0;
  const uint64_t end = symmetry == kNone ? uint64_t{1} << 32 : uint64_t{1} << 31;
  for (uint64_t bits = 0; bits < end; bits += stride) {
    const float x = std::bit_cast<float>(static_cast<uint32_t>(bits));
    const float y = f(x);
    double error = fast_ulp(y, oracle(static_cast<double>(x)));
    if (symmetry != kNone) {
      const float other = f(-x), mirrored = symmetry == kOdd ? -other : other;
      if (std::bit_cast<uint32_t>(mirrored) != std::bit_cast<uint32_t>(y) && y == y) error = kWrong;
    }
    if (error > worst) {
      worst = error;
      at = x;
    }
  }
  std::printf("%-8s f32 %s %.4f %a\n", row,
              stride == 1 ? "all" : ("1/" + std::to_string(stride)).c_str(), worst,
              static_cast<double>(at));
  std::fflush(stdout);
}

template <class T, class F, class G>
void random_arguments(const char* row, int arity, int64_t count, F f, G oracle) {
  if (!is_wanted(row)) return;
  Random random(std::hash<std::string>()(row));
  double worst = 0;
  T at[2] = {};
  count = std::max<int64_t>(count / stride, 1000);
  for (int64_t i = 0; i < count; ++i) {
    const T x = random_value<T>(random), y = arity > 1 ? random_value<T>(random) : T(0);
    const double error =
        ulp_error(f(x, y), oracle(static_cast<long double>(x), static_cast<long double>(y)));
    if (error > worst) {
      worst = error;
      at[0] = x;
      at[1] = y;
    }
  }
  std::printf("%-8s %s %lld-random %.4f %a", row, sizeof(T) == 4 ? "f32" : "f64",
              static_cast<long long>(count), worst, static_cast<double>(at[0]));
  if (arity > 1) std::printf(" %a", static_cast<double>(at[1]));
  std::printf("\n");
  std::fflush(stdout);
}

void measure() {
#define F32(row, symmetry) \
  one_argument(            \
      #row, symmetry, [](float x) { return mt_##row(x); }, [](double x) { return std::row(x); });
  F32(exp, kNone)
  F32(exp2, kNone) F32(expm1, kNone) F32(log, kNone) F32(log2, kNone) F32(log10, kNone)
      F32(log1p, kNone) F32(sin, kOdd) F32(cos, kEven) F32(tan, kOdd) F32(asin, kOdd)
          F32(acos, kNone) F32(atan, kOdd) F32(sinh, kOdd) F32(cosh, kEven) F32(tanh, kOdd)
              F32(asinh, kOdd) F32(acosh, kNone) F32(atanh, kOdd) F32(erf, kOdd) F32(erfc, kNone)
                  F32(cbrt, kOdd)
#undef F32
                      one_argument(
                          "rsqrt", kNone, [](float x) { return mt_rsqrt(x); },
                          [](double x) { return 1 / std::sqrt(x); });
  one_argument("sigmoid", kNone, [](float x) { return mt_sigmoid(x); },
               [](double x) { return static_cast<double>(1 / (1 + std::exp(-x))); });
#define TWO(T, row, arity, count, ...)   \
  random_arguments<T>(                   \
      #row, arity, count,                \
      [](T x, T y) {                     \
        (void)y;                         \
        return mt_##row(__VA_ARGS__);    \
      },                                 \
      [](long double x, long double y) { \
        (void)y;                         \
        return oracle::row(__VA_ARGS__); \
      });
  TWO(float, pow, 2, 100000000, x, y)
  TWO(float, atan2, 2, 200000000, x, y)
  TWO(float, hypot, 2, 200000000, x, y)
  TWO(double, exp, 1, 100000000, x)
  TWO(double, log, 1, 100000000, x)
  TWO(double, sin, 1, 100000000, x)
  TWO(double, cos, 1, 100000000, x)
  TWO(double, tanh, 1, 100000000, x)
  TWO(double, erf, 1, 100000000, x)
  TWO(double, pow, 2, 50000000, x, y)
#undef TWO
}

}  // namespace
}  // namespace mintor

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(arguments[i], "--stride") == 0 && i + 1 < count) {
      mintor::stride = static_cast<uint32_t>(std::max(1, std::atoi(arguments[++i])));
    } else {
      mintor::wanted.push_back(arguments[i]);
    }
  }
  mintor::measure();
  return 0;
}
