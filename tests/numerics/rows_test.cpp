// SPDX-License-Identifier: Apache-2.0
// Every row of the scalar table against its oracle: f32 and f64 by distance, integers exactly.
// The bounds are the measured errors of docs/numerics.md (measured.txt); a row without one must
// round correctly.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "compiler/ir/scalar_eval.h"
#include "tests/numerics/oracle.h"
#include "tests/numerics/samples.h"
#include "tests/numerics/ulp.h"

namespace mintor {
namespace {

// {row, dtype} -> largest error measured. Where not every operand was tried, a quarter more is
// allowed, and a unit of the oracle's own rounding always.
const std::map<std::pair<std::string, std::string>, double>& measured_bounds() {
  static const auto bounds = [] {
    std::map<std::pair<std::string, std::string>, double> result;
    std::ifstream file(MINTOR_SOURCE_DIR "/tests/numerics/measured.txt");
    std::string line;
    while (std::getline(file, line)) {
      std::istringstream words(line);
      std::string row, dtype, operands;
      double error = 0;
      if (!line.starts_with('#') && words >> row >> dtype >> operands >> error) {
        result[{row, dtype}] = (operands == "all" ? 1.001 : 1.25) * error;
      }
    }
    return result;
  }();
  return bounds;
}

double ulp_bound(ScalarOp op, DType dtype) {
  const auto it = measured_bounds().find({std::string(name_of(op)), std::string(name_of(dtype))});
  return it == measured_bounds().end() ? 0.5005 : it->second;
}

std::vector<DType> operand_dtypes(ScalarOp op, DType dtype) {
  std::vector<DType> dtypes(static_cast<size_t>(arity(op)), dtype);
  if (op == ScalarOp::where) dtypes[0] = DType::boolean;
  return dtypes;
}

// Operand columns: all combinations of special values, then random ones (or, for one operand of
// f32, every stride-th float).
template <class T>
std::vector<std::vector<T>> operands_for(int arity, int64_t random_count, uint32_t stride) {
  std::vector<std::vector<T>> columns(static_cast<size_t>(arity));
  const std::vector<T> special = special_values<T>();
  const size_t n = special.size();
  size_t combinations = n;
  for (int i = 1; i < std::min(arity, 2); ++i) combinations *= n;
  for (size_t c = 0; c < combinations; ++c) {
    columns[0].push_back(special[c % n]);
    if (arity > 1) columns[1].push_back(special[c / n]);
    if (arity > 2) columns[2].push_back(special[(c * 7 + c / n) % n]);
  }
  Random random(2027);
  if (arity == 1 && std::is_same_v<T, float>) {
    for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += stride) {
      columns[0].push_back(static_cast<T>(std::bit_cast<float>(static_cast<uint32_t>(bits))));
    }
  } else {
    for (int64_t i = 0; i < random_count; ++i) {
      for (auto& column : columns) column.push_back(random_value<T>(random));
    }
  }
  return columns;
}

template <class T>
void check_float_row(ScalarOp op, DType dtype) {
  const auto dtypes = operand_dtypes(op, dtype);
  if (op == ScalarOp::where || accepts(op, dtypes)) return;
  const auto columns = operands_for<T>(arity(op), 100000, 99991);
  const int64_t count = static_cast<int64_t>(columns[0].size());
  std::vector<const void*> pointers;
  for (const auto& column : columns) pointers.push_back(column.data());
  std::vector<T> result(static_cast<size_t>(count));
  const bool is_test = result_dtype(op, dtypes) == DType::boolean;
  evaluate_array(op, dtype, pointers, result.data(), count);
  const double bound = is_test ? 0 : ulp_bound(op, dtype);
  double worst = 0;
  int64_t at = 0;
  for (int64_t i = 0; i < count; ++i) {
    oracle::real v[3] = {};
    for (size_t k = 0; k < columns.size(); ++k) v[k] = columns[k][static_cast<size_t>(i)];
    // What the bits of a NaN hold is lost on the way to the oracle.
    if (row_of(op).signature == Signature::pairs && (std::isnan(v[0]) || std::isnan(v[1])))
      continue;
    const oracle::real want = oracle::evaluate(op, v);
    double error = 0;
    if (is_test) {
      const uint8_t byte = reinterpret_cast<const uint8_t*>(result.data())[i];
      error = byte == (want != 0 ? 1 : 0) ? 0 : kWrong;
    } else {
      error = ulp_error(result[static_cast<size_t>(i)], want);
    }
    if (error > worst) {
      worst = error;
      at = i;
    }
  }
  std::string text;
  for (const auto& column : columns) text += " " + std::to_string(column[static_cast<size_t>(at)]);
  EXPECT_LE(worst, bound) << name_of(op) << " " << name_of(dtype) << " at" << text << " gives "
                          << result[static_cast<size_t>(at)];
}

// At most 4 units is the promise; nothing worse may be written down.
TEST(Rows, MeasuredErrorsKeepThePromise) {
  EXPECT_GE(measured_bounds().size(), 34u);
  for (const auto& [key, bound] : measured_bounds()) {
    EXPECT_LE(bound, 4) << key.first << " " << key.second;
    EXPECT_TRUE(parse_scalar_op(key.first)) << key.first;
  }
}

TEST(Rows, TheDocumentHasTheTable) {
  const std::string script = MINTOR_SOURCE_DIR "/tests/numerics/numerics_table.py --check";
  EXPECT_EQ(std::system(("python3 " + script).c_str()), 0);
}

TEST(Rows, FloatsAreWithinTheirBounds) {
  for (int i = 0; i < kScalarOpCount; ++i) {
    check_float_row<float>(static_cast<ScalarOp>(i), DType::f32);
    check_float_row<double>(static_cast<ScalarOp>(i), DType::f64);
  }
}

template <class T>
void check_integer_row(ScalarOp op, DType dtype) {
  const auto dtypes = operand_dtypes(op, dtype);
  if (op == ScalarOp::where || accepts(op, dtypes)) return;
  const auto columns = operands_for<T>(arity(op), 20000, 1);
  const int64_t count = static_cast<int64_t>(columns[0].size());
  std::vector<const void*> pointers;
  for (const auto& column : columns) pointers.push_back(column.data());
  std::vector<T> result(static_cast<size_t>(count));
  evaluate_array(op, dtype, pointers, result.data(), count);
  const bool is_test = result_dtype(op, dtypes) == DType::boolean;
  for (int64_t i = 0; i < count; ++i) {
    oracle::wide v[3] = {};
    for (size_t k = 0; k < columns.size(); ++k) v[k] = columns[k][static_cast<size_t>(i)];
    const oracle::wide want =
        oracle::evaluate_int(op, v, static_cast<int>(8 * sizeof(T)), std::is_signed_v<T>);
    const int64_t got = is_test ? reinterpret_cast<const uint8_t*>(result.data())[i]
                                : static_cast<int64_t>(result[static_cast<size_t>(i)]);
    ASSERT_EQ(got,
              is_test ? static_cast<int64_t>(want) : static_cast<int64_t>(static_cast<T>(want)))
        << name_of(op) << " " << name_of(dtype) << " of " << static_cast<int64_t>(v[0]) << ", "
        << static_cast<int64_t>(v[1]) << ", " << static_cast<int64_t>(v[2]);
  }
}

TEST(Rows, IntegersAreExact) {
  for (int i = 0; i < kScalarOpCount; ++i) {
    for (int d = 0; d < kDTypeCount; ++d) {
      const DType dtype = static_cast<DType>(d);
      if (!is_int(dtype)) continue;
      with_arithmetic_type(dtype, [&](auto type) {
        if constexpr (std::is_integral_v<decltype(type)>) {
          check_integer_row<decltype(type)>(static_cast<ScalarOp>(i), dtype);
        }
      });
    }
  }
}

TEST(Rows, EveryPairOfEightBitIntegers) {
  std::vector<int8_t> x, y, result(65536);
  for (int i = 0; i < 65536; ++i) {
    x.push_back(static_cast<int8_t>(i & 255));
    y.push_back(static_cast<int8_t>(i >> 8));
  }
  const void* pointers[] = {x.data(), y.data()};
  for (ScalarOp op : {ScalarOp::div, ScalarOp::mod, ScalarOp::fmod, ScalarOp::floordiv,
                      ScalarOp::pow, ScalarOp::shl, ScalarOp::shr, ScalarOp::mul}) {
    evaluate_array(op, DType::i8, pointers, result.data(), 65536);
    for (size_t i = 0; i < 65536; ++i) {
      const oracle::wide v[3] = {x[i], y[i], 0};
      ASSERT_EQ(result[i], static_cast<int8_t>(oracle::evaluate_int(op, v, 8, true)))
          << name_of(op) << " of " << int{x[i]} << ", " << int{y[i]};
    }
  }
}

TEST(Rows, BooleansFollowTheirTruthTables) {
  for (int x = 0; x < 2; ++x) {
    for (int y = 0; y < 2; ++y) {
      const Scalar v[] = {Scalar::of_int(DType::boolean, x), Scalar::of_int(DType::boolean, y)};
      EXPECT_EQ(evaluate(ScalarOp::and_, v).i, x & y);
      EXPECT_EQ(evaluate(ScalarOp::or_, v).i, x | y);
      EXPECT_EQ(evaluate(ScalarOp::xor_, v).i, x ^ y);
      EXPECT_EQ(evaluate(ScalarOp::eq, v).i, x == y);
      EXPECT_EQ(evaluate(ScalarOp::ne, v).i, x != y);
      EXPECT_EQ(evaluate(ScalarOp::not_, std::span(v).first(1)).i, 1 - x);
    }
  }
}

TEST(Rows, WhereMovesEveryDtype) {
  for (int d = 0; d < kDTypeCount; ++d) {
    const DType dtype = static_cast<DType>(d);
    const Scalar a = Scalar::of_int(dtype, 1), b = Scalar::of_int(dtype, 0);
    const Scalar yes[] = {Scalar::of_int(DType::boolean, 1), a, b};
    const Scalar no[] = {Scalar::of_int(DType::boolean, 0), a, b};
    EXPECT_TRUE(evaluate(ScalarOp::where, yes).same_bits(a)) << name_of(dtype);
    EXPECT_TRUE(evaluate(ScalarOp::where, no).same_bits(b)) << name_of(dtype);
  }
}

}  // namespace
}  // namespace mintor
