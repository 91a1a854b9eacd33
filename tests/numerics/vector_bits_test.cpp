// SPDX-License-Identifier: Apache-2.0
// The same bits everywhere: every row and every cast, in every vector type of every CPU level,
// built by every compiler, against evaluate_array and cast_array of this program (scalars).
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "compiler/ir/scalar_eval.h"
#include "tests/numerics/compilers.h"
#include "tests/numerics/samples.h"

namespace mintor {
namespace {

using ApplyFn = bool (*)(int, int, int, const void* const*, void*, long);
using CastFn = bool (*)(int, const void*, int, void*, long);
using PartialFn = int (*)(int, const void*, void*, void*, long);

class VectorBits : public testing::TestWithParam<std::tuple<std::string, Level>> {
 protected:
  ~VectorBits() override {
    if (library_ != nullptr) dlclose(library_);
  }
  // False: skipped or failed.
  bool open(const char* unit) {
    const auto [compiler, level] = GetParam();
    if (!has_compiler(compiler)) {
      skip_ = "no " + compiler + " on this machine";
      return false;
    }
    const std::string file = folder_.file("unit.so");
    const std::string said =
        compile(compiler, level, std::string("-shared -D") + unit, "level_unit.cpp", file, folder_);
    EXPECT_EQ(said, "");
    if (!said.empty()) return false;
    if (!cpu_runs(level.name)) {
      skip_ = std::string("this CPU does not run ") + level.name + "; the unit was compiled only";
      return false;
    }
    library_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(library_, nullptr) << dlerror();
    return library_ != nullptr;
  }
  template <class F>
  F function(const char* name) const {
    return reinterpret_cast<F>(dlsym(library_, name));
  }
  std::string skip_;

 private:
  Folder folder_;
  void* library_ = nullptr;
};

// Equal bits; for floats any two NaN are equal.
int64_t first_difference(DType dtype, const char* a, const char* b, int64_t count) {
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
std::vector<std::vector<char>> columns_of(DType dtype) {
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

TEST_P(VectorBits, Rows) {
  if (!open("UNIT_ROWS")) {
    if (!skip_.empty()) GTEST_SKIP() << skip_;
    return;
  }
  const auto apply = function<ApplyFn>("unit_apply");
  int compared = 0;
  for (int d = 0; d < kDTypeCount; ++d) {
    const DType dtype = static_cast<DType>(d);
    const auto columns = columns_of(dtype);
    if (columns[0].empty()) continue;
    const int64_t count = static_cast<int64_t>(columns[0].size()) / size_of(dtype);
    const void* pointers[] = {columns[0].data(), columns[1].data(), columns[2].data()};
    for (int o = 0; o < kScalarOpCount; ++o) {
      const ScalarOp op = static_cast<ScalarOp>(o);
      const std::vector<DType> dtypes(static_cast<size_t>(arity(op)), dtype);
      if (accepts(op, dtypes)) continue;
      // An instruction that rounds in its own way: dot_bf16_test.
      if (op == ScalarOp::dot_bf16 && std::get<1>(GetParam()).name == std::string("v4-bf16"))
        continue;
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

TEST_P(VectorBits, CastsAndPartialMoves) {
  if (!open("UNIT_CASTS")) {
    if (!skip_.empty()) GTEST_SKIP() << skip_;
    return;
  }
  const auto cast = function<CastFn>("unit_cast");
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
    const int64_t count = static_cast<int64_t>(x.size()) / size_of(from);
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
  const auto partial = function<PartialFn>("unit_partial");
  if (partial == nullptr) return;  // the reference level has no vectors
  // The operand ends at a page that may not be touched.
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* pages = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  unsigned char* end = static_cast<unsigned char*>(pages) + page;
  ASSERT_EQ(mprotect(end, page, PROT_NONE), 0);
  for (int type = 0;; ++type) {
    unsigned char whole[256], out[256];
    const int facts = partial(type, end, out, whole, 0);
    if (facts == 0) break;
    const int lanes = facts / 256, size = facts % 256;
    for (int count = -1; count <= lanes + 1; ++count) {
      const int valid = std::clamp(count, 0, lanes) * size;
      unsigned char* source = end - valid;
      for (int i = 0; i < valid; ++i) source[i] = static_cast<unsigned char>(i + 1);
      std::memset(out, 0xee, sizeof out);
      partial(type, source, out, whole, count);
      EXPECT_EQ(std::memcmp(out, source, static_cast<size_t>(valid)), 0) << type << " " << count;
      EXPECT_EQ(out[valid], 0xee) << "wrote past " << count << " of type " << type;
      EXPECT_EQ(std::memcmp(whole, source, static_cast<size_t>(valid)), 0) << type << " " << count;
      for (int i = valid; i < lanes * size; ++i) EXPECT_EQ(whole[i], 0) << type << " " << count;
      partial(type, source, source, whole, count);  // and the store writes no further
    }
  }
  munmap(pages, 2 * page);
}

std::string case_name(const testing::TestParamInfo<std::tuple<std::string, Level>>& info) {
  std::string name = std::get<0>(info.param) + "_" + std::get<1>(info.param).name;
  std::replace_if(name.begin(), name.end(), [](char c) { return c == '+' || c == '-'; }, 'p');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Levels, VectorBits,
                         testing::Combine(testing::ValuesIn(kCompilers),
                                          testing::ValuesIn(kLevels)),
                         case_name);

}  // namespace
}  // namespace mintor
