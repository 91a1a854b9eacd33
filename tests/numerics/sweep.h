// SPDX-License-Identifier: Apache-2.0
// Every row and every cast against evaluate_array and cast_array of this program (scalars), whoever
// computes them. Takes functions that level_unit.cpp has, of this process or of another machine;
// the first difference of each fails the test. Keeps true: `most` elements of each column at most,
// a multiple of 64; special values come first.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>

#include "compiler/ir/scalar_eval.h"
#include "tests/numerics/samples.h"

namespace mintor {

using Apply =
    std::function<bool(int row, int dtype, int lanes, const void* const* x, void* out, long count)>;
using Cast = std::function<bool(int from, const void* x, int to, void* out, long count)>;
inline constexpr int64_t kAll = std::numeric_limits<int64_t>::max();

// Equal bits; for floats any two NaN are equal.
inline int64_t first_difference(DType dtype, const char* a, const char* b, int64_t count) {
  const int64_t size = size_of(dtype);
  for (int64_t i = 0; i < count; ++i) {
    if (std::memcmp(a + i * size, b + i * size, static_cast<size_t>(size)) == 0) continue;
    const Scalar x = Scalar::read(dtype, a + i * size), y = Scalar::read(dtype, b + i * size);
    if (is_float(dtype) && x.f != x.f && y.f != y.f) continue;
    return i;
  }
  return -1;
}

// All pairs of special values and random ones, a multiple of 64 in number.
inline std::vector<std::vector<char>> columns_of(DType dtype) {
  std::vector<std::vector<char>> columns(3);
  with_arithmetic_type(dtype, [&](auto type) {
    using T = decltype(type);
    const std::vector<T> special = special_values<T>();
    std::vector<T> values[3];
    for (size_t i = 0; i < special.size() * special.size(); ++i) {
      values[0].push_back(special[i % special.size()]);
      values[1].push_back(special[i / special.size()]);
      values[2].push_back(special[(i * 5 + 3) % special.size()]);
    }
    Random random(99);
    while (values[0].size() < 24000 || values[0].size() % 64 != 0) {
      for (auto& column : values) column.push_back(random_value<T>(random));
    }
    for (int i = 0; i < 3; ++i) {
      columns[static_cast<size_t>(i)].resize(values[i].size() * sizeof(T));
      std::memcpy(columns[static_cast<size_t>(i)].data(), values[i].data(),
                  values[i].size() * sizeof(T));
    }
  });
  return columns;
}

inline void expect_rows(const Apply& apply, int64_t most = kAll,
                        std::optional<ScalarOp> left_out = std::nullopt) {
  int compared = 0;
  for (int d = 0; d < kDTypeCount; ++d) {
    const DType dtype = static_cast<DType>(d);
    const auto columns = columns_of(dtype);
    if (columns[0].empty()) continue;
    const int64_t there = static_cast<int64_t>(columns[0].size()) / size_of(dtype);
    const int64_t count = std::min(there, most);
    const void* pointers[] = {columns[0].data(), columns[1].data(), columns[2].data()};
    for (int o = 0; o < kScalarOpCount; ++o) {
      const ScalarOp op = static_cast<ScalarOp>(o);
      const std::vector<DType> dtypes(static_cast<size_t>(arity(op)), dtype);
      if (accepts(op, dtypes)) continue;
      if (op == left_out) continue;
      const DType result = result_dtype(op, dtypes);
      std::vector<char> want(static_cast<size_t>(count * size_of(result))), got(want.size());
      evaluate_array(op, dtype, std::span(pointers).first(dtypes.size()), want.data(), count);
      for (int lanes : {1, 2, 4, 8, 16}) {
        std::fill(got.begin(), got.end(), 0);
        if (!apply(o, d, lanes, pointers, got.data(), count)) continue;
        ++compared;
        const int64_t at = first_difference(result, got.data(), want.data(), count);
        ASSERT_EQ(at, -1) << name_of(op) << " " << name_of(dtype) << " x" << lanes << " of "
                          << Scalar::read(dtype, columns[0].data() + at * size_of(dtype)).f << " "
                          << Scalar::read(dtype, columns[1].data() + at * size_of(dtype)).f
                          << " gives " << Scalar::read(result, got.data() + at * size_of(result)).f
                          << ", not " << Scalar::read(result, want.data() + at * size_of(result)).f;
      }
    }
  }
  EXPECT_GE(compared, kScalarOpCount);
}

inline void expect_casts(const Cast& cast, int64_t most = kAll) {
  for (int f = 0; f < kDTypeCount; ++f) {
    const DType from = static_cast<DType>(f);
    std::vector<char> x;
    if (is_storage_float(from)) {
      x.resize(2 * 65536);
      for (int i = 0; i < 65536; ++i) {
        const uint16_t h = static_cast<uint16_t>(i);
        std::memcpy(&x[static_cast<size_t>(2 * i)], &h, 2);
      }
    } else if (from == DType::boolean) {
      for (int i = 0; i < 64; ++i) x.push_back(static_cast<char>(i % 3 == 0));
    } else {
      x = columns_of(from)[0];
      const std::vector<char> more = columns_of(from)[1];
      x.insert(x.end(), more.begin(), more.end());
    }
    const int64_t count = std::min(static_cast<int64_t>(x.size()) / size_of(from), most);
    for (int t = 0; t < kDTypeCount; ++t) {
      const DType to = static_cast<DType>(t);
      std::vector<char> want(static_cast<size_t>(count * size_of(to))), got(want.size());
      cast_array(from, x.data(), to, want.data(), count);
      // A kernel writes no cast from a dtype to itself; the unit passes through f32.
      if (from == to) continue;
      cast(f, x.data(), t, got.data(), count);
      const int64_t at = first_difference(to, got.data(), want.data(), count);
      ASSERT_EQ(at, -1) << name_of(from) << " to " << name_of(to) << " of "
                        << Scalar::read(from, x.data() + at * size_of(from)).f << " / "
                        << Scalar::read(from, x.data() + at * size_of(from)).i;
    }
  }
}

}  // namespace mintor
