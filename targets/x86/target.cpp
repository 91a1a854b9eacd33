// SPDX-License-Identifier: Apache-2.0
// Levels of x86-64: v3 (AVX2 and FMA), v4 (AVX-512 F, BW, CD, DQ, VL), v4-vnni (dot products of
// bytes, too) and v4-bf16 (of bf16, too). Facts only; the texts are in prelude/. Takes nothing;
// gives the levels, lowest first. Keeps true: v4 is v3 with wider vectors; a level has all that is
// below it.
#include "compiler/codegen/target.h"

#include <algorithm>

#include "compiler/codegen/emit_cpp.h"
#include "targets/x86/runtime/cpu_x86.h"

namespace mintor {
namespace {

std::vector<TargetInfo> levels() {
  TargetInfo v3;
  v3.target = "x86";
  v3.level = "v3";
  v3.vector_bytes = 32;
  v3.vector_registers = 16;
  v3.features = {"avx2", "fma"};
  v3.compile_flags = {"-march=x86-64-v3"};
  TargetInfo v4 = v3;
  v4.level = "v4";
  v4.vector_bytes = 64;
  v4.vector_registers = 32;
  v4.features = {"avx2", "fma", "avx512"};
  // Without the width clang splits 64-byte vectors in two.
  v4.compile_flags = {"-march=x86-64-v4", "-mprefer-vector-width=512"};
  TargetInfo vnni = v4;
  vnni.level = "v4-vnni";
  vnni.features.push_back("vnni");
  vnni.on_request = true;
  vnni.compile_flags.push_back("-mavx512vnni");
  TargetInfo bf16 = vnni;
  bf16.level = "v4-bf16";
  bf16.features.push_back("bf16");
  bf16.compile_flags.push_back("-mavx512bf16");
  return {v3, v4, vnni, bf16};
}

std::vector<std::string> prelude(const TargetInfo&) {
  return {"targets/x86/prelude/vector.h", "targets/x86/prelude/dot.h"};
}

std::string supported(const TargetInfo& level) {
  std::string name = "supports_" + level.level;
  std::ranges::replace(name, '-', '_');
  return name;
}

bool host_supports(const TargetInfo& level) {
  if (level.level == "v4-bf16") return supports_v4_bf16();
  if (level.level == "v4-vnni") return supports_v4_vnni();
  return level.level == "v4" ? supports_v4() : supports_v3();
}

}  // namespace

extern const Target target_x86;
const Target target_x86 = {"x86", "x86_64", levels, prelude, emit_cpp, supported, host_supports};

}  // namespace mintor
