// SPDX-License-Identifier: Apache-2.0
// The level of RISC-V: rvv (the vector extension, version 1.0). Facts only; the texts are in
// prelude/. Takes nothing; gives the level. Keeps true: vectors of 16 bytes, the least that the
// extension has for application processors, so that one text serves every length.
#include "compiler/codegen/target.h"

#include "compiler/codegen/emit_cpp.h"
#include "targets/riscv64/runtime/cpu_riscv64.h"

namespace mintor {
namespace {

std::vector<TargetInfo> levels() {
  TargetInfo rvv;
  rvv.target = "riscv64";
  rvv.level = "rvv";
  rvv.vector_bytes = 16;
  rvv.vector_registers = 32;
  rvv.features = {"rvv", "fma"};
  rvv.compile_flags = {"-march=rv64gcv"};
  return {rvv};
}

std::vector<std::string> prelude(const TargetInfo&) { return {"targets/riscv64/prelude/rvv.h"}; }

std::string supported(const TargetInfo&) { return "supports_rvv"; }

bool host_supports(const TargetInfo&) { return supports_rvv(); }

}  // namespace

extern const Target target_riscv64;
const Target target_riscv64 = {"riscv64", "riscv64", levels,       prelude,
                               emit_cpp,  supported, host_supports};

}  // namespace mintor
