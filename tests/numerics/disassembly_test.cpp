// SPDX-License-Identifier: Apache-2.0
// The prelude's operations become the instructions they are named after, with both compilers and
// at both vector levels, in registers of the level's width, without calls or loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "tests/numerics/compilers.h"

namespace mintor {
namespace {

struct Expectation {
  const char* function;
  const char* instruction;  // occurs as a prefix of a mnemonic
  int most;                 // instructions in all, `ret` included
  bool vector = true;       // in the widest registers of the level
  const char* level = "";   // only there
};

// The counts leave room for moves that one compiler adds, not for a loop over lanes.
constexpr Expectation kExpectations[] = {
    {"fma_f32", "vfm", 6},           {"fma_f64", "vfm", 6},
    {"fma_scalar", "vfm", 6, false}, {"broadcast_fma", "vfm", 6},
    {"sqrt_f32", "vsqrtps", 5},      {"sqrt_f64", "vsqrtpd", 5},
    {"sqrt_scalar", "vsqrtss", 5, false},
    {"floor_f32", "vr", 5},          {"round_f64", "vr", 5},
    {"relu_f32", "vmaxps", 6},       {"min_f32", "vminps", 16},
    {"max_f32", "vmaxps", 16},       {"select_f32", "vcmp", 9},
    {"load_f32", "vmov", 5},         {"load_partial_f32", "v", 22},
    {"store_partial_f32", "v", 22},  {"load_partial_f64", "v", 22},
    {"to_i32", "vcvttps2dq", 26},    {"from_i32", "vcvtdq2ps", 5},
    {"compare_bytes", "vcmp", 12},   {"exp_f32", "vfm", 70},
    {"f16_to_f32", "vcvtph2ps", 5},
    {"dot_bytes", "vpdpbusd", 7, true, "v4-vnni"},
    {"dot_bytes", "vpdpbusd", 7, true, "v4-bf16"},
    {"dot_bytes", "vpmaddwd", 40, true, "v4"},
    {"dot_bytes", "vpmaddwd", 40, true, "v3"},
    {"dot_bf16", "vdpbf16ps", 8, true, "v4-bf16"},
    {"dot_bf16", "vfm", 14, true, "v4"},
    {"dot_bf16", "vfm", 14, true, "v3"},
    // gcc 12 narrows lane by lane at v3.
    {"to_u8", "vcvttps2dq", 20, true, "v4"},
    {"to_u8", "vcvttps2dq", 20, true, "v4-vnni"},
    {"to_u8", "vcvttps2dq", 20, true, "v4-bf16"},
};

class Disassembly : public testing::TestWithParam<std::tuple<std::string, Level>> {};

// Function name -> its instructions.
std::map<std::string, std::vector<std::string>> functions_of(const std::string& listing) {
  std::map<std::string, std::vector<std::string>> functions;
  std::istringstream lines(listing);
  std::string line, current;
  while (std::getline(lines, line)) {
    const size_t open = line.find('<'), close = line.find(">:");
    if (open != std::string::npos && close != std::string::npos) {
      current = line.substr(open + 1, close - open - 1);
    } else if (const size_t tab = line.find('\t'); tab != std::string::npos && !current.empty()) {
      const std::string text = line.substr(tab + 1);
      if (!text.starts_with("nop") && !text.starts_with("data16") && !text.starts_with("cs nop") &&
          !text.starts_with("xchg")) {
        functions[current].push_back(text);
      }
    }
  }
  return functions;
}

TEST_P(Disassembly, UsesTheInstructions) {
  const auto [compiler, level] = GetParam();
  if (!has_compiler(compiler)) GTEST_SKIP() << "no " << compiler << " on this machine";
  if (!has_compiler("objdump")) GTEST_SKIP() << "no objdump on this machine";
  Folder folder;
  const std::string object = folder.file("unit.o"), listing = folder.file("listing");
  ASSERT_EQ(compile(compiler, level, "-c", "disassembly_unit.cpp", object, folder), "");
  ASSERT_EQ(std::system(("objdump -d --no-show-raw-insn " + object + " > " + listing).c_str()), 0);
  auto functions = functions_of(read_text(listing));
  const std::string wide = std::string(level.name).starts_with("v4") ? "%zmm" : "%ymm";
  for (const Expectation& e : kExpectations) {
    if (*e.level != 0 && std::string(e.level) != level.name) continue;
    const auto& code = functions[e.function];
    std::string text;
    bool found = false, in_width = !e.vector, plain = true;
    for (const std::string& line : code) {
      text += line + "\n";
      found = found || line.starts_with(e.instruction);
      in_width = in_width || line.find(wide) != std::string::npos;
      plain = plain && !line.starts_with("call");
    }
    EXPECT_TRUE(found) << e.function << " has no " << e.instruction << ":\n" << text;
    EXPECT_TRUE(in_width) << e.function << " does not use " << wide << ":\n" << text;
    EXPECT_TRUE(plain) << e.function << " calls a function:\n" << text;
    EXPECT_LE(code.size(), static_cast<size_t>(e.most)) << e.function << ":\n" << text;
  }
}

std::string case_name(const testing::TestParamInfo<std::tuple<std::string, Level>>& info) {
  std::string name = std::get<0>(info.param) + "_" + std::get<1>(info.param).name;
  std::replace_if(name.begin(), name.end(), [](char c) { return c == '+' || c == '-'; }, 'p');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Levels, Disassembly,
                         testing::Combine(testing::ValuesIn(kCompilers),
                                          testing::Values(kLevels[1], kLevels[2], kLevels[3],
                                                         kLevels[4])),
                         case_name);

}  // namespace
}  // namespace mintor
