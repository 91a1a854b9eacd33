// SPDX-License-Identifier: Apache-2.0
// Levels of AArch64: neon (ARMv8-A) and neon-dot (dot products of bytes, too). Facts only; the
// texts are in prelude/. Takes nothing; gives the levels, lowest first. Keeps true: neon-dot is
// neon with one instruction more.
#include "compiler/codegen/target.h"

#include "compiler/codegen/emit_cpp.h"
#include "targets/aarch64/runtime/cpu_aarch64.h"

namespace mintor {
namespace {

std::vector<TargetInfo> levels() {
  TargetInfo neon;
  neon.target = "aarch64";
  neon.level = "neon";
  neon.vector_bytes = 16;
  neon.vector_registers = 32;
  neon.features = {"neon", "fma"};
  neon.compile_flags = {"-march=armv8-a"};
  TargetInfo dot = neon;
  dot.level = "neon-dot";
  dot.features.push_back("dot");
  dot.on_request = true;
  dot.compile_flags = {"-march=armv8.2-a+dotprod"};
  return {neon, dot};
}

std::vector<std::string> prelude(const TargetInfo&) {
  return {"targets/aarch64/prelude/neon.h", "targets/aarch64/prelude/neon_dot.h"};
}

std::string supported(const TargetInfo& level) {
  return level.has("dot") ? "supports_neon_dot" : "supports_neon";
}

bool host_supports(const TargetInfo& level) {
  return level.has("dot") ? supports_neon_dot() : supports_neon();
}

}  // namespace

extern const Target target_aarch64;
const Target target_aarch64 = {"aarch64", "aarch64", levels,       prelude,
                               emit_cpp,  supported, host_supports};

}  // namespace mintor
