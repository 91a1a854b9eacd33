// SPDX-License-Identifier: Apache-2.0
// The same bits everywhere: every row and every cast, in every vector type of every CPU level,
// built by every compiler, against evaluate_array and cast_array of this program (scalars). A unit
// is compiled once, also for a level that this CPU does not run; its symbols are looked at then.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <tuple>

#include "tests/numerics/compilers.h"
#include "tests/numerics/sweep.h"

namespace mintor {
namespace {

using ApplyFn = bool (*)(int, int, int, const void* const*, void*, long);
using CastFn = bool (*)(int, const void*, int, void*, long);
using PartialFn = int (*)(int, const void*, void*, void*, long);

// The object refers to nothing outside and shares nothing: an inline function that two levels had
// in common would be merged, perhaps into the copy of the wrong CPU.
void expect_no_weak_or_undefined_symbols(const std::string& object, const Folder& folder) {
  const std::string listing = folder.file("symbols");
  ASSERT_EQ(std::system(("nm " + object + " > " + listing).c_str()), 0);
  std::istringstream symbols(read_text(listing));
  std::string line;
  while (std::getline(symbols, line)) {
    const size_t at = line.find_first_of("UWVwvu", 17);
    const bool special = at == 17 && line.find("_GLOBAL_OFFSET_TABLE_") == std::string::npos &&
                         line.find("memcpy") == std::string::npos &&
                         line.find("memset") == std::string::npos;
    EXPECT_FALSE(special) << line;
  }
}

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
    const std::string object = folder_.file("unit.o"), file = folder_.file("unit.so");
    const std::string said =
        compile(compiler, level, std::string("-c -D") + unit, "level_unit.cpp", object, folder_);
    EXPECT_EQ(said, "");
    if (!said.empty()) return false;
    if (level.name != std::string("reference"))
      expect_no_weak_or_undefined_symbols(object, folder_);
    if (!cpu_runs(level.name)) {
      skip_ = std::string("this CPU does not run ") + level.name + "; the unit was compiled only";
      return false;
    }
    const std::string link = compiler + " -shared " + object + " -o " + file;
    EXPECT_EQ(std::system(link.c_str()), 0) << link;
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

TEST_P(VectorBits, Rows) {
  if (!open("UNIT_ROWS")) {
    if (!skip_.empty()) GTEST_SKIP() << skip_;
    return;
  }
  const auto apply = function<ApplyFn>("unit_apply");
  // An instruction that rounds in its own way: dot_bf16_test.
  const bool own = std::get<1>(GetParam()).name == std::string("v4-bf16");
  expect_rows(apply, kAll, own ? std::optional(ScalarOp::dot_bf16) : std::nullopt);
}

TEST_P(VectorBits, CastsAndPartialMoves) {
  if (!open("UNIT_CASTS")) {
    if (!skip_.empty()) GTEST_SKIP() << skip_;
    return;
  }
  const auto cast = function<CastFn>("unit_cast");
  expect_casts(cast);
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
